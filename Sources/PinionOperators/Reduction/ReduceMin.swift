import CKernels
import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The smallest of the elements along axes; for none the highest value of the type.
public struct ReduceMin: ReduceOperator {
  public static let schema = Schema(
    "ReduceMin", since: 20, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers, .bytes, .bool]])
  static var operation: pk_reduce_op { PK_REDUCE_MIN }
  let reduction: ReductionAttributes
  public init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

  func kernel(_ element: ElementType, _ groups: AxisGroups) throws(PinionError) -> Kernel? {
    switch element {
    case .float32: try reductionKernel(MinimumOf<Float>.self, groups)
    case .float64: try reductionKernel(MinimumOf<Double>.self, groups)
    case .int32: try reductionKernel(MinimumOf<Int32>.self, groups)
    case .int64: try reductionKernel(MinimumOf<Int64>.self, groups)
    case .uint32: try reductionKernel(MinimumOf<UInt32>.self, groups)
    case .uint64: try reductionKernel(MinimumOf<UInt64>.self, groups)
    case .int8: try reductionKernel(MinimumOf<Int8>.self, groups)
    case .uint8: try reductionKernel(MinimumOf<UInt8>.self, groups)
    case .bool: try reductionKernel(AllOf.self, groups)
    default: nil
    }
  }
}
