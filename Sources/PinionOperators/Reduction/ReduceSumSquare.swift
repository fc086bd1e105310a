import CKernels
import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The sum of the squares of the elements along axes.
public struct ReduceSumSquare: ReduceOperator {
  public static let schema = Schema(
    "ReduceSumSquare", since: 18, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers]])
  static var operation: pk_reduce_op { PK_REDUCE_SUM_SQUARE }
  let reduction: ReductionAttributes
  public init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

  func kernel(_ element: ElementType, _ groups: AxisGroups) throws(PinionError) -> Kernel? {
    switch element {
    case .float32: try reductionKernel(SumSquareOf<Float>.self, groups)
    case .float64: try reductionKernel(SumSquareOf<Double>.self, groups)
    case .int32: try reductionKernel(SumSquareOf<Int32>.self, groups)
    case .int64: try reductionKernel(SumSquareOf<Int64>.self, groups)
    case .uint32: try reductionKernel(SumSquareOf<UInt32>.self, groups)
    case .uint64: try reductionKernel(SumSquareOf<UInt64>.self, groups)
    default: nil
    }
  }
}
