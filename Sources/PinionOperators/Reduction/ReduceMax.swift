import CKernels
import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The largest of the elements along axes; for none the lowest value of the type.
public struct ReduceMax: ReduceOperator {
  public static let schema = Schema(
    "ReduceMax", since: 20, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers, .bytes, .bool]])
  static var operation: pk_reduce_op { PK_REDUCE_MAX }
  let reduction: ReductionAttributes
  public init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

  func kernel(_ element: ElementType, _ groups: AxisGroups) throws(PinionError) -> Kernel? {
    switch element {
    case .float32: try reductionKernel(MaximumOf<Float>.self, groups)
    case .float64: try reductionKernel(MaximumOf<Double>.self, groups)
    case .int32: try reductionKernel(MaximumOf<Int32>.self, groups)
    case .int64: try reductionKernel(MaximumOf<Int64>.self, groups)
    case .uint32: try reductionKernel(MaximumOf<UInt32>.self, groups)
    case .uint64: try reductionKernel(MaximumOf<UInt64>.self, groups)
    case .int8: try reductionKernel(MaximumOf<Int8>.self, groups)
    case .uint8: try reductionKernel(MaximumOf<UInt8>.self, groups)
    case .bool: try reductionKernel(AnyOf.self, groups)
    default: nil
    }
  }
}
