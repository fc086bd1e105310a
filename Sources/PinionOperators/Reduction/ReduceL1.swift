import CKernels
import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The sum of the magnitudes of the elements along axes.
public struct ReduceL1: ReduceOperator {
  public static let schema = Schema(
    "ReduceL1", since: 18, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers]])
  static var operation: pk_reduce_op { PK_REDUCE_L1 }
  let reduction: ReductionAttributes
  public init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

  func kernel(_ element: ElementType, _ groups: AxisGroups) throws(PinionError) -> Kernel? {
    switch element {
    case .float32: try reductionKernel(L1Of<Float>.self, groups)
    case .float64: try reductionKernel(L1Of<Double>.self, groups)
    case .int32: try reductionKernel(L1Of<Int32>.self, groups)
    case .int64: try reductionKernel(L1Of<Int64>.self, groups)
    case .uint32: try reductionKernel(L1Of<UInt32>.self, groups)
    case .uint64: try reductionKernel(L1Of<UInt64>.self, groups)
    default: nil
    }
  }
}
