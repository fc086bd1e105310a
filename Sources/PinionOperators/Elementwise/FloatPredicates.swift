import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Whether each element is NaN.
package struct IsNaN: CPUExecutable {
  package static let schema = Schema("IsNaN", since: 20, inputs: ["X: U"], outputs: ["Y: bool"], types: ["U": [.narrowFloats, .floats]])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    [TensorType(.bool, try context.type(0).shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [context.like(0, element: .bool)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try predicateKernel(PK_PREDICATE_ISNAN, context) { $0.isNaN }
  }
}

/// Whether each element is infinite, with the signs that the attributes ask for.
package struct IsInf: CPUExecutable {
  package static let schema = Schema("IsInf", since: 20, inputs: ["X: U"], outputs: ["Y: bool"], types: ["U": [.narrowFloats, .floats]])
  let detectsNegative: Bool
  let detectsPositive: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    detectsNegative = try attributes.bool("detect_negative", default: true)
    detectsPositive = try attributes.bool("detect_positive", default: true)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    [TensorType(.bool, try context.type(0).shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [context.like(0, element: .bool)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch (detectsNegative, detectsPositive) {
    case (true, true): return try predicateKernel(PK_PREDICATE_ISINF, context) { $0.isInfinite }
    case (false, true): return try predicateKernel(PK_PREDICATE_ISINF_POSITIVE, context) { $0 == .infinity }
    case (true, false): return try predicateKernel(PK_PREDICATE_ISINF_NEGATIVE, context) { $0 == -.infinity }
    case (false, false):
      return .ranges(try context.type(0).count, grain: 1 << 20) { frame, range in
        (frame.output(0, as: Bool.self) + range.lowerBound).initialize(repeating: false, count: range.count)
      }
    }
  }
}

/// - Parameter narrow: the predicate for the float8 types, of which all codes are tried beforehand.
private func predicateKernel(
  _ predicate: pk_predicate, _ context: KernelContext, narrow: (Float) -> Bool
) throws(PinionError) -> Kernel {
  let type = try context.type(0)
  if let format = NarrowFloat(type.element) {
    let table = format.table.map(narrow)
    return .ranges(type.count, grain: elementwiseGrain) { frame, range in
      let source = frame.input(0, as: UInt8.self), target = frame.output(0, as: Bool.self)
      for index in range { target[index] = table[Int(source[index])] }
    }
  }
  guard let kernelType = type.element.kernelType, let function = pk_predicate_kernel(pk_isa_best(), predicate, kernelType) else {
    throw context.unsupportedTypes()
  }
  let width = type.element.byteWidth
  return .ranges(type.count, grain: elementwiseGrain) { frame, range in
    function(frame.rawInput(0) + range.lowerBound &* width, frame.output(0, as: UInt8.self) + range.lowerBound, range.count)
  }
}
