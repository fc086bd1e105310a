import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// An operator that combines each element along an axis with all before it.
protocol CumulativeOperator: CPUExecutable, LikeFirstInput {
  /// Products instead of sums.
  static var multiplies: Bool { get }
  var isExclusive: Bool { get }
  var isReverse: Bool { get }
}

extension CumulativeOperator {
  package static var computesHalfInFloat32: Bool { true }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try context.type(0, rankAtLeast: 1)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let axis = try type.shape.normalized(axis: try context.inference.integer(1))
    let isa = pk_isa_best()
    let chosen = type.element.kernelType.flatMap { Self.multiplies ? pk_cumulative_product_kernel(isa, $0) : pk_cumulative_sum_kernel(isa, $0) }
    guard let function = chosen else { throw context.unsupportedTypes() }
    let extent = type.shape[axis]
    let inner = type.shape.count((axis + 1)..<type.shape.rank)
    guard extent > 0 else { return .ranges(0, grain: 1) { _, _ in } }
    let isExclusive = isExclusive, isReverse = isReverse
    // Neighbouring lines advance together: enough of them for vectors, as long as a task stays short.
    let together = min(64, max(longTask / extent, 1))
    return .ranges(type.shape.count(0..<axis) &* inner, grain: max(elementwiseGrain / extent, together)) { frame, lines in
      function(frame.rawInput(0), frame.rawOutput(0), extent, inner, lines.lowerBound, lines.upperBound, isExclusive, isReverse)
    }
  }
}

/// Elements that a task of running sums goes through in a millisecond or two.
private let longTask = 1 << 20

/// Sums of all elements along an axis up to each, or with `exclusive` before it; with `reverse` from the far end.
package struct CumSum: CumulativeOperator {
  package static let schema = Schema("CumSum", since: 14, inputs: ["x: T", "axis: indices"], outputs: ["y: T"], types: ["T": [.floats, .wideIntegers]])
  static var multiplies: Bool { false }
  let isExclusive: Bool
  let isReverse: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    isExclusive = try attributes.bool("exclusive")
    isReverse = try attributes.bool("reverse")
  }
}

/// Products of all elements along an axis up to each, or with `exclusive` before it; with `reverse` from the far end.
package struct CumProd: CumulativeOperator {
  package static let schema = Schema(
    "CumProd", since: 26, inputs: ["x: T", "axis: indices"], outputs: ["y: T"], types: ["T": [.floats, .wideIntegers]])
  static var multiplies: Bool { true }
  let isExclusive: Bool
  let isReverse: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    isExclusive = try attributes.bool("exclusive")
    isReverse = try attributes.bool("reverse")
  }
}
