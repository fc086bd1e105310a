import CKernels
import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The product of the elements along axes; 1 for none.
public struct ReduceProd: ReduceOperator {
  public static let schema = Schema(
    "ReduceProd", since: 18, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers]])
  static var operation: pk_reduce_op { PK_REDUCE_PROD }
  let reduction: ReductionAttributes
  public init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

  func kernel(_ element: ElementType, _ groups: AxisGroups) throws(PinionError) -> Kernel? {
    switch element {
    case .float32: try reductionKernel(ProductOf<Float>.self, groups)
    case .float64: try reductionKernel(ProductOf<Double>.self, groups)
    case .int32: try reductionKernel(ProductOf<Int32>.self, groups)
    case .int64: try reductionKernel(ProductOf<Int64>.self, groups)
    case .uint32: try reductionKernel(ProductOf<UInt32>.self, groups)
    case .uint64: try reductionKernel(ProductOf<UInt64>.self, groups)
    default: nil
    }
  }

  /// The elements of a shape multiplied are extents of others.
  public func facts(_ context: FactContext) -> [Fact] {
    var result = reducedFact(context)
    if let values = context[0].extents, context[0].rank == 1, result.dims == [] || result.dims == [1] {
      result.values = [context.symbols.product(of: values).map(Int64.init)]
    }
    return [result]
  }
}
