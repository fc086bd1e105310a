import CKernels
import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The sum of the elements along axes; 0 for none.
public struct ReduceSum: ReduceOperator {
  public static let schema = Schema(
    "ReduceSum", since: 13, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers]])
  static var axesInputSince: Int64 { 13 }
  static var operation: pk_reduce_op { PK_REDUCE_SUM }
  let reduction: ReductionAttributes
  public init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

  func kernel(_ element: ElementType, _ groups: AxisGroups) throws(PinionError) -> Kernel? {
    switch element {
    case .float32: try reductionKernel(SumOf<Float>.self, groups)
    case .float64: try reductionKernel(SumOf<Double>.self, groups)
    case .int32: try reductionKernel(SumOf<Int32>.self, groups)
    case .int64: try reductionKernel(SumOf<Int64>.self, groups)
    case .uint32: try reductionKernel(SumOf<UInt32>.self, groups)
    case .uint64: try reductionKernel(SumOf<UInt64>.self, groups)
    default: nil
    }
  }
}
