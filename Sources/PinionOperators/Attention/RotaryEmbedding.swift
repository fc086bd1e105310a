import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Turns pairs of elements of each head by angles that grow with the position.
package struct RotaryEmbedding: CPUExecutable, LikeFirstInput {
  package static let schema = Schema(
    "RotaryEmbedding", since: 23, inputs: ["X: T", "cos_cache: T", "sin_cache: T", "position_ids?: int64"], outputs: ["Y: T"], types: ["T": .floats],
    mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let isInterleaved: Bool
  let rotaryWidth: Int
  let heads: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    isInterleaved = try attributes.bool("interleaved")
    rotaryWidth = try attributes.int("rotary_embedding_dim", default: 0, in: 0...Int64(1 << 46))
    heads = try attributes.int("num_heads", default: 0, in: 0...Int64(1 << 46))
  }

  private func rows(_ context: InferenceContext) throws(PinionError) -> RotaryRows {
    try RotaryRows(
      context, cosines: 1, sines: 2, heads: heads, rotaryWidth: rotaryWidth, isInterleaved: isInterleaved,
      positions: context.has(3) ? .each(input: 3) : .none)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    _ = try rows(context)
    return [try context.type(0)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .float32: return try rows(context.inference).kernel(Float.self)
    case .float64: return try rows(context.inference).kernel(Double.self)
    default: throw context.unsupportedTypes()
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}

/// com.microsoft's RotaryEmbedding: positions come before the tables, and one position may stand for a whole row of them.
package struct MicrosoftRotaryEmbedding: CPUExecutable, LikeFirstInput {
  package static let schema = Schema(
    "RotaryEmbedding", domain: "com.microsoft", since: 1, inputs: ["input: T", "position_ids: int64", "cos_cache: T", "sin_cache: T"],
    outputs: ["output: T"], types: ["T": [.float32, .float16, .bfloat16]], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let isInterleaved: Bool
  let rotaryWidth: Int
  let heads: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    isInterleaved = try attributes.bool("interleaved")
    rotaryWidth = try attributes.int("rotary_embedding_dim", default: 0, in: 0...Int64(1 << 46))
    heads = try attributes.int("num_heads", default: 0, in: 0...Int64(1 << 46))
    guard try !attributes.bool("is_packed_batching") else { throw .unsupported("RotaryEmbedding with packed batches") }
    let scale = try attributes.float("scale", default: 1)
    guard scale == 1 else { throw .unsupported("RotaryEmbedding with scale \(scale)") }
  }

  private func rows(_ context: InferenceContext) throws(PinionError) -> RotaryRows {
    let ids = try context.type(1)
    return try RotaryRows(
      context, cosines: 2, sines: 3, heads: heads > 0 ? heads : nil, rotaryWidth: rotaryWidth, isInterleaved: isInterleaved,
      positions: ids.rank < 2 ? .from(input: 1) : .each(input: 1))
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    _ = try rows(context)
    return [try context.type(0)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .float32: return try rows(context.inference).kernel(Float.self)
    default: throw context.unsupportedTypes()
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}
