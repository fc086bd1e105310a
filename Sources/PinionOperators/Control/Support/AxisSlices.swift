import PinionBackend
import PinionBase
import PinionTensor

/// The positions of a tensor along one axis, each as a tensor without that axis, one for each step of a loop.
struct AxisSlices {
  let tensor: Tensor
  let axis: Int
  let item: TensorType
  private let outer: Int
  private let runBytes: Int
  /// The position of step 0 where steps go backwards.
  var last: Int?

  /// - Parameter axis: of `tensor`, counted from the front.
  init(_ tensor: Tensor, axis: Int) {
    self.tensor = tensor
    self.axis = axis
    item = TensorType(tensor.element, tensor.shape.removing(axis: axis))
    outer = item.count == 0 ? 0 : tensor.shape.count(0..<axis)
    runBytes = tensor.shape.count(axis + 1..<tensor.shape.rank) &* tensor.element.byteWidth
  }

  var extent: Int { tensor.shape[axis] }

  @inline(__always) private func position(_ step: Int) -> Int { last.map { $0 &- step } ?? step }

  /// Where the elements of a step lie; nil where they do not lie together.
  @inline(__always) func elements(_ step: Int) -> UnsafeMutableRawPointer? {
    outer == 1 ? tensor.data + position(step) &* runBytes : nil
  }

  /// The slice of a step, which lies in the tensor's own memory where it is contiguous there.
  func read(_ step: Int, _ context: EagerContext) throws(PinionError) -> Tensor {
    if let elements = elements(step), tensor.owner != nil { return Tensor(item, data: elements, owner: tensor.owner) }
    let slice = try context.allocate(item)
    try gather(step, into: slice.data, context)
    return slice.keepingAlive([tensor.owner])
  }

  /// Copies the elements of a step together.
  func gather(_ step: Int, into elements: UnsafeMutableRawPointer, _ context: EagerContext) throws(PinionError) {
    var poll = Poll(context.control)
    for row in 0..<outer {
      try copyLongRun(elements + row &* runBytes, tensor.data + (row &* extent &+ position(step)) &* runBytes, runBytes, &poll)
    }
  }

  /// Copies elements of type `item` to where those of a step belong.
  func write(_ elements: UnsafeRawPointer, _ step: Int, _ context: EagerContext) throws(PinionError) {
    var poll = Poll(context.control)
    for row in 0..<outer {
      try copyLongRun(tensor.data + (row &* extent &+ position(step)) &* runBytes, elements + row &* runBytes, runBytes, &poll)
    }
  }
}
