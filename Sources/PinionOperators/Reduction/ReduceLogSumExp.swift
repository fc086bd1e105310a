import CKernels
import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The logarithm of the sum of the exponentials of the elements along axes; minus infinity for none.
public struct ReduceLogSumExp: ReduceOperator {
  public static let schema = Schema(
    "ReduceLogSumExp", since: 28, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers]])
  static var operation: pk_reduce_op { PK_REDUCE_LOG_SUM_EXP }
  let reduction: ReductionAttributes
  public init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

  func kernel(_ element: ElementType, _ groups: AxisGroups) throws(PinionError) -> Kernel? {
    switch element {
    case .float32: try reductionKernel(LogSumExpOf<Float>.self, groups)
    case .float64: try reductionKernel(LogSumExpOf<Double>.self, groups)
    case .int32: try reductionKernel(LogSumExpOf<Int32>.self, groups)
    case .int64: try reductionKernel(LogSumExpOf<Int64>.self, groups)
    case .uint32: try reductionKernel(LogSumExpOf<UInt32>.self, groups)
    case .uint64: try reductionKernel(LogSumExpOf<UInt64>.self, groups)
    default: nil
    }
  }
}
