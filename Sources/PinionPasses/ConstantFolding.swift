import PinionBackend
import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// Computes nodes whose inputs are all constants, as far as that does not make the model much larger nor takes very long: what it leaves,
/// runs compute.
struct ConstantFolding: Pass {
  var name: String { exceptions.isEmpty ? "ConstantFolding of all" : "ConstantFolding" }
  /// Operators that are left alone because they unpack what a model keeps packed.
  var exceptions: [any Operator.Type] = [DequantizeLinear.self, MicrosoftDequantizeLinear.self]

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    try editor.edit { (editor) throws(PinionError) in
      for index in editor.indices where editor.isThere(index) {
        try editor.visit(index)
        try fold(index, &editor, context)
      }
    }
  }

  private func fold(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) {
    let node = editor[index]
    guard node.subgraphs.isEmpty, !node.inputs.isEmpty, type(of: node.op).isDeterministic else { return }
    var inputs: [Tensor?] = []
    var spared: [Tensor] = []
    for input in node.inputs {
      guard let input else {
        inputs.append(nil)
        continue
      }
      guard let constant = editor.constant(input) else { return foldShape(index, &editor) }
      inputs.append(constant)
      if editor.useCount(input) == 1 { spared.append(constant) }
    }
    guard !exceptions.contains(where: { $0 == editor.kind(index) }), inputs.contains(where: { $0 != nil }) else { return }
    let results: [Tensor]
    do throws(PinionError) { results = try execute(node, inputs, sparing: spared, context) } catch {
      // A node that fails stays, and fails if a run comes to it; one that was stopped stops the rest as well.
      guard error.code == .deadlineExceeded || error.code == .cancelled else { return }
      throw error
    }
    editor.fold(index, results)
  }

  /// Computes an operator that looks at nothing but the type of its input, where that is known.
  private func foldShape(_ index: Int, _ editor: inout GraphEditor) {
    guard editor[index].inputs.count == 1, let op = editor[index].op as? any ShapeReading,
      let type = editor.fact(editor.input(index, 0), at: index).type, let result = try? op.read(type)
    else { return }
    editor.fold(index, [result])
  }

  private func execute(
    _ node: Node, _ inputs: [Tensor?], sparing spared: [Tensor], _ context: PassContext
  ) throws(PinionError) -> [Tensor] {
    let account = context.folding, limit = account.limit(sparing: spared)
    let inference = InferenceContext(
      schema: node.schema, inputs: inputs.map { $0?.type }, values: inputs, outputCount: node.outputs.count)
    var packedBytes = 0
    do throws(PinionError) {
      let outputs = try node.op.outputTypes(inference)
      guard outputs.reduce(0, { $0 &+ $1.byteCount }) <= limit else { throw PinionError(.budgetExceeded, "the result is too large") }
      let operations = node.op.operations(inputs: inputs.map { $0?.type }, outputs: outputs)
      guard account.take(operations: operations) else { throw PinionError(.budgetExceeded, "the result takes too long") }
      // Products pack an operand.
      if operations / 16 > outputs.reduce(0, { $0 &+ $1.count }) { packedBytes = inputs.reduce(0) { max($0, $1?.byteCount ?? 0) } }
    } catch { guard error.code == .dataDependent else { throw error } }
    let control = account.controlOfNode(limit: limit)
    let eager = EagerContext(
      allocator: context.allocator, control: control, outputCount: node.outputs.count, subgraphs: nil, executor: context.executor,
      packed: PackedWeights(allocator: context.allocator), inputsAreConstant: true)
    let results = try account.holding(packedBytes) { () throws(PinionError) in
      try context.backend.execute(node.op, inputs.map { $0.map(Value.tensor) }, eager)
    }
    guard results.count >= node.outputs.count else { throw .internal("the node has too few results") }
    var tensors: [Tensor] = []
    for result in results.prefix(node.outputs.count) { tensors.append(try result.asTensor()) }
    return try account.hold(tensors, of: inputs, sparing: spared, limit: limit, control, allocator: context.allocator)
  }
}
