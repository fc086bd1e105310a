import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Joins a sequence's tensors along an axis of theirs, or along a new one.
package struct ConcatFromSequence: EagerExecutable, ValueTyping {
  package static let schema = Schema("ConcatFromSequence", since: 11, inputs: ["input_sequence"], outputs: ["concat_result: all"])
  let axis: Int64
  let addsAxis: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis")
    addsAxis = try attributes.bool("new_axis")
  }

  package func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    guard let item = inputs.first??.elementOfSequence, let element = item.tensorElement else { return [nil] }
    let dims = item.dims.flatMap { (addsAxis ? $0.inserting(axis) : $0).opened(axis: axis) }
    return [.tensor(element, dims: dims)]
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let (elements, _) = try sequence(try required(inputs, 0, "input_sequence"), "input_sequence")
    var tensors: [Tensor] = []
    for element in elements { tensors.append(try element.asTensor()) }
    guard let first = tensors.first else { throw .invalidValue("the sequence is empty") }
    let axis = try first.shape.normalized(axis: axis, limit: first.shape.rank + (addsAxis ? 1 : 0))
    var extent = 0
    for (index, tensor) in tensors.enumerated() {
      let fits =
        addsAxis
        ? tensor.shape == first.shape
        : tensor.shape.rank == first.shape.rank && tensor.shape.removing(axis: axis) == first.shape.removing(axis: axis)
      guard tensor.element == first.element, fits else {
        throw .invalidShape("element \(index) is \(tensor.type), which cannot be joined with \(first.type) at axis \(axis)")
      }
      extent = try extent.adding(addsAxis ? 1 : tensor.shape[axis])
    }
    var dims = first.shape.dims
    if addsAxis { dims.insert(extent, at: axis) } else { dims[axis] = extent }
    let output = try context.allocate(first.element, dims)
    let outer = output.count == 0 ? 0 : output.shape.count(0..<axis)
    let inner = output.shape.count(axis + 1..<output.shape.rank) &* first.element.byteWidth
    var start = output.data
    for tensor in tensors {
      let runBytes = (addsAxis ? 1 : tensor.shape[axis]) &* inner
      for row in 0..<outer {
        (start + row &* extent &* inner).copyMemory(from: tensor.data + row &* runBytes, byteCount: runBytes)
      }
      start += runBytes
    }
    return [.tensor(output.keepingAlive(tensors.map(\.owner)))]
  }
}

extension [Dimension] {
  /// The extents with a new one, so that it lies at an axis of the result.
  fileprivate func inserting(_ axis: Int64) -> [Dimension] {
    let all = self + [.unknown]
    guard let position = all.position(ofAxis: axis) else { return all }
    var dims = self
    dims.insert(.unknown, at: position)
    return dims
  }
}
