import PinionBase
import PinionGraph
import PinionTensor

/// Checks of the operands that quantised operators of ONNX Runtime share. Absent operands pass.
extension InferenceContext {
  /// Checks that an input is uint8 or int8.
  func checkCodes(_ index: Int) throws(PinionError) {
    guard let type = optionalType(index), type.element != .uint8, type.element != .int8 else { return }
    throw .invalidShape("input '\(name(of: index))' is \(type), expected uint8 or int8")
  }

  /// Checks that an input has this element type.
  func check(_ index: Int, is element: ElementType) throws(PinionError) {
    guard let type = optionalType(index), type.element != element else { return }
    throw .invalidShape("input '\(name(of: index))' is \(type), expected \(element)")
  }

  /// Checks that an input has exactly one element of a type.
  func checkScalar(_ index: Int, _ element: ElementType) throws(PinionError) {
    try check(index, is: element)
    guard let type = optionalType(index), type.count != 1 else { return }
    throw .invalidShape("input '\(name(of: index))' is \(type), expected one element")
  }

  /// Checks that an input is one element, or a vector of one for each of `lines`, of a type.
  func check(_ index: Int, _ element: ElementType, onePer lines: Int) throws(PinionError) {
    try check(index, is: element)
    guard let type = optionalType(index), type.count != 1 || type.rank > 1 else { return }
    guard type.rank == 1, type.count == lines else {
      throw .invalidShape("input '\(name(of: index))' is \(type), expected one element or a vector of \(lines)")
    }
  }

  /// Checks the extents of an input.
  func check(_ index: Int, dims: [Int]) throws(PinionError) {
    guard let type = optionalType(index), type.dims != dims else { return }
    throw .invalidShape("input '\(name(of: index))' is \(type), expected shape \(try Shape(dims))")
  }
}

extension TensorType {
  /// The type with the last axis in the place of the second.
  func channelsFirst() throws(PinionError) -> TensorType {
    guard rank >= 3 else { throw .invalidShape("input \(self), expected [N,extents...,C]") }
    return TensorType(element, try Shape([dims[0], dims[rank - 1]] + dims[1..<(rank - 1)]))
  }
}
