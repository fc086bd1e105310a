import PinionBase
import PinionGraph
import PinionTensor

/// Checks of the operands that quantised operators of ONNX Runtime share. Absent operands pass.
extension InferenceContext {
  /// Checks that an input has exactly one element.
  func checkScalar(_ index: Int) throws(PinionError) {
    guard let type = optionalType(index), type.count != 1 else { return }
    throw .invalidShape("input '\(name(of: index))' is \(type), expected one element")
  }

  /// Checks that an input is one element, or a vector of one for each of `lines`.
  func check(_ index: Int, onePer lines: Int) throws(PinionError) {
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
