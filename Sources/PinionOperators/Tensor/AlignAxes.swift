import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The data with axes of one element at its end, so that its first axis lies at an axis of `like` under NumPy's broadcasting.
///
/// Operators of opsets before 7 name the axis of their first operand at which the second begins. How many axes of one element that
/// takes follows from the ranks of both, which the importer need not know. Data of as many axes as `like` stays as it is.
package struct AlignAxes: CPUExecutable {
  package static let schema = Schema(
    "AlignAxes", domain: "pinion", since: 1, inputs: ["data: T", "like: all"], outputs: ["aligned: T"], types: ["T": .all])
  package static var typeOnlyInputs: Set<Int> { [1] }
  let axis: Int64

  package init(_ attributes: inout AttributeReader) throws(PinionError) { axis = try attributes.int("axis") }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let data = try context.type(0), like = try context.type(1).shape
    guard data.rank < like.rank else { return [data] }
    let start = try like.normalized(axis: axis)
    guard data.rank <= like.rank &- start else { throw .invalidShape("\(data.shape) at axis \(start) does not lie within \(like)") }
    let end = [Int](repeating: 1, count: like.rank &- start &- data.rank)
    return [TensorType(data.element, try Shape(data.dims + end))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0]
    guard let dims = data.dims, let rank = context[1].rank else { return [Fact(element: data.element)] }
    guard dims.count < rank else { return [context.like(0)] }
    guard let start = Fact.position(axis, rank: rank), dims.count <= rank - start else { return [Fact(element: data.element)] }
    return [Fact(data.element, dims + [Int?](repeating: 1, count: rank - start - dims.count))]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try copyKernel(context) }
  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.within(input: 0, offset: 0)] }
}

extension AlignAxes {
  /// Brings a pairwise operator's node of an opset before 7 into NumPy's form.
  ///
  /// Without `axis` the second operand lies along the last axes of the first, which is NumPy's rule. Without `broadcast` the
  /// operands have one shape.
  static func adaptPair(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 7 else { return }
    node.attributes["consumed_inputs"] = nil
    let axis = node.attributes.removeValue(forKey: "axis"), broadcast = node.attributes.removeValue(forKey: "broadcast")
    switch (axis, broadcast) {
    case (nil, _), (_, nil), (_, .int(0)): break
    case (.int(let axis), .int): align(&node, at: axis)
    case (let axis?, let broadcast?):
      throw .invalidModel("attributes 'axis' and 'broadcast' are \(axis.kind) and \(broadcast.kind), expected INT")
    }
  }

  /// Lets the second operand begin at an axis of the first.
  static func align(_ node: inout NodeDraft, at axis: Int64) {
    guard node.has(input: 0), node.has(input: 1) else { return }
    let aligned = NodeDraft(
      newest: AlignAxes.schema, attributes: ["axis": .int(axis)], inputs: [node.inputs[1], node.inputs[0]])
    node.setInput(1, .computed(aligned))
  }
}
