import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Attention that writes new keys and values behind those that a state holds, and reads them there.
///
/// Inputs 0 to 6 are Attention's. The caches may be in half precision where the rest is not. The outputs with all keys and values are copies
/// for those who read them as tensors.
package struct AttentionOverState: CPUExecutable, StateAppending {
  package static let schema = Schema(
    "AttentionOverState", domain: "pinion", since: 1,
    inputs: [
      "Q: T1", "K: T1", "V: T2", "attn_mask?: numbers|bool", "past_key: C1", "past_value: C2", "nonpad_kv_seqlen?: int64",
      "key_capacity: int64", "value_capacity: int64",
    ], outputs: ["Y: T1", "present_key?: C1", "present_value?: C2"],
    types: ["T1": .floats, "T2": .floats, "C1": .floats, "C2": .floats])
  let attention: Attention

  package init(_ attributes: inout AttributeReader) throws(PinionError) { attention = try Attention(&attributes) }

  package var appends: [(past: Int, capacity: Int, whole: Int)] { [(4, 7, 1), (5, 8, 2)] }

  package func rows(appendedTo past: Int, _ context: InferenceContext) -> (more: Int, written: Int) { newRows(context.optionalType(past - 3)) }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    try context.presentTypes(attention.infer(context), pasts: 4)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard try context.isWide(0, 1, 2) else { return try halfInFloat32Kernel(self, context, keeping: context.caches(inputs: [4, 5])) }
    return try attention.makeKernel(context, Attention.Caches(context, room: (7, 8)))
  }
}

/// com.microsoft's MultiHeadAttention that writes new keys and values behind those that a state holds, and reads them there.
///
/// Inputs 0 to 9 are MultiHeadAttention's. The caches may be in half precision where the rest is not. The outputs with all keys and values are
/// copies for those who read them as tensors.
package struct MultiHeadAttentionOverState: CPUExecutable, StateAppending {
  package static let schema = Schema(
    "MultiHeadAttentionOverState", domain: "pinion", since: 1,
    inputs: [
      "query: T", "key?: T", "value?: T", "bias?: T", "key_padding_mask?: int32", "attention_bias?: T", "past_key: C1", "past_value: C2",
      "past_sequence_length?: int32", "cache_indirection?: int32", "key_capacity: int64", "value_capacity: int64",
    ], outputs: ["output: T", "present_key?: C1", "present_value?: C2"],
    types: ["T": [.float32, .float16, .bfloat16], "C1": [.float32, .float16, .bfloat16], "C2": [.float32, .float16, .bfloat16]])
  let attention: MultiHeadAttention

  package init(_ attributes: inout AttributeReader) throws(PinionError) { attention = try MultiHeadAttention(&attributes) }

  package var appends: [(past: Int, capacity: Int, whole: Int)] { [(6, 10, 1), (7, 11, 2)] }

  package func rows(appendedTo past: Int, _ context: InferenceContext) -> (more: Int, written: Int) {
    // Keys and values come with the queries where they are not inputs of their own.
    newRows(context.inputs.prefix(3).compactMap { $0 }.last)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    try context.presentTypes(attention.infer(context), pasts: 6)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard try context.isWide(0) else { return try halfInFloat32Kernel(self, context, keeping: context.caches(inputs: [6, 7])) }
    return try attention.makeKernel(context, Attention.Caches(context, room: (10, 11)))
  }
}

/// The rows of new keys: [batch, heads, rows, size] by head, and [batch, rows, ...] else.
private func newRows(_ type: TensorType?) -> (more: Int, written: Int) {
  let rows =
    switch type?.rank {
    case 4: type?.dims[2] ?? 0
    case 3, 5: type?.dims[1] ?? 0
    default: 0
    }
  return (rows, rows)
}

extension InferenceContext {
  /// The types of the output and of all keys and values, which are of the element types of the earlier ones in inputs `pasts` and behind it.
  fileprivate func presentTypes(_ types: [TensorType], pasts: Int) throws(PinionError) -> [TensorType] {
    [types[0], TensorType(try type(pasts).element, types[1].shape), TensorType(try type(pasts &+ 1).element, types[2].shape)]
  }
}

extension KernelContext {
  /// Whether none of these inputs is in half precision.
  fileprivate func isWide(_ inputs: Int...) throws(PinionError) -> Bool {
    for input in inputs {
      let element = try type(input).element
      if element == .float16 || element == .bfloat16 { return false }
    }
    return true
  }

  /// The operands with caches: these inputs, and outputs 1 and 2 behind the inputs.
  func caches(inputs: [Int]) -> Set<Int> { Set(inputs + [inference.inputs.count &+ 1, inference.inputs.count &+ 2]) }
}
