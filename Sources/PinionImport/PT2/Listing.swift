import PinionBase
import PinionTensor

/// Constants that targets become and whose lengths numbers of the program decide.
extension Lowering {
  /// The most elements of one such constant.
  static let listLimit: Int64 = 1 << 26

  /// A constant whose elements follow from their places. Its memory is the allocator's, and is asked for after the limits of the load;
  /// an array of a length that the program decides would come from Swift's heap, whose exhaustion ends the process.
  /// - Parameters:
  ///   - sizes: its shape, no extent below 0.
  ///   - element: the element at a place in row-major order; it is asked for each of them in order.
  /// - Throws: `.unsupported` for more than `listLimit` elements.
  func list<T: Element>(_ sizes: [Int64], _ element: (Int64) throws(PinionError) -> T) throws(PinionError) -> Term {
    var extents: [Int] = []
    for size in sizes { extents.append(try size.converted()) }
    let shape = try Shape(extents)
    guard shape.count <= Lowering.listLimit else { throw .unsupported("a list of \(shape.count) numbers, more than \(Lowering.listLimit)") }
    let type = TensorType(T.elementType, shape)
    try report.control.takeBytes(type.byteCount)
    let tensor = try Tensor(type)
    let elements = tensor.data.assumingMemoryBound(to: T.self)
    var poll = Poll(report.control)
    for place in 0..<shape.count {
      try poll.count(4)
      elements[place] = try element(Int64(place))
    }
    return constant(tensor)
  }
}
