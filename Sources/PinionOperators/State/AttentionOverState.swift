import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Attention that writes new keys and values behind those that a state holds, and reads them there.
///
/// Inputs 0 to 6 are Attention's. The outputs with all keys and values are copies for those who read them as tensors.
package struct AttentionOverState: CPUExecutable, StateAppending {
  package static let schema = Schema(
    "AttentionOverState", domain: "pinion", since: 1,
    inputs: [
      "Q: T1", "K: T1", "V: T2", "attn_mask?: numbers|bool", "past_key: T1", "past_value: T2", "nonpad_kv_seqlen?: int64",
      "key_capacity: int64", "value_capacity: int64",
    ], outputs: ["Y: T1", "present_key?: T1", "present_value?: T2"],
    types: ["T1": [.float32, .float64], "T2": [.float32, .float64]])
  let attention: Attention

  package init(_ attributes: inout AttributeReader) throws(PinionError) { attention = try Attention(&attributes) }

  package var appends: [(past: Int, capacity: Int, whole: Int)] { [(4, 7, 1), (5, 8, 2)] }

  package func rows(appendedTo past: Int, inputs: [TensorType?]) -> Int {
    guard past - 3 < inputs.count, let new = inputs[past - 3] else { return 0 }
    return newRows(new)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    Array(try attention.infer(context).prefix(3))
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try attention.makeKernel(context, Attention.Caches(context, room: (7, 8)))
  }
}

/// com.microsoft's MultiHeadAttention that writes new keys and values behind those that a state holds, and reads them there.
///
/// Inputs 0 to 9 are MultiHeadAttention's. The outputs with all keys and values are copies for those who read them as tensors.
package struct MultiHeadAttentionOverState: CPUExecutable, StateAppending {
  package static let schema = Schema(
    "MultiHeadAttentionOverState", domain: "pinion", since: 1,
    inputs: [
      "query: T", "key?: T", "value?: T", "bias?: T", "key_padding_mask?: int32", "attention_bias?: T", "past_key: T", "past_value: T",
      "past_sequence_length?: int32", "cache_indirection?: int32", "key_capacity: int64", "value_capacity: int64",
    ], outputs: ["output: T", "present_key?: T", "present_value?: T"], types: ["T": [.float32]])
  let attention: MultiHeadAttention

  package init(_ attributes: inout AttributeReader) throws(PinionError) { attention = try MultiHeadAttention(&attributes) }

  package var appends: [(past: Int, capacity: Int, whole: Int)] { [(6, 10, 1), (7, 11, 2)] }

  package func rows(appendedTo past: Int, inputs: [TensorType?]) -> Int {
    // Keys and values come with the queries where they are not inputs of their own.
    guard let new = inputs.prefix(3).compactMap({ $0 }).last else { return 0 }
    return newRows(new)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    Array(try attention.infer(context).prefix(3))
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try attention.makeKernel(context, Attention.Caches(context, room: (10, 11)))
  }
}

/// The rows of new keys: [batch, heads, rows, size] by head, and [batch, rows, ...] else.
private func newRows(_ type: TensorType) -> Int {
  switch type.rank {
  case 4: type.dims[2]
  case 3, 5: type.dims[1]
  default: 0
  }
}
