import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

extension Shape {
  /// Axes counted from the front, in the given order.
  /// - Throws: `.invalidShape` for one out of range or named twice.
  func normalized(axes: [Int64], limit: Int? = nil) throws(PinionError) -> [Int] {
    var result: [Int] = []
    for axis in axes {
      let position = try normalized(axis: axis, limit: limit)
      guard !result.contains(position) else { throw .invalidShape("axis \(axis) is named twice in \(axes)") }
      result.append(position)
    }
    return result
  }
}

extension Tensor {
  /// The only element of a tensor of numbers, without what is behind its point.
  func wholeNumber() throws(PinionError) -> Int64 {
    guard count == 1 else { throw .invalidShape("expected one number, found \(type)") }
    var value: Int64 = 0
    try conversion(from: element, to: .int64)(data, &value, 1)
    return value
  }
}
