import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Scaled dot-product attention: softmax(scale * Q K^T + bias) V for each head.
///
/// Inputs of rank 4 are [batch, heads, length, size], those of rank 3 [batch, length, heads * size]. Computes in float32, or
/// in float64 for float64 inputs, whatever `softmax_precision` says.
package struct Attention: CPUExecutable {
  package static let schema = Schema(
    "Attention", since: 25,
    inputs: ["Q: T1", "K: T1", "V: T2", "attn_mask?: numbers|bool", "past_key?: T1", "past_value?: T2", "nonpad_kv_seqlen?: int64"],
    outputs: ["Y: T1", "present_key?: T1", "present_value?: T2", "qk_matmul_output?: T1"], types: ["T1": .floats, "T2": .floats],
    mixing: ["T1", "T2"])
  package static var computesHalfInFloat32: Bool { true }
  let isCausal: Bool
  let left: Int?
  let right: Int?
  let heads: Int64?
  let kvHeads: Int64?
  let scale: Float?
  let softcap: Float
  let scoreStage: Int
  /// An attribute of our own: a row whose keys are all hidden is NaN, as it is where a model writes attention out. By itself it is 0.
  package static let nanWithoutKeys = "nan_without_keys"
  let isNaNWithoutKeys: Bool
  /// An attribute of our own, of causal attention under a mask that is 0 or this number, which no sum of it and a score differs from: later keys
  /// get it as well, so that a row whose keys are all hidden attends all there are alike.
  package static let hiddenBias = "hidden_bias"
  let hiddenBias: Float?

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    isCausal = try attributes.bool("is_causal")
    func bound(_ name: String) throws(PinionError) -> Int? {
      let value = try attributes.int(name, default: -1)
      guard value >= -1 else { throw .invalidModel("attribute '\(name)' is \(value), expected -1 or more") }
      return value < 0 ? nil : Int(min(value, 1 << 46))
    }
    left = try bound("left_window_size")
    right = try bound("right_window_size")
    heads = try attributes.optionalInt("q_num_heads")
    kvHeads = try attributes.optionalInt("kv_num_heads")
    scale = try attributes.optionalFloat("scale")
    softcap = try attributes.float("softcap", default: 0)
    scoreStage = try attributes.int("qk_matmul_output_mode", default: 0, in: 0...3)
    isNaNWithoutKeys = try attributes.bool(Attention.nanWithoutKeys)
    hiddenBias = try attributes.optionalFloat(Attention.hiddenBias)
    attributes.ignore("softmax_precision")
  }

  /// The extents, and how many of the keys come from earlier runs.
  private func shape(_ context: InferenceContext) throws(PinionError) -> (shape: AttentionShape, past: Int) {
    let q = try context.type(0, rank: 3...4)
    let k = try context.type(1, rank: q.rank), v = try context.type(2, rank: q.rank)
    var shape: AttentionShape
    if q.rank == 4 {
      shape = AttentionShape(
        batch: q.dims[0], heads: q.dims[1], kvHeads: k.dims[1], queries: q.dims[2], keys: k.dims[2], headSize: q.dims[3],
        valueSize: v.dims[3])
      guard v.dims[1] == k.dims[1], k.dims[3] == q.dims[3] else { throw .invalidShape("Q \(q), K \(k) and V \(v) do not fit together") }
    } else {
      guard let heads, let kvHeads, heads > 0, kvHeads > 0 else {
        throw .invalidModel("q_num_heads and kv_num_heads are needed with inputs of rank 3")
      }
      let h: Int = try heads.converted(), g: Int = try kvHeads.converted()
      guard q.dims[2] % h == 0, k.dims[2] % g == 0, v.dims[2] % g == 0, q.dims[2] / h == k.dims[2] / g else {
        throw .invalidShape("Q \(q), K \(k) and V \(v) do not fit \(h) heads of queries and \(g) of keys and values")
      }
      shape = AttentionShape(
        batch: q.dims[0], heads: h, kvHeads: g, queries: q.dims[1], keys: k.dims[1], headSize: q.dims[2] / h,
        valueSize: v.dims[2] / g)
    }
    guard k.dims[0] == shape.batch, v.dims[0] == shape.batch, v.dims[q.rank - 2] == shape.keys else {
      throw .invalidShape("Q \(q), K \(k) and V \(v) do not fit together")
    }
    guard shape.kvHeads > 0 ? shape.heads % shape.kvHeads == 0 : shape.heads == 0 else {
      throw .invalidShape("\(shape.heads) heads of queries, expected a multiple of the \(shape.kvHeads) of keys")
    }
    var past = 0
    guard context.has(4) == context.has(5) else { throw .invalidModel("past_key and past_value come together only") }
    if context.has(4) {
      let key = try context.type(4, rank: 4), value = try context.type(5, rank: 4)
      past = key.dims[2]
      let cache = [shape.batch, shape.kvHeads, past]
      guard key.dims == cache + [shape.headSize], value.dims == cache + [shape.valueSize]
      else { throw .invalidShape("past_key \(key) and past_value \(value) do not fit K \(k) and V \(v)") }
      shape.keys = try shape.keys.adding(past)
    }
    if let lengths = context.optionalType(6) {
      guard lengths.dims == [shape.batch], lengths.element == .int64, !context.has(4) else {
        throw .invalidShape("nonpad_kv_seqlen is \(lengths), expected int64[\(shape.batch)] and no past_key")
      }
    }
    return (shape, past)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let (shape, _) = try shape(context)
    let q = try context.type(0), k = try context.type(1), v = try context.type(2)
    let y =
      q.rank == 4
      ? [shape.batch, shape.heads, shape.queries, shape.valueSize]
      : [shape.batch, shape.queries, try shape.heads.multiplied(by: shape.valueSize)]
    return [
      TensorType(q.element, try Shape(y)),
      TensorType(k.element, try Shape([shape.batch, shape.kvHeads, shape.keys, shape.headSize])),
      TensorType(v.element, try Shape([shape.batch, shape.kvHeads, shape.keys, shape.valueSize])),
      TensorType(q.element, try Shape([shape.batch, shape.heads, shape.queries, shape.keys])),
    ]
  }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    guard inputs.count > 1, let q = inputs[0], let k = inputs[1], k.rank >= 2 else { return 0 }
    let past = inputs.count > 4 ? inputs[4]?.dims.dropLast().last ?? 0 : 0
    return attentionOperations(queries: q.count, keys: k.dims[k.rank - 2] &+ past, outputs)
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let q = context[0], k = context[1], v = context[2], symbols = context.symbols
    guard let rank = q.rank ?? k.rank ?? v.rank else { return [Fact(element: q.element), Fact(element: k.element), Fact(element: v.element)] }
    let isSplit = rank == 4
    let heads = isSplit ? q.extent(1) : self.heads.flatMap { Int(exactly: $0) }
    let kvHeads = isSplit ? k.extent(1) ?? v.extent(1) : self.kvHeads.flatMap { Int(exactly: $0) }
    func size(_ fact: Fact, _ heads: Int?) -> Int? {
      isSplit ? fact.extent(3) : heads.flatMap { symbols.quotient(fact.extent(2), by: $0) }
    }
    let batch = q.extent(0), queries = q.extent(isSplit ? 2 : 1), valueSize = size(v, kvHeads), headSize = size(k, kvHeads) ?? size(q, heads)
    let rows = k.extent(isSplit ? 2 : 1) ?? v.extent(isSplit ? 2 : 1)
    let keys = context.has(4) ? symbols.sum(of: [rows, context[4].extent(2)]) : rows
    let y = isSplit ? [batch, heads, queries, valueSize] : [batch, queries, symbols.product(of: [heads, valueSize])]
    return [
      Fact(q.element, y), Fact(k.element, [batch, kvHeads, keys, headSize]), Fact(v.element, [batch, kvHeads, keys, valueSize]),
      Fact(q.element, [batch, heads, queries, keys]),
    ]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try makeKernel(context, Caches(context))
  }

  /// Where keys and values go together with those of earlier runs.
  struct Caches {
    /// The outputs that take all of them.
    let key: Int?
    let value: Int?
    /// The inputs with the room in a state, where the earlier ones lie in one.
    let room: (key: Int, value: Int)?

    init(_ context: KernelContext, room: (key: Int, value: Int)? = nil) {
      key = context.wants(output: 1) ? 1 : nil
      value = context.wants(output: 2) ? 2 : nil
      self.room = room
    }
  }

  func makeKernel(_ context: KernelContext, _ caches: Caches) throws(PinionError) -> Kernel {
    try context.inference.requireSameElementType(caches.room == nil ? [0, 1, 2, 4, 5] : [0, 1, 2])
    switch try context.type(0).element {
    case .float32: return try kernel(context, caches, Float.self)
    case .float64: return try kernel(context, caches, Double.self)
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<T: AttentionElement>(_ context: KernelContext, _ caches: Caches, _ type: T.Type) throws(PinionError) -> Kernel {
    let (shape, past) = try shape(context.inference)
    let isByHead = try context.type(0).rank == 4
    var build = AttentionBuild(shape: shape)
    func tensor(_ place: OperandPlace, heads: Int, rows: Int, size: Int) -> HeadTensor {
      isByHead ? .byHead(place, heads: heads, rows: rows, size: size) : .byRow(place, heads: heads, rows: rows, size: size)
    }
    let fresh = shape.keys &- past
    let newKeys = tensor(.input(1), heads: shape.kvHeads, rows: fresh, size: shape.headSize)
    let newValues = tensor(.input(2), heads: shape.kvHeads, rows: fresh, size: shape.valueSize)
    let k, v: HeadTensor
    var narrow: (k: NarrowRows?, v: NarrowRows?)
    if let room = caches.room {
      (k, narrow.k) = try build.append(
        newKeys, rows: fresh, size: shape.headSize, toState: 4, try context.type(4).element, capacity: room.key, pastRows: past,
        output: caches.key, T.self)
      (v, narrow.v) = try build.append(
        newValues, rows: fresh, size: shape.valueSize, toState: 5, try context.type(5).element, capacity: room.value, pastRows: past,
        output: caches.value, T.self)
    } else {
      k = try build.append(
        newKeys, rows: fresh, size: shape.headSize, past: context.has(4) ? .input(4) : nil, pastRows: past, output: caches.key, T.self)
      v = try build.append(
        newValues, rows: fresh, size: shape.valueSize, past: context.has(5) ? .input(5) : nil, pastRows: past, output: caches.value,
        T.self)
    }
    var core = AttentionCore<T>(
      shape: shape, q: tensor(.input(0), heads: shape.heads, rows: shape.queries, size: shape.headSize), k: k, v: v,
      y: tensor(.output(0), heads: shape.heads, rows: shape.queries, size: shape.valueSize),
      scale: scale.map(Double.init) ?? 1 / Double(max(shape.headSize, 1)).squareRoot())
    core.narrow = narrow
    core.softcap = Double(softcap)
    core.isNaNWithoutKeys = isNaNWithoutKeys
    core.hiddenBias = hiddenBias.map { T($0) }
    core.window = AttentionWindow(isCausal: isCausal, left: left, right: right, offset: past)
    if context.has(6) {
      core.window.perBatch = try build.bounds { frame, batch throws(PinionError) in
        let length = frame.input(6, as: Int64.self)[batch]
        guard length >= 0, length <= Int64(shape.keys) else {
          throw .invalidValue("nonpad_kv_seqlen[\(batch)] is \(length), expected 0 to \(shape.keys)")
        }
        return (Int(length) &- shape.queries, Int(length))
      }
    }
    if let mask = context.optionalType(3) { core.bias = try build.bias(mask, input: 3, T.self) }
    if caches.room == nil, context.wants(output: 3), let stage = AttentionCore<T>.ScoreStage(rawValue: scoreStage) {
      core.scores = (.byHead(.output(3), heads: shape.heads, rows: shape.queries, size: shape.keys), stage)
    }
    return try build.kernel(core, threads: context.threads)
  }
}
