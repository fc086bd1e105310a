import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's GroupQueryAttention that writes new keys and values where the sequences end in what a state holds, and reads all there.
///
/// Inputs 0 to 16 are GroupQueryAttention's. The caches may be in half precision where the rest is not. The outputs with all keys and values
/// are copies for those who read them as tensors.
package struct GroupQueryAttentionOverState: CPUExecutable, StateAppending {
  package static let schema = Schema(
    "GroupQueryAttentionOverState", domain: "pinion", since: 1,
    inputs: [
      "query: T", "key?: T", "value?: T", "past_key: TC", "past_value: TC", "seqlens_k: int32", "total_sequence_length: indices",
      "cos_cache?: T", "sin_cache?: T", "position_ids?: int64", "attention_bias?: T", "head_sink?: T", "k_scale?: float32", "v_scale?: float32",
      "q_norm_weight?: T", "k_norm_weight?: T", "query_seqlens?: int32", "key_table: int64", "value_table: int64",
    ], outputs: ["output: T", "present_key?: TC", "present_value?: TC"],
    types: ["T": [.float32, .float16, .bfloat16], "TC": [.float32, .float16, .bfloat16]])
  let attention: GroupQueryAttention

  package init(_ attributes: inout AttributeReader) throws(PinionError) { attention = try GroupQueryAttention(&attributes) }

  package var appends: [(past: Int, capacity: Int, whole: Int)] { [(3, 17, 1), (4, 18, 2)] }

  package func rows(appendedTo past: Int, _ context: InferenceContext) -> (more: Int, written: Int) {
    guard let shape = try? attention.cacheShape(context) else { return (0, 0) }
    return (shape.keys &- shape.past, shape.queries)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let types = try attention.infer(context), key = try context.type(3), value = try context.type(4)
    return [types[0], TensorType(key.element, types[1].shape), TensorType(value.element, types[2].shape)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard try context.type(0).element == .float32 else {
      return try halfInFloat32Kernel(self, context, keeping: context.caches(inputs: [3, 4]))
    }
    return try attention.makeKernel(context, tables: (17, 18))
  }
}
