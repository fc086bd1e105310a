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
  /// Bytes by which the constants of a graph may grow in all, and at one node.
  var totalGrowth = 64 << 20
  var nodeGrowth = 16 << 20
  /// Operators that are left alone because they unpack what a model keeps packed.
  var exceptions: [any Operator.Type] = [DequantizeLinear.self, MicrosoftDequantizeLinear.self]

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    var budget = totalGrowth
    var made = MadeElements()
    return try editor.edit { (editor) throws(PinionError) in
      for index in editor.indices {
        guard let number = editor.kindNumber(index) else { continue }
        try editor.visit(index)
        let kind = editor.operators[number]
        guard kind.isDeterministic, !editor.hasSubgraphs(index) else { continue }
        if editor.inputs(of: index).contains(where: { $0.map { !editor.isConstant($0) } ?? false }) {
          if kind.readsShapes { foldShape(index, &editor) }
        } else {
          try fold(index, &editor, context, &budget, &made)
        }
      }
    }
  }

  /// Computes a node of which all inputs that are there are constants.
  private func fold(
    _ index: Int, _ editor: inout GraphEditor, _ context: PassContext, _ budget: inout Int, _ made: inout MadeElements
  ) throws(PinionError) {
    let node = editor[index]
    var inputs: [Tensor?] = []
    var spared = 0
    for input in node.inputs {
      guard let input else {
        inputs.append(nil)
        continue
      }
      guard let constant = editor.constant(input) else { return }
      let isLast = editor.useCount(input) == 1
      inputs.append(isLast ? constant : (try? made.elements(of: constant)) ?? constant)
      if isLast { spared &+= constant.byteCount }
    }
    guard !exceptions.contains(where: { $0 == editor.kind(index) }), inputs.contains(where: { $0 != nil }) else { return }
    let limit = spared &+ min(nodeGrowth, budget)
    let results: [Tensor]
    do throws(PinionError) { results = try execute(node, inputs, limit: limit, context) } catch {
      // A node that fails stays, and fails if a run comes to it; one that was stopped stops the rest as well.
      guard error.code == .deadlineExceeded || error.code == .cancelled else { return }
      throw error
    }
    let bytes = results.reduce(0) { $0 &+ $1.byteCount &+ $1.textBytes }
    guard bytes <= limit else { return }
    budget &-= max(bytes &- spared, 0)
    editor.fold(index, results)
  }

  /// Computes an operator that looks at nothing but the type of its input, where that is known.
  private func foldShape(_ index: Int, _ editor: inout GraphEditor) {
    guard editor.inputs(of: index).count == 1, let op = editor[index].op as? any ShapeReading,
      let type = editor.fact(editor.input(index, 0), at: index).type, let result = try? op.read(type)
    else { return }
    editor.fold(index, [result])
  }

  private func execute(
    _ node: Node, _ inputs: [Tensor?], limit: Int, _ context: PassContext
  ) throws(PinionError) -> [Tensor] {
    let inference = InferenceContext(
      schema: node.schema, inputs: inputs.map { $0?.type }, values: inputs, outputCount: node.outputs.count)
    do throws(PinionError) {
      let outputs = try node.op.outputTypes(inference)
      guard outputs.reduce(0, { $0 &+ $1.byteCount }) <= limit else { throw PinionError(.budgetExceeded, "the result is too large") }
      guard context.operations.take(node.op.operations(inputs: inputs.map { $0?.type }, outputs: outputs)) else {
        throw PinionError(.budgetExceeded, "the result takes too long")
      }
      if let views = try views(node, inputs, inference, outputs, context) { return views }
    } catch { guard error.code == .dataDependent else { throw error } }
    var limits = context.control.limits
    limits.bytes = min(limit &+ ConstantFolding.scratchBytes, limits.bytes ?? .max)
    limits.steps = nil
    let eager = EagerContext(
      allocator: context.allocator, control: RunControl(limits), outputCount: node.outputs.count, subgraphs: nil, executor: context.executor,
      packed: PackedWeights(), inputsAreConstant: true)
    let results = try context.backend.execute(node.op, inputs.map { $0.map(Value.tensor) }, eager)
    guard results.count >= node.outputs.count else { throw .internal("the node has too few results") }
    var tensors: [Tensor] = []
    for result in results.prefix(node.outputs.count) {
      let tensor = try result.asTensor()
      // Elements of string tensors may point into the inputs.
      tensors.append(tensor.element == .string ? try tensor.copyingStrings(allocator: context.allocator) : tensor)
    }
    return tensors
  }

  /// The results of a node that has nothing to compute, where they lie in its inputs.
  private func views(
    _ node: Node, _ inputs: [Tensor?], _ inference: InferenceContext, _ outputs: [TensorType], _ context: PassContext
  ) throws(PinionError) -> [Tensor]? {
    guard outputs.count >= node.outputs.count else { return nil }
    let memory = context.backend.outputMemory(
      of: node.op,
      KernelContext(inference: inference, outputs: Array(outputs.prefix(node.outputs.count)), threads: 1, packed: PackedWeights()))
    guard memory.count >= node.outputs.count else { return nil }
    var results: [Tensor] = []
    for (place, type) in zip(memory, outputs).prefix(node.outputs.count) {
      guard case .within(let slot, let offset) = place, let input = inputs[slot], type.byteCount >= input.byteCount / ConstantFolding.leastPart,
        let view = try input.resident().view(type, at: offset)
      else { return nil }
      results.append(view)
    }
    return results
  }

  /// A view keeps all of the memory that it is a part of, so that it is a large part.
  private static let leastPart = 8

  /// What kernels may take beside their results.
  private static let scratchBytes = 64 << 20
}

/// Elements of constants for the rest of a sweep, in which several nodes take parts of one: some are made each time that somebody asks.
private struct MadeElements {
  private var known: [ObjectIdentifier: (tensor: Tensor, elements: Tensor)] = [:]
  private var bytes = 0
  /// Bytes that are held at once.
  private static let limit = 64 << 20

  /// The elements in memory where there is room for them, else the constant.
  mutating func elements(of tensor: Tensor) throws(PinionError) -> Tensor {
    guard let constant = tensor.constant, tensor.byteCount <= MadeElements.limit - bytes else { return tensor }
    if let (whole, elements) = known[ObjectIdentifier(constant)], whole.isSameMemory(as: tensor) { return elements }
    let elements = try tensor.resident()
    known[ObjectIdentifier(constant)] = (tensor, elements)
    bytes += tensor.byteCount
    return elements
  }
}

extension Tensor {
  /// A tensor of elements that lie in this one, which are in memory, from the byte `offset` on; nil where it is text.
  fileprivate func view(_ type: TensorType, at offset: Int) -> Tensor? {
    guard element != .string, type.byteCount > 0, offset >= 0, type.byteCount <= byteCount - offset else { return nil }
    return Tensor(type, data: data + offset, owner: owner)
  }
}
