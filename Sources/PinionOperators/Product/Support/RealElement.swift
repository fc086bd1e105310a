import CKernels
import PinionBase
import PinionTensor

/// A floating-point type with vector kernels for its functions.
protocol RealElement: BinaryFloatingPoint, Element {
  static var kernelType: pk_type { get }
}
extension Float: RealElement { static var kernelType: pk_type { PK_F32 } }
extension Double: RealElement { static var kernelType: pk_type { PK_F64 } }

extension RealElement {
  /// The kernel of an operation on elements of this type.
  static func function(_ operation: pk_unary_op) throws(PinionError) -> pk_unary_fn {
    guard let function = pk_unary_kernel(pk_isa_best(), operation, kernelType) else {
      throw .internal("no kernel for operation \(operation.rawValue) on \(Self.elementType)")
    }
    return function
  }
}
