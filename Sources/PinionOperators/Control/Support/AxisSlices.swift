import PinionBackend
import PinionBase
import PinionTensor

/// The positions of a tensor along one axis, each as a tensor without that axis.
struct AxisSlices {
  let tensor: Tensor
  let axis: Int
  let item: TensorType
  private let outer: Int
  private let runBytes: Int

  /// - Parameter axis: of `tensor`, counted from the front.
  init(_ tensor: Tensor, axis: Int) {
    self.tensor = tensor
    self.axis = axis
    item = TensorType(tensor.element, tensor.shape.removing(axis: axis))
    outer = item.count == 0 ? 0 : tensor.shape.count(0..<axis)
    runBytes = tensor.shape.count(axis + 1..<tensor.shape.rank) &* tensor.element.byteWidth
  }

  var extent: Int { tensor.shape[axis] }

  /// The slice at `position`, which lies in the tensor's own memory where it is contiguous there.
  func read(_ position: Int, _ context: EagerContext) throws(PinionError) -> Tensor {
    guard outer != 1 || tensor.owner == nil else {
      let view = Tensor(item, data: tensor.data + position &* runBytes, owner: tensor.owner)
      return view
    }
    let slice = try context.allocate(item)
    var poll = Poll(context.control)
    for row in 0..<outer {
      try copyLongRun(slice.data + row &* runBytes, tensor.data + (row &* extent &+ position) &* runBytes, runBytes, &poll)
    }
    return slice.keepingAlive([tensor.owner])
  }

  /// Memory of a position, for who writes a slice where it belongs; nil where its elements do not lie together, and for text.
  func slot(_ position: Int) -> Tensor? {
    guard outer == 1, tensor.element != .string else { return nil }
    return Tensor(item, data: tensor.data + position &* runBytes, owner: tensor.owner)
  }

  /// Copies a tensor of type `item` to `position`.
  func write(_ slice: Tensor, _ position: Int, _ context: EagerContext) throws(PinionError) {
    var poll = Poll(context.control)
    for row in 0..<outer {
      try copyLongRun(tensor.data + (row &* extent &+ position) &* runBytes, slice.data + row &* runBytes, runBytes, &poll)
    }
  }
}
