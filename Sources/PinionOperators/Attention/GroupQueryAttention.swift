import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's GroupQueryAttention: causal attention over a cache of keys and values, with rotary embedding inside.
///
/// The cache may be as long as the sequence can become; `seqlens_k` tells how much of it is in use.
package struct GroupQueryAttention: CPUExecutable {
  package static let schema = Schema(
    "GroupQueryAttention", domain: "com.microsoft", since: 1,
    inputs: [
      "query: T", "key?: T", "value?: T", "past_key?: T_CACHE", "past_value?: T_CACHE", "seqlens_k: int32", "total_sequence_length: indices",
      "cos_cache?: T", "sin_cache?: T", "position_ids?: int64", "attention_bias?: T", "head_sink?: T", "k_scale?: float32", "v_scale?: float32",
      "q_norm_weight?: T", "k_norm_weight?: T", "query_seqlens?: int32",
    ], outputs: ["output: T", "present_key?: T_CACHE", "present_value?: T_CACHE", "output_qk?: T"],
    types: ["T": [.float32, .float16, .bfloat16], "T_CACHE": [.bytes, .float32, .float16, .bfloat16, ElementTypes(.float8e4m3fn)]],
    mixing: ["T", "T_CACHE"])
  package static var computesHalfInFloat32: Bool { true }
  let heads: Int
  let kvHeads: Int
  let scale: Float?
  let softcap: Float
  let window: Int?
  let isCausal: Bool
  let isRotary: Bool
  let isInterleaved: Bool
  let hasSmoothSoftmax: Bool
  let scoreOutput: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    heads = try attributes.int("num_heads", in: 1...Int64(1 << 46))
    kvHeads = try attributes.int("kv_num_heads", in: 1...Int64(1 << 46))
    guard heads % kvHeads == 0 else { throw .invalidModel("num_heads \(heads) is no multiple of kv_num_heads \(kvHeads)") }
    let scale = try attributes.optionalFloat("scale")
    self.scale = scale == 0 ? nil : scale
    softcap = try attributes.float("softcap", default: 0)
    let window = try attributes.int("local_window_size", default: -1)
    self.window = window > 0 ? Int(min(window, 1 << 46)) : nil
    isCausal = try attributes.bool("causal", default: true)
    isRotary = try attributes.bool("do_rotary")
    isInterleaved = try attributes.bool("rotary_interleaved")
    hasSmoothSoftmax = try attributes.int("smooth_softmax", default: -1) > 0
    scoreOutput = try attributes.int("qk_output", default: 0, in: 0...2)
    for name in ["k_quant_type", "v_quant_type"] {
      let kind = try attributes.string(name, default: "NONE")
      guard kind == "NONE" else { throw .unsupported("GroupQueryAttention with a quantised cache (\(name) \(kind))") }
    }
    guard try !attributes.bool("sliding_window_cache") else { throw .unsupported("GroupQueryAttention with a sliding cache") }
    attributes.ignore("kv_cache_bit_width", "qk_norm_epsilon", "q_norm_epsilon", "k_norm_epsilon")
  }

  private struct Form {
    var shape: AttentionShape
    /// Rows of the given cache.
    var past: Int
    /// The longest sequence, new keys included.
    var total: Int
    var q: HeadTensor
    var k: HeadTensor
    var v: HeadTensor
  }

  private func form(_ context: InferenceContext) throws(PinionError) -> Form {
    let query = try context.type(0, rank: 3)
    let batch = query.dims[0], rows = query.dims[1], width = query.dims[2]
    let isPacked = !context.has(1)
    let allHeads = try isPacked ? heads.adding(try kvHeads.multiplied(by: 2)) : heads
    guard width % allHeads == 0, width > 0 else { throw .invalidShape("query \(query) does not consist of \(allHeads) heads") }
    let size = width / allHeads
    let q, k, v: HeadTensor
    if isPacked {
      func part(_ head: Int) -> HeadTensor {
        HeadTensor(place: .input(0), start: head &* size, batch: rows &* width, head: size, row: width)
      }
      q = part(0)
      k = part(heads)
      v = part(heads &+ kvHeads)
    } else {
      let key = try context.type(1), value = try context.type(2)
      guard key.dims == [batch, rows, try kvHeads.multiplied(by: size)], value.dims == key.dims else {
        throw .invalidShape("query \(query), key \(key) and value \(value) do not fit together")
      }
      q = .byRow(.input(0), heads: heads, rows: rows, size: size)
      k = .byRow(.input(1), heads: kvHeads, rows: rows, size: size)
      v = .byRow(.input(2), heads: kvHeads, rows: rows, size: size)
    }
    guard context.has(3) == context.has(4) else { throw .invalidModel("past_key and past_value come together only") }
    var past = 0
    if context.has(3) {
      let key = try context.type(3, rank: 4), value = try context.type(4)
      past = key.dims[2]
      guard key.dims == [batch, kvHeads, past, size], value.dims == key.dims else {
        throw .invalidShape("past_key \(key) and past_value \(value), expected shape [\(batch),\(kvHeads),P,\(size)]")
      }
    }
    let lengths = try context.type(5)
    guard lengths.count == batch, lengths.element == .int32 else {
      throw .invalidShape("seqlens_k is \(lengths), expected int32[\(batch)]")
    }
    for index in [12, 13, 14, 15, 16] where context.has(index) {
      throw .unsupported("GroupQueryAttention with input '\(Self.schema.inputName(index))'")
    }
    if isRotary {
      let cosine = try context.type(7, rank: 2), sine = try context.type(8, rank: 2)
      guard cosine.dims == sine.dims, 2 &* cosine.dims[1] <= size else {
        throw .invalidShape("cos_cache \(cosine) and sin_cache \(sine) do not fit heads of \(size)")
      }
      if let ids = context.optionalType(9), ids.dims != [batch, rows] || ids.element != .int64 {
        throw .invalidShape("position_ids are \(ids), expected int64[\(batch),\(rows)]")
      }
    }
    if let sinks = context.optionalType(11), sinks.dims != [heads] {
      throw .invalidShape("head_sink is \(sinks), expected shape [\(heads)]")
    }
    let total: Int = try context.integer(6).converted()
    guard total >= 0 else { throw .invalidShape("total_sequence_length is \(total)") }
    let shape = AttentionShape(
      batch: batch, heads: heads, kvHeads: kvHeads, queries: rows, keys: max(total, past), headSize: size, valueSize: size)
    guard shape.keys >= rows else { throw .invalidShape("total_sequence_length is \(total), but there are \(rows) new keys") }
    return Form(shape: shape, past: past, total: total, q: q, k: k, v: v)
  }

  /// The rows of the caches before and after a run, and the new ones.
  func cacheShape(_ context: InferenceContext) throws(PinionError) -> (past: Int, keys: Int, queries: Int) {
    let form = try form(context)
    return (form.past, form.shape.keys, form.shape.queries)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let form = try form(context), shape = form.shape, element = try context.type(0).element
    let cache = TensorType(element, try Shape([shape.batch, kvHeads, shape.keys, shape.headSize]))
    return [
      TensorType(element, try Shape([shape.batch, shape.queries, try heads.multiplied(by: shape.headSize)])), cache, cache,
      TensorType(element, try Shape([shape.batch, heads, shape.queries, form.total])),
    ]
  }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    guard let output = outputs.first, output.rank == 3 else { return 0 }
    let past = inputs.count > 3 ? inputs[3].map { $0.rank == 4 ? $0.dims[2] : 0 } ?? 0 : 0
    // The caches that come out, where they do, have all keys.
    let keys = outputs.count > 1 && outputs[1].rank == 4 ? outputs[1].dims[2] : past &+ output.dims[1]
    return attentionOperations(queries: output.count, keys: keys, outputs)
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let query = context[0], symbols = context.symbols
    let size = symbols.quotient(query.extent(2), by: context.has(1) ? heads : heads &+ 2 &* kvHeads)
    // The caches hold the longer of what is said and what was there.
    let total = context[6].single.flatMap { Int(exactly: $0) }
    var keys = total
    if context.has(3) {
      let past = context[3].extent(2)
      keys = total.flatMap { total in past.flatMap { $0 >= 0 ? max($0, total) : nil } }
    }
    let cache = Fact(query.element, [query.extent(0), kvHeads, keys, size])
    return [
      Fact(query.element, [query.extent(0), query.extent(1), symbols.product(of: [heads, size])]), cache, cache,
      Fact(query.element, [query.extent(0), heads, query.extent(1), total]),
    ]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try makeKernel(context, tables: nil) }

  /// - Parameter tables: the inputs with the tables of the sequences (`SequenceTable`), where the caches lie in a state.
  func makeKernel(_ context: KernelContext, tables: (key: Int, value: Int)?) throws(PinionError) -> Kernel {
    try context.inference.requireSameElementType([0, 1, 2, 7, 8, 10, 11] + (tables == nil ? [3, 4] : []))
    guard try context.type(0).element == .float32 else { throw context.unsupportedTypes() }
    let form = try form(context.inference), shape = form.shape
    var build = AttentionBuild(shape: shape)
    // A first prompt may be padded on the right; later on, the new keys end where the sequence does.
    let isFirst = shape.queries == form.total, past = form.past, rows = shape.queries
    let bounds = try build.bounds { frame, entry throws(PinionError) in
      let length = Int(frame.input(5, as: Int32.self)[entry]) &+ 1
      let start = isFirst ? 0 : length &- rows
      guard length >= 0, length <= shape.keys, start >= 0, start <= past || isFirst else {
        throw .invalidValue("seqlens_k[\(entry)] is \(length - 1), which does not fit \(past) cached and \(rows) new keys")
      }
      return (start, isFirst ? max(length, 0) : start &+ rows)
    }
    var q = form.q
    var rotation: CacheRotation?
    if isRotary {
      let table = try context.type(7)
      let found = CacheRotation(
        rotation: Rotation(pairs: table.dims[1], size: shape.headSize, isInterleaved: isInterleaved), tableRows: table.dims[0],
        bounds: bounds, ids: context.has(9) ? 9 : nil, rows: rows)
      q = try found.apply(&build, q, heads: heads)
      rotation = found
    }
    let outputs = (key: context.wants(output: 1) ? 1 : nil, value: context.wants(output: 2) ? 2 : nil)
    let k, v: HeadTensor
    var narrow: (k: NarrowRows?, v: NarrowRows?)
    if let tables {
      for table in [tables.key, tables.value] {
        let type = try context.type(table), count = try SequenceTable.count(batch: shape.batch)
        guard type.dims == [count] else { throw .internal("a table of sequences is \(type), expected int64[\(count)]") }
      }
      let turned = try rotation?.apply(&build, form.k, heads: kvHeads) ?? form.k
      let keys = try SequenceRows(past: 3, table: tables.key, try context.type(3).element, new: turned)
      let values = try SequenceRows(past: 4, table: tables.value, try context.type(4).element, new: form.v)
      build.stages += SequenceRows.stages([keys, values], shape, bounds: bounds, outputs: [outputs.key, outputs.value])
      (k, narrow.k) = try keys.tensors(shape, bounds: bounds)
      (v, narrow.v) = try values.tensors(shape, bounds: bounds)
    } else {
      k = try cache(&build, form, form.k, past: context.has(3) ? 3 : nil, output: outputs.key, bounds, rotation)
      v = try cache(&build, form, form.v, past: context.has(4) ? 4 : nil, output: outputs.value, bounds, nil)
    }
    var core = AttentionCore<Float>(
      shape: shape, q: q, k: k, v: v, y: .byRow(.output(0), heads: heads, rows: rows, size: shape.headSize),
      scale: scale.map(Double.init) ?? 1 / Double(shape.headSize).squareRoot())
    core.narrow = narrow
    core.softcap = Double(softcap)
    core.window = AttentionWindow(isCausal: isCausal, left: window.map { $0 &- 1 }, perBatch: bounds)
    if let bias = context.optionalType(10) { core.bias = try build.bias(bias, input: 10, Float.self) }
    core.sinks = context.has(11) ? .input(11) : nil
    core.hasZeroSink = hasSmoothSoftmax
    if tables == nil, context.wants(output: 3) {
      guard scoreOutput > 0, shape.keys == form.total else { throw .unsupported("GroupQueryAttention with this form of output_qk") }
      core.scores = (.byHead(.output(3), heads: heads, rows: rows, size: form.total), scoreOutput == 1 ? .biased : .probability)
    }
    return try build.kernel(core, threads: context.threads)
  }

  /// The cache with the new rows in their place and 0 behind them.
  private func cache(
    _ build: inout AttentionBuild, _ form: Form, _ new: HeadTensor, past: Int?, output: Int?, _ bounds: Int, _ rotation: CacheRotation?
  ) throws(PinionError) -> HeadTensor {
    let shape = form.shape, size = shape.headSize, keys = shape.keys, kvHeads = kvHeads, pastRows = form.past
    let place: OperandPlace
    if let output {
      place = .output(output)
    } else {
      place = .scratch(try build.reserve(bytes: try [shape.batch, kvHeads, keys, size, 4].checkedProduct()))
    }
    let target = HeadTensor.byHead(place, heads: kvHeads, rows: keys, size: size)
    build.stages.append(
      Kernel.Stage(tasks: shape.batch &* kvHeads) { (frame, unit) throws(PinionError) in
        let entry = unit / kvHeads, head = unit % kvHeads
        let start = (frame.scratch + bounds).assumingMemoryBound(to: Int.self)[2 &* entry]
        let rows = target.pointer(frame, Float.self, batch: entry, head: head, row: 0)
        let end = min(start &+ shape.queries, keys)
        if let past {
          let source = frame.input(past, as: Float.self) + unit &* pastRows &* size
          try inPieces(of: 1 << 19, min(start, pastRows) &* size, frame.control) {
            (rows + $0.lowerBound).update(from: source + $0.lowerBound, count: $0.count)
          }
        }
        let rest = rows + end &* size
        try inPieces(of: 1 << 19, (keys &- end) &* size, frame.control) { (rest + $0.lowerBound).update(repeating: 0, count: $0.count) }
        for row in 0..<shape.queries where start &+ row < keys {
          let source = new.pointer(frame, Float.self, batch: entry, head: head, row: row)
          let result = rows + (start &+ row) &* size
          if let rotation {
            try rotation.turn(frame, source, result, entry: entry, row: row)
          } else {
            result.update(from: source, count: size)
          }
        }
      })
    return target
  }
}

/// Rotary embedding of the new rows of a sequence, of which the first comes behind the cached ones.
private struct CacheRotation: Sendable {
  let rotation: Rotation
  let tableRows: Int
  let bounds: Int
  let ids: Int?
  let rows: Int

  @inline(__always)
  func turn(
    _ frame: KernelFrame, _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, entry: Int, row: Int
  ) throws(PinionError) {
    var position = (frame.scratch + bounds).assumingMemoryBound(to: Int.self)[2 &* entry] &+ row
    if let ids { position = Int(frame.input(ids, as: Int64.self)[entry &* rows &+ row]) }
    guard position >= 0, position < tableRows else {
      throw .invalidValue("position \(position) is out of range for a cos_cache of \(tableRows) rows")
    }
    let offset = position &* rotation.pairs
    rotation.apply(x, y, cosines: frame.input(7) + offset, sines: frame.input(8) + offset)
  }

  func apply(_ build: inout AttentionBuild, _ x: HeadTensor, heads: Int) throws(PinionError) -> HeadTensor {
    let batch = build.shape.batch, size = rotation.size, rows = rows
    let place = try build.reserve(bytes: try [batch, rows, heads, size, 4].checkedProduct())
    let target = HeadTensor.byRow(.scratch(place), heads: heads, rows: rows, size: size)
    let all = self
    build.stages.append(
      .ranges(batch &* rows, grain: max(1, 8192 / (heads &* size))) { (frame, range) throws(PinionError) in
        for unit in range {
          for head in 0..<heads {
            try all.turn(
              frame, x.pointer(frame, Float.self, batch: unit / rows, head: head, row: unit % rows),
              target.pointer(frame, Float.self, batch: unit / rows, head: head, row: unit % rows), entry: unit / rows, row: unit % rows)
          }
        }
      })
    return target
  }
}
