import PinionBackend
import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// Computes nodes whose inputs are all constants, as far as that does not make the model much larger nor takes very long: what it leaves,
/// runs compute.
struct ConstantFolding: Pass {
  var name: String { exceptions.isEmpty ? "ConstantFolding of all" : "ConstantFolding" }
  /// What it has computed elsewhere counts as well.
  var followsFromGraph: Bool { false }
  /// Operators that are left alone because they unpack what a model keeps packed.
  var exceptions: [any Operator.Type] = [DequantizeLinear.self, MicrosoftDequantizeLinear.self]

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    var made = MadeElements(context.folding)
    return try editor.edit { (editor) throws(PinionError) in
      for index in editor.indices {
        guard let number = editor.kindNumber(index) else { continue }
        try editor.visit(index)
        let kind = editor.operators[number]
        guard kind.isDeterministic, !editor.hasSubgraphs(index) else { continue }
        if editor.inputs(of: index).contains(where: { $0.map { !editor.isConstant($0) } ?? false }) {
          if kind.readsShapes { foldShape(index, &editor) }
        } else {
          try fold(index, &editor, context, &made)
        }
      }
    }
  }

  /// Computes a node of which all inputs that are there are constants.
  private func fold(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext, _ made: inout MadeElements) throws(PinionError) {
    let node = editor[index]
    var inputs: [Tensor?] = []
    var spared: [Tensor] = []
    for input in node.inputs {
      guard let input else {
        inputs.append(nil)
        continue
      }
      guard let constant = editor.constant(input) else { return }
      let isLast = editor.useCount(input) == 1
      inputs.append(isLast ? constant : made.elements(of: constant))
      if isLast, context.folding.mayBeSpared(constant) { spared.append(constant) }
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
    guard editor.inputs(of: index).count == 1, let op = editor[index].op.shapeReading,
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
      if let views = try views(node, inputs, inference, outputs, sparing: spared, context) { return views }
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

  /// The results of a node that has nothing to compute, where they lie in its inputs.
  private func views(
    _ node: Node, _ inputs: [Tensor?], _ inference: InferenceContext, _ outputs: [TensorType], sparing spared: [Tensor],
    _ context: PassContext
  ) throws(PinionError) -> [Tensor]? {
    guard outputs.count >= node.outputs.count else { return nil }
    let memory = context.backend.outputMemory(
      of: node.op,
      KernelContext(inference: inference, outputs: Array(outputs.prefix(node.outputs.count)), threads: 1, packed: PackedWeights()))
    guard memory.count >= node.outputs.count else { return nil }
    var results: [Tensor] = []
    for (place, type) in zip(memory, outputs).prefix(node.outputs.count) {
      guard case .within(let slot, let offset) = place, let input = inputs[slot], type.byteCount >= input.byteCount / ConstantFolding.leastPart,
        let view = try context.folding.view(type, of: input, at: offset, sparing: spared)
      else { return nil }
      results.append(view)
    }
    return results
  }

  /// A view keeps all of the memory that it is a part of, so that it is a large part.
  private static let leastPart = 8
}

/// Elements of constants for the rest of a sweep, in which several nodes take parts of one: some are made each time that somebody asks.
private struct MadeElements {
  private var known: [ObjectIdentifier: (tensor: Tensor, elements: Tensor)] = [:]
  private var bytes = 0
  /// Bytes that are held at once, of which a budget leaves most to the results.
  private let limit: Int
  private let account: FoldingAccount

  init(_ account: FoldingAccount) {
    self.account = account
    limit = min(64 << 20, (account.control.limits.bytes ?? .max) / 8)
  }

  /// The elements in memory where there is room for them, else the constant.
  mutating func elements(of tensor: Tensor) -> Tensor {
    guard let constant = tensor.constant else { return tensor }
    if let (whole, elements) = known[ObjectIdentifier(constant)], whole.isSameMemory(as: tensor) { return elements }
    guard tensor.byteCount <= limit - bytes, let elements = try? account.elements(of: tensor) else { return tensor }
    known[ObjectIdentifier(constant)] = (tensor, elements)
    bytes += tensor.byteCount
    return elements
  }
}
