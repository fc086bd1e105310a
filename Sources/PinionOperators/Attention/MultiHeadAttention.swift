import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's MultiHeadAttention: attention on projected queries, keys and values, whose biases it adds.
package struct MultiHeadAttention: CPUExecutable {
  package static let schema = Schema(
    "MultiHeadAttention", domain: "com.microsoft", since: 1,
    inputs: [
      "query: T", "key?: T", "value?: T", "bias?: T", "key_padding_mask?: int32", "attention_bias?: T", "past_key?: T", "past_value?: T",
      "past_sequence_length?: int32", "cache_indirection?: int32",
    ], outputs: ["output: T", "present_key?: T", "present_value?: T", "qk?: float32|float16|bfloat16"], types: ["T": [.float32, .float16, .bfloat16]],
    mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let heads: Int
  let isCausal: Bool
  let scale: Float?
  let filter: Float

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    heads = try attributes.int("num_heads", in: 1...Int64(1 << 46))
    isCausal = try attributes.bool("unidirectional")
    let scale = try attributes.optionalFloat("scale")
    self.scale = scale == 0 ? nil : scale
    filter = try attributes.float("mask_filter_value", default: -10_000)
  }

  private struct Form {
    var shape: AttentionShape
    var past: Int
    var q: HeadTensor
    var k: HeadTensor
    var v: HeadTensor
    /// Keys and values that come new.
    var rows: Int
  }

  private func form(_ context: InferenceContext) throws(PinionError) -> Form {
    let query = try context.type(0, rank: [3, 5]), key = context.optionalType(1), value = context.optionalType(2)
    let batch = query.dims[0], queries = query.dims[1]
    let headSize = query.rank == 5 ? query.dims[4] : query.dims[2] / heads
    guard query.rank == 5 ? Array(query.dims[2...3]) == [heads, 3] : query.dims[2] % heads == 0, headSize > 0 else {
      throw .invalidShape("query \(query) does not consist of \(heads) heads")
    }
    func interleaved(_ input: Int, part: Int, of parts: Int, rows: Int) -> HeadTensor {
      HeadTensor(
        place: .input(input), start: part &* headSize, batch: rows &* heads &* parts &* headSize, head: parts &* headSize,
        row: heads &* parts &* headSize)
    }
    var shape = AttentionShape(
      batch: batch, heads: heads, kvHeads: heads, queries: queries, keys: queries, headSize: headSize, valueSize: headSize)
    let q, k, v: HeadTensor
    switch (query.rank, key, value) {
    case (5, nil, nil):
      q = interleaved(0, part: 0, of: 3, rows: queries)
      k = interleaved(0, part: 1, of: 3, rows: queries)
      v = interleaved(0, part: 2, of: 3, rows: queries)
    case (3, let key?, nil) where key.rank == 5 && key.dims == [batch, key.dims[1], heads, 2, headSize]:
      shape.keys = key.dims[1]
      q = .byRow(.input(0), heads: heads, rows: queries, size: headSize)
      k = interleaved(1, part: 0, of: 2, rows: shape.keys)
      v = interleaved(1, part: 1, of: 2, rows: shape.keys)
    case (3, let key?, let value?) where key.rank == 3 && value.rank == 3:
      shape.keys = key.dims[1]
      shape.valueSize = value.dims[2] / heads
      guard key.dims == [batch, shape.keys, query.dims[2]], value.dims == [batch, shape.keys, shape.valueSize &* heads] else {
        throw .invalidShape("query \(query), key \(key) and value \(value) do not fit together")
      }
      q = .byRow(.input(0), heads: heads, rows: queries, size: headSize)
      k = .byRow(.input(1), heads: heads, rows: shape.keys, size: headSize)
      v = .byRow(.input(2), heads: heads, rows: shape.keys, size: shape.valueSize)
    case (3, let key?, let value?) where key.rank == 4 && value.rank == 4:
      shape.keys = key.dims[2]
      shape.valueSize = value.dims[3]
      guard key.dims == [batch, heads, shape.keys, headSize], value.dims == [batch, heads, shape.keys, shape.valueSize] else {
        throw .invalidShape("query \(query), key \(key) and value \(value) do not fit together")
      }
      q = .byRow(.input(0), heads: heads, rows: queries, size: headSize)
      k = .byHead(.input(1), heads: heads, rows: shape.keys, size: headSize)
      v = .byHead(.input(2), heads: heads, rows: shape.keys, size: shape.valueSize)
    default: throw .invalidShape("query \(query), key and value are of no form that MultiHeadAttention has")
    }
    let hidden = heads &* headSize
    if let bias = context.optionalType(3), bias.dims != [2 &* hidden &+ heads &* shape.valueSize] {
      throw .invalidShape("bias is \(bias), expected \(2 &* hidden &+ heads &* shape.valueSize) elements")
    }
    let rows = shape.keys
    var past = 0
    guard context.has(6) == context.has(7) else { throw .invalidModel("past_key and past_value come together only") }
    if context.has(6) {
      let key = try context.type(6, rank: 4), value = try context.type(7, rank: 4)
      past = key.dims[2]
      guard key.dims == [batch, heads, past, headSize], value.dims == [batch, heads, past, shape.valueSize] else {
        throw .invalidShape("past_key \(key) and past_value \(value) do not fit query \(query)")
      }
      shape.keys = try shape.keys.adding(past)
    }
    guard !context.has(9) else { throw .unsupported("MultiHeadAttention with cache_indirection") }
    return Form(shape: shape, past: past, q: q, k: k, v: v, rows: rows)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let shape = try form(context).shape, element = try context.type(0).element
    return [
      TensorType(element, try Shape([shape.batch, shape.queries, shape.heads &* shape.valueSize])),
      TensorType(element, try Shape([shape.batch, shape.heads, shape.keys, shape.headSize])),
      TensorType(element, try Shape([shape.batch, shape.heads, shape.keys, shape.valueSize])),
      TensorType(element, try Shape([shape.batch, shape.heads, shape.queries, shape.keys])),
    ]
  }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    guard let output = outputs.first, output.rank == 3, let query = inputs.first ?? nil, query.rank >= 2 else { return 0 }
    // Keys by themselves are [B, S, size] or [B, heads, S, size], beside the values [B, S, heads, 2, size]; packed with queries they are as many.
    let key = inputs.count > 1 ? inputs[1] : nil
    let keys = key.map { $0.rank == 4 ? $0.dims[2] : $0.rank >= 2 ? $0.dims[1] : 0 } ?? query.dims[1]
    let past = inputs.count > 6 ? inputs[6].map { $0.rank == 4 ? $0.dims[2] : 0 } ?? 0 : 0
    return attentionOperations(queries: output.count, keys: keys &+ past, outputs)
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let query = context[0], key = context[1], value = context[2], element = query.element, symbols = context.symbols
    guard let rank = query.rank else { return [Fact(element: element)] }
    let batch = query.extent(0), queries = query.extent(1)
    let size = rank == 5 ? query.extent(4) : symbols.quotient(query.extent(2), by: heads)
    var rows = queries, valueSize = size
    if context.has(2) {
      let isByHead = value.rank.map { $0 == 4 }
      rows = isByHead.flatMap { value.extent($0 ? 2 : 1) }
      valueSize = isByHead.flatMap { $0 ? value.extent(3) : symbols.quotient(value.extent(2), by: heads) }
    } else if context.has(1) {
      rows = key.extent(1)
    }
    let keys = context.has(6) ? symbols.sum(of: [rows, context[6].extent(2)]) : rows
    return [
      Fact(element, [batch, queries, symbols.product(of: [heads, valueSize])]),
      Fact(element, [batch, heads, keys, size]), Fact(element, [batch, heads, keys, valueSize]),
      Fact(element, [batch, heads, queries, keys]),
    ]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try makeKernel(context, Attention.Caches(context))
  }

  func makeKernel(_ context: KernelContext, _ caches: Attention.Caches) throws(PinionError) -> Kernel {
    guard try context.type(0).element == .float32 else { throw context.unsupportedTypes() }
    let form = try form(context.inference), shape = form.shape
    var build = AttentionBuild(shape: shape)
    var q = form.q, k = form.k, v = form.v
    if context.has(3) {
      let hidden = heads &* shape.headSize
      q = try biased(&build, q, rows: shape.queries, size: shape.headSize, start: 0)
      // Keys and values that come head by head are those of an earlier run, which had their bias then.
      if context.optionalType(1)?.rank != 4 {
        k = try biased(&build, k, rows: form.rows, size: shape.headSize, start: hidden)
        v = try biased(&build, v, rows: form.rows, size: shape.valueSize, start: 2 &* hidden)
      }
    }
    var narrow: (k: NarrowRows?, v: NarrowRows?)
    if let room = caches.room {
      (k, narrow.k) = try build.append(
        k, rows: form.rows, size: shape.headSize, toState: 6, try context.type(6).element, capacity: room.key, pastRows: form.past,
        output: caches.key, Float.self)
      (v, narrow.v) = try build.append(
        v, rows: form.rows, size: shape.valueSize, toState: 7, try context.type(7).element, capacity: room.value, pastRows: form.past,
        output: caches.value, Float.self)
    } else {
      k = try build.append(
        k, rows: form.rows, size: shape.headSize, past: context.has(6) ? .input(6) : nil, pastRows: form.past, output: caches.key, Float.self)
      v = try build.append(
        v, rows: form.rows, size: shape.valueSize, past: context.has(7) ? .input(7) : nil, pastRows: form.past, output: caches.value,
        Float.self)
    }
    var core = AttentionCore<Float>(
      shape: shape, q: q, k: k, v: v, y: .byRow(.output(0), heads: heads, rows: shape.queries, size: shape.valueSize),
      scale: scale.map(Double.init) ?? 1 / Double(shape.headSize).squareRoot())
    core.narrow = narrow
    core.window = AttentionWindow(isCausal: isCausal, offset: form.past)
    if let bias = context.optionalType(5) { core.bias = try build.bias(bias, input: 5, Float.self, coversKeys: true) }
    if let mask = context.optionalType(4) {
      core.bias = try PaddingMask(mask, input: 4, filter: filter, shape: shape, pastRows: form.past).bias(
        &build, adding: core.bias, Float.self)
    }
    if caches.room == nil, context.wants(output: 3) {
      core.scores = (.byHead(.output(3), heads: heads, rows: shape.queries, size: shape.keys), .product)
    }
    return try build.kernel(core, threads: context.threads)
  }

  /// The tensor with its part of the bias, from element `start` on, in scratch memory.
  private func biased(
    _ build: inout AttentionBuild, _ tensor: HeadTensor, rows: Int, size: Int, start: Int
  ) throws(PinionError) -> HeadTensor {
    let heads = heads, batch = build.shape.batch
    let count = try [batch, heads, rows, size].checkedProduct()
    let target = HeadTensor.byRow(.scratch(try build.reserve(bytes: try count.multiplied(by: 4))), heads: heads, rows: rows, size: size)
    build.stages.append(
      .ranges(batch &* rows, grain: max(1, 16_384 / max(1, heads &* size))) { frame, range in
        for unit in range {
          for head in 0..<heads {
            let source = tensor.pointer(frame, Float.self, batch: unit / rows, head: head, row: unit % rows)
            let result = target.pointer(frame, Float.self, batch: unit / rows, head: head, row: unit % rows)
            let bias = frame.input(3, as: Float.self) + (start &+ head &* size)
            for index in 0..<size { result[index] = source[index] + bias[index] }
          }
        }
      })
    return target
  }
}

extension InferenceContext {
  /// The type of an input whose rank is one of several.
  func type(_ index: Int, rank ranks: [Int]) throws(PinionError) -> TensorType {
    let type = try type(index)
    guard ranks.contains(type.rank) else {
      throw .invalidShape("input \(index) is \(type), expected rank " + ranks.map(String.init).joined(separator: " or "))
    }
    return type
  }
}
