import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The upper or lower triangle of matrices, zero elsewhere; `k` moves the diagonal to the right.
package struct Trilu: CPUExecutable, LikeFirstInput {
  package static let schema = Schema("Trilu", since: 14, inputs: ["input: T", "k?: int64"], outputs: ["output: T"], types: ["T": .all])
  let isUpper: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) { isUpper = try attributes.bool("upper", default: true) }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    if let diagonal = context.optionalType(1) {
      guard diagonal.count == 1 else { throw .invalidShape("k is \(diagonal), expected one int64") }
    }
    return [try context.type(0, rankAtLeast: 2)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let cols = type.dims[type.rank &- 1], rows = type.dims[type.rank &- 2], width = type.element.byteWidth
    guard type.count > 0 else { return Kernel(stages: []) }
    let hasDiagonal = context.has(1), isUpper = isUpper
    return .ranges(type.count / cols, grain: max((1 << 16) / (cols &* width), 1)) { frame, range in
      let given = hasDiagonal ? frame.input(1, as: Int64.self).pointee : 0
      let diagonal = Int(min(max(given, -Int64(rows)), Int64(cols)))
      for line in range {
        let from = frame.rawInput(0) + line &* cols &* width, to = frame.rawOutput(0) + line &* cols &* width
        let row = line % rows
        // The first column that belongs to the upper triangle, or the first that does not belong to the lower one.
        let edge = min(max(row &+ diagonal &+ (isUpper ? 0 : 1), 0), cols)
        let kept = isUpper ? edge..<cols : 0..<edge
        let cleared = isUpper ? 0..<edge : edge..<cols
        if from != UnsafeRawPointer(to) {
          (to + kept.lowerBound &* width).copyMemory(from: from + kept.lowerBound &* width, byteCount: kept.count &* width)
        }
        (to + cleared.lowerBound &* width).initializeMemory(as: UInt8.self, repeating: 0, count: cleared.count &* width)
      }
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}

/// com.microsoft's Trilu, which became ONNX's.
package struct MicrosoftTrilu: Operator {
  package static let schema = Schema(
    "Trilu", domain: "com.microsoft", since: 1, inputs: ["X: T", "k?: int64"], outputs: ["Y: T"], types: ["T": .numbers])
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { node.domain = "" }
  package init(_ attributes: inout AttributeReader) throws(PinionError) { _ = try Trilu(&attributes) }
}
