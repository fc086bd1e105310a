import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// An operator that makes a window function of a given length, a sum of cosines.
protocol WindowOperator: CPUExecutable {
  /// The factors of cos(0), -cos(x), cos(2x), where x runs through a full turn.
  static var coefficients: (Double, Double, Double) { get }
  var element: ElementType { get }
  var isPeriodic: Bool { get }
}

extension WindowOperator {
  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    [TensorType(element, try Shape([try context.integer(0).converted()]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [Fact(element, [context[0].singleExtent.flatMap { Symbols.isExtent($0) ? $0 : nil }])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let size = try context.outputType(0).count
    let narrow = try ElementConversion(from: .float64, to: element)
    let width = element.byteWidth
    let period = isPeriodic ? size : size &- 1
    let step = period > 0 ? 2 * Double.pi / Double(period) : 0
    let (a, b, c) = Self.coefficients
    let strip = 512
    guard let cosine = pk_unary_kernel(pk_isa_best(), PK_UNARY_COS, PK_F64) else { throw context.unsupportedTypes() }
    return .ranges(size, grain: strip, laneScratchBytes: strip * 8) { frame, range in
      let numbers = frame.laneScratch.assumingMemoryBound(to: Double.self)
      let first = range.lowerBound, count = range.count
      // A window of a single point is its peak.
      if period <= 0 {
        for index in 0..<count { numbers[index] = 1 }
      } else {
        for index in 0..<count { numbers[index] = step * Double(first &+ index) }
        cosine(numbers, numbers, count, nil)
        // cos(2x) is 2 cos(x)^2 - 1.
        for index in 0..<count { numbers[index] = a - b * numbers[index] + c * (2 * numbers[index] * numbers[index] - 1) }
      }
      narrow(numbers, frame.rawOutput(0) + range.lowerBound &* width, range.count)
    }
  }
}

/// The Hann window of `size` points, over one period or, without `periodic`, symmetric.
package struct HannWindow: WindowOperator {
  package static let schema = Schema("HannWindow", since: 17, inputs: ["size: indices"], outputs: ["output: numbers"])
  static var coefficients: (Double, Double, Double) { (0.5, 0.5, 0) }
  let element: ElementType
  let isPeriodic: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.elementType("output_datatype", default: .float32)
    isPeriodic = try attributes.bool("periodic", default: true)
  }
}

/// The Hamming window of `size` points, over one period or, without `periodic`, symmetric.
package struct HammingWindow: WindowOperator {
  package static let schema = Schema("HammingWindow", since: 17, inputs: ["size: indices"], outputs: ["output: numbers"])
  static var coefficients: (Double, Double, Double) { (25.0 / 46, 21.0 / 46, 0) }
  let element: ElementType
  let isPeriodic: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.elementType("output_datatype", default: .float32)
    isPeriodic = try attributes.bool("periodic", default: true)
  }
}

/// The Blackman window of `size` points, over one period or, without `periodic`, symmetric.
package struct BlackmanWindow: WindowOperator {
  package static let schema = Schema("BlackmanWindow", since: 17, inputs: ["size: indices"], outputs: ["output: numbers"])
  static var coefficients: (Double, Double, Double) { (0.42, 0.5, 0.08) }
  let element: ElementType
  let isPeriodic: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.elementType("output_datatype", default: .float32)
    isPeriodic = try attributes.bool("periodic", default: true)
  }
}
