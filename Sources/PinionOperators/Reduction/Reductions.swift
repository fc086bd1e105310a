import CKernels
import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The sum of the elements along axes; 0 for none.
package struct ReduceSum: ReduceOperator {
  package static let schema = Schema(
    "ReduceSum", since: 13, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers]])
  static var axesInputSince: Int64 { 13 }
  static var operation: pk_reduce_op { PK_REDUCE_SUM }
  let reduction: ReductionAttributes
  package init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

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

/// The mean of the elements along axes.
package struct ReduceMean: ReduceOperator {
  package static let schema = Schema(
    "ReduceMean", since: 18, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers]])
  static var operation: pk_reduce_op { PK_REDUCE_MEAN }
  package let reduction: ReductionAttributes
  package init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

  func kernel(_ element: ElementType, _ groups: AxisGroups) throws(PinionError) -> Kernel? {
    switch element {
    case .float32: try reductionKernel(MeanOf<Float>.self, groups)
    case .float64: try reductionKernel(MeanOf<Double>.self, groups)
    case .int32: try reductionKernel(MeanOf<Int32>.self, groups)
    case .int64: try reductionKernel(MeanOf<Int64>.self, groups)
    case .uint32: try reductionKernel(MeanOf<UInt32>.self, groups)
    case .uint64: try reductionKernel(MeanOf<UInt64>.self, groups)
    default: nil
    }
  }
}

/// The product of the elements along axes; 1 for none.
package struct ReduceProd: ReduceOperator {
  package static let schema = Schema(
    "ReduceProd", since: 18, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers]])
  static var operation: pk_reduce_op { PK_REDUCE_PROD }
  let reduction: ReductionAttributes
  package init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

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
  package func facts(_ context: FactContext) -> [Fact] {
    var result = reducedFact(context)
    if let values = context[0].extents, context[0].rank == 1, result.dims == [] || result.dims == [1] {
      result.values = [context.symbols.product(of: values).map(Int64.init)]
    }
    return [result]
  }
}

/// The largest of the elements along axes; for none the lowest value of the type.
package struct ReduceMax: ReduceOperator {
  package static let schema = Schema(
    "ReduceMax", since: 20, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers, .bytes, .bool]])
  static var operation: pk_reduce_op { PK_REDUCE_MAX }
  package let reduction: ReductionAttributes
  package init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

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

/// The smallest of the elements along axes; for none the highest value of the type.
package struct ReduceMin: ReduceOperator {
  package static let schema = Schema(
    "ReduceMin", since: 20, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers, .bytes, .bool]])
  static var operation: pk_reduce_op { PK_REDUCE_MIN }
  let reduction: ReductionAttributes
  package init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

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

/// The sum of the magnitudes of the elements along axes.
package struct ReduceL1: ReduceOperator {
  package static let schema = Schema(
    "ReduceL1", since: 18, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers]])
  static var operation: pk_reduce_op { PK_REDUCE_L1 }
  let reduction: ReductionAttributes
  package init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

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

/// The square root of the sum of the squares of the elements along axes.
package struct ReduceL2: ReduceOperator {
  package static let schema = Schema(
    "ReduceL2", since: 18, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers]])
  static var operation: pk_reduce_op { PK_REDUCE_L2 }
  let reduction: ReductionAttributes
  package init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

  func kernel(_ element: ElementType, _ groups: AxisGroups) throws(PinionError) -> Kernel? {
    switch element {
    case .float32: try reductionKernel(L2Of<Float>.self, groups)
    case .float64: try reductionKernel(L2Of<Double>.self, groups)
    case .int32: try reductionKernel(L2Of<Int32>.self, groups)
    case .int64: try reductionKernel(L2Of<Int64>.self, groups)
    case .uint32: try reductionKernel(L2Of<UInt32>.self, groups)
    case .uint64: try reductionKernel(L2Of<UInt64>.self, groups)
    default: nil
    }
  }
}

/// The sum of the squares of the elements along axes.
package struct ReduceSumSquare: ReduceOperator {
  package static let schema = Schema(
    "ReduceSumSquare", since: 18, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers]])
  static var operation: pk_reduce_op { PK_REDUCE_SUM_SQUARE }
  let reduction: ReductionAttributes
  package init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

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

/// The logarithm of the sum of the elements along axes; minus infinity for none.
package struct ReduceLogSum: ReduceOperator {
  package static let schema = Schema(
    "ReduceLogSum", since: 28, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers]])
  static var operation: pk_reduce_op { PK_REDUCE_LOG_SUM }
  let reduction: ReductionAttributes
  package init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

  func kernel(_ element: ElementType, _ groups: AxisGroups) throws(PinionError) -> Kernel? {
    switch element {
    case .float32: try reductionKernel(LogSumOf<Float>.self, groups)
    case .float64: try reductionKernel(LogSumOf<Double>.self, groups)
    case .int32: try reductionKernel(LogSumOf<Int32>.self, groups)
    case .int64: try reductionKernel(LogSumOf<Int64>.self, groups)
    case .uint32: try reductionKernel(LogSumOf<UInt32>.self, groups)
    case .uint64: try reductionKernel(LogSumOf<UInt64>.self, groups)
    default: nil
    }
  }
}

/// The logarithm of the sum of the exponentials of the elements along axes; minus infinity for none.
package struct ReduceLogSumExp: ReduceOperator {
  package static let schema = Schema(
    "ReduceLogSumExp", since: 28, inputs: ["data: T", "axes?: indices"], outputs: ["reduced: T"], types: ["T": [.floats, .wideIntegers]])
  static var operation: pk_reduce_op { PK_REDUCE_LOG_SUM_EXP }
  let reduction: ReductionAttributes
  package init(_ attributes: inout AttributeReader) throws(PinionError) { reduction = try ReductionAttributes(&attributes) }

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
