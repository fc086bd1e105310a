import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's attention of one query to the keys of earlier steps and its own, or to those of an encoder. Earlier keys may lie in a buffer
/// with room behind them, and may be those of other beams.
package struct DecoderMaskedMultiHeadAttention: CPUExecutable {
  package static let schema = Schema(
    "DecoderMaskedMultiHeadAttention", domain: "com.microsoft", since: 1,
    inputs: [
      "query: T", "key?: T", "value?: T", "mask_index?: int32", "attention_bias?: T", "past_key?: T", "past_value?: T",
      "past_sequence_length?: int32", "beam_width?: int32", "cache_indirection?: int32", "bias?: T",
    ], outputs: ["output: T", "present_key?: T", "present_value?: T", "qk?: T"], types: ["T": [.float32, .float16, .bfloat16]], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let heads: Int
  let sharesBuffer: Bool
  let scale: Float?
  let filter: Float

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    heads = try attributes.int("num_heads", in: 1...Int64(1 << 46))
    sharesBuffer = try attributes.bool("past_present_share_buffer")
    let scale = try attributes.optionalFloat("scale")
    self.scale = scale == 0 ? nil : scale
    filter = try attributes.float("mask_filter_value", default: -10_000)
    // Whether the node names the fourth output says the same.
    attributes.ignore("output_qk")
  }

  private struct Form: Sendable {
    let batch: Int
    let headSize: Int
    let valueSize: Int
    /// Rows of each head that earlier keys have, with the room behind them; all of them where keys are an encoder's.
    let capacity: Int
    /// Elements from one batch entry's new query, key or value to the next, and where in it they begin.
    let strides: (q: Int, k: Int, v: Int)
    let starts: (k: Int, v: Int)
    let inputs: (k: Int, v: Int)
    let isCross: Bool
  }

  private func form(_ context: InferenceContext) throws(PinionError) -> Form {
    let query = try context.type(0, rank: 3), key = context.optionalType(1), value = context.optionalType(2)
    let batch = query.dims[0]
    guard query.dims[1] == 1 else { throw .invalidShape("query \(query) has \(query.dims[1]) positions, expected 1") }
    guard context.has(5) == context.has(6), key != nil || value == nil, key == nil || value != nil else {
      throw .invalidModel("key and value, and past_key and past_value, come together only")
    }
    var past: (key: TensorType, value: TensorType)?
    if context.has(5) { past = (try context.type(5, rank: 4), try context.type(6, rank: 4)) }
    let hidden: Int, values: Int, capacity: Int
    let isCross = key?.rank == 4
    if let key, let value, isCross {
      (hidden, capacity) = (query.dims[2], key.dims[2])
      guard value.rank == 4, hidden % heads == 0, key.dims == [batch, heads, capacity, hidden / heads],
        value.dims == [batch, heads, capacity, value.dims[3]], past == nil
      else { throw .invalidShape("query \(query), key \(key) and value \(value) do not fit together") }
      values = heads &* value.dims[3]
    } else if let key, let value {
      (hidden, values) = (query.dims[2], value.rank == 3 ? value.dims[2] : 0)
      guard key.dims == [batch, 1, hidden], value.dims == [batch, 1, values] else {
        throw .invalidShape("query \(query), key \(key) and value \(value) do not fit together")
      }
      capacity = past?.key.dims[2] ?? 0
    } else {
      // Values are as wide as keys unless earlier ones tell.
      values = try past.map { (past) throws(PinionError) in try heads.multiplied(by: past.value.dims[3]) } ?? query.dims[2] / 3
      hidden = (query.dims[2] &- values) / 2
      guard values <= query.dims[2], 2 &* hidden &+ values == query.dims[2] else {
        throw .invalidShape("query \(query) does not consist of queries, keys and \(values) values")
      }
      capacity = past?.key.dims[2] ?? 0
    }
    guard hidden % heads == 0, values % heads == 0, hidden > 0 else { throw .invalidShape("query \(query) does not consist of \(heads) heads") }
    let headSize = hidden / heads, valueSize = values / heads
    if let past {
      guard past.key.dims == [batch, heads, capacity, headSize], past.value.dims == [batch, heads, capacity, valueSize] else {
        throw .invalidShape("past_key \(past.key) and past_value \(past.value) do not fit query \(query)")
      }
    }
    try context.check(10, dims: [2 &* hidden &+ values])
    try context.checkScalar(7)
    try context.checkScalar(8)
    if sharesBuffer, !isCross {
      guard past != nil, context.has(7) else { throw .invalidModel("a shared buffer comes with past_key, past_value and past_sequence_length") }
    }
    if let mask = context.optionalType(3), mask.rank != 2 || mask.dims[0] != batch {
      throw .invalidShape("mask_index is \(mask), expected a row for each of \(batch) batch entries")
    }
    if let bias = context.optionalType(4) {
      guard bias.rank == 4, bias.dims[0] == 1 || bias.dims[0] == batch, bias.dims[1] == 1 || bias.dims[1] == heads, bias.dims[2] == 1 else {
        throw .invalidShape("attention_bias is \(bias), expected [\(batch),\(heads),1,keys], or 1 in the place of the first two")
      }
    }
    if let table = context.optionalType(9), table.rank != 3 || table.dims[0] &* table.dims[1] != batch {
      throw .invalidShape("cache_indirection is \(table), expected beams of together \(batch) entries")
    }
    if key == nil {
      let row = query.dims[2]
      return Form(
        batch: batch, headSize: headSize, valueSize: valueSize, capacity: capacity, strides: (row, row, row),
        starts: (hidden, 2 &* hidden), inputs: (0, 0), isCross: false)
    }
    return Form(
      batch: batch, headSize: headSize, valueSize: valueSize, capacity: capacity, strides: (hidden, hidden, values), starts: (0, 0), inputs: (1, 2),
      isCross: isCross)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let form = try form(context), element = try context.type(0).element
    let rows = form.isCross ? form.capacity : sharesBuffer ? form.capacity : try form.capacity.adding(1)
    var outputs = [
      TensorType(element, try Shape([form.batch, 1, heads &* form.valueSize])),
      TensorType(element, try Shape([form.batch, heads, rows, form.headSize])),
      TensorType(element, try Shape([form.batch, heads, rows, form.valueSize])),
    ]
    if context.outputCount > 3 {
      let keys = form.isCross || !sharesBuffer ? rows : try length(try context.integer(7), form) &+ 1
      outputs.append(TensorType(element, try Shape([form.batch, heads, 1, keys])))
    }
    return outputs
  }

  /// Earlier keys in a buffer, of which one more takes the place behind them.
  private func length(_ given: Int64, _ form: Form) throws(PinionError) -> Int {
    guard given >= 0, given < Int64(form.capacity) else {
      throw .invalidValue("past_sequence_length is \(given), expected room for one more in a buffer of \(form.capacity) rows")
    }
    return Int(given)
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let query = context[0], element = query.element, symbols = context.symbols, batch = query.extent(0)
    let isCross = context.has(1) ? context[1].rank.map { $0 == 4 } : false
    let past = context[5].extent(2)
    var size: Int?, valueSize: Int?, rows: Int?
    if isCross == true {
      (size, valueSize, rows) = (context[1].extent(3), context[2].extent(3), context[1].extent(2))
    } else if isCross == false {
      if context.has(1) {
        (size, valueSize) = (symbols.quotient(query.extent(2), by: heads), symbols.quotient(context[2].extent(2), by: heads))
      } else {
        (size, valueSize) = (context[5].extent(3), context[6].extent(3))
      }
      rows = sharesBuffer ? past : context.has(5) ? symbols.extent(past, plus: 1) : 1
    }
    let keys = isCross == false && sharesBuffer ? nil : rows
    return [
      Fact(element, [batch, 1, symbols.product(of: [heads, valueSize])]), Fact(element, [batch, heads, rows, size]),
      Fact(element, [batch, heads, rows, valueSize]), Fact(element, [batch, heads, 1, keys]),
    ]
  }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    guard let query = inputs.first ?? nil else { return 0 }
    let keys = [1, 5].lazy.compactMap { $0 < inputs.count ? inputs[$0] : nil }.first { $0.rank == 4 }?.dims[2] ?? 1
    return attentionOperations(queries: query.count, keys: keys, outputs)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard try context.type(0).element == .float32 else { throw context.unsupportedTypes() }
    let form = try form(context.inference)
    let keys = form.isCross ? form.capacity : try form.capacity.adding(1)
    let lane = try keys.adding(2 &* form.headSize).adding(form.valueSize).multiplied(by: 4)
    guard let dots = pk_dots_kernel(pk_isa_best(), PK_F32), let softmax = pk_softmax_kernel(pk_isa_best(), PK_F32) else {
      throw .internal("no kernels for attention")
    }
    let step = Step(
      form: form, heads: heads, scale: scale ?? 1 / Float(form.headSize).squareRoot(), filter: filter,
      mask: context.optionalType(3)?.dims[1], bias: context.optionalType(4)?.dims, indirection: context.optionalType(9)?.dims,
      hasAddends: context.has(10), keepsKeys: context.wants(output: 1), keepsValues: context.wants(output: 2), keepsScores: context.wants(output: 3), dots: dots, softmax: softmax)
    let operatorSelf = self
    let readsLength = sharesBuffer && !form.isCross, rows = sharesBuffer || form.isCross ? form.capacity : form.capacity &+ 1
    return .parallel(tasks: form.batch &* heads, laneScratchBytes: lane) { (frame, task) throws(PinionError) in
      let past = readsLength ? try operatorSelf.length(Int64(frame.input(7, as: Int32.self)[0]), form) : form.capacity
      try step.run(frame, batch: task / step.heads, head: task % step.heads, past: past, rows: rows)
    }
  }

  private struct Step: Sendable {
    let form: Form
    let heads: Int
    let scale: Float
    let filter: Float
    let mask: Int?
    let bias: [Int]?
    let indirection: [Int]?
    let hasAddends: Bool
    let keepsKeys: Bool
    let keepsValues: Bool
    let keepsScores: Bool
    let dots: pk_dots_fn
    let softmax: pk_softmax_fn

    /// - Parameters:
    ///   - past: earlier keys; all keys where they are an encoder's.
    ///   - rows: of each head in the outputs that keep keys and values.
    func run(_ frame: KernelFrame, batch: Int, head: Int, past: Int, rows: Int) throws(PinionError) {
      let (size, valueSize) = (form.headSize, form.valueSize), keys = form.isCross ? past : past &+ 1
      var poll = Poll(frame.control)
      try check(keys)
      let q = frame.laneScratch.assumingMemoryBound(to: Float.self), newKey = q + size, newValue = newKey + size, scores = newValue + valueSize
      let hidden = heads &* size
      func load(_ target: UnsafeMutablePointer<Float>, _ input: Int, _ start: Int, _ count: Int, addends: Int) {
        target.update(from: frame.input(input, as: Float.self) + start, count: count)
        guard hasAddends else { return }
        let bias = frame.input(10, as: Float.self) + addends
        for index in 0..<count { target[index] += bias[index] }
      }
      load(q, 0, batch &* form.strides.q &+ head &* size, size, addends: head &* size)
      let unit = batch &* heads &+ head
      let oldKeys = frame.input(form.isCross ? 1 : 5, as: Float.self), oldValues = frame.input(form.isCross ? 2 : 6, as: Float.self)
      /// The batch entry whose row of an earlier step counts.
      func source(_ step: Int) throws(PinionError) -> Int {
        guard let indirection, !form.isCross else { return batch }
        let beams = indirection[1]
        let beam = Int(frame.input(9, as: Int32.self)[batch &* indirection[2] &+ step])
        guard beam >= 0, beam < beams else { throw .invalidValue("cache_indirection names beam \(beam) of \(beams)") }
        return batch / beams &* beams &+ beam
      }
      if indirection != nil, !form.isCross {
        for step in 0..<past {
          try poll.count(size)
          scores[step] = pk_dot_f32(q, oldKeys + ((try source(step) &* heads &+ head) &* form.capacity &+ step) &* size, size)
        }
      } else {
        try inPieces(of: max(1, (1 << 18) / size), past, frame.control) { range in
          dots(oldKeys + (unit &* form.capacity &+ range.lowerBound) &* size, size, q, scores + range.lowerBound, range.count, size)
        }
      }
      if !form.isCross {
        load(newKey, form.inputs.k, batch &* form.strides.k &+ form.starts.k &+ head &* size, size, addends: hidden &+ head &* size)
        load(
          newValue, form.inputs.v, batch &* form.strides.v &+ form.starts.v &+ head &* valueSize, valueSize, addends: 2 &* hidden &+ head &* valueSize)
        scores[past] = pk_dot_f32(q, newKey, size)
      }
      try poll.count(keys)
      for key in 0..<keys { scores[key] *= scale }
      if let mask {
        let flags = frame.input(3, as: Int32.self) + batch &* mask
        for key in 0..<keys where flags[key] == 0 { scores[key] += filter }
      }
      if let bias {
        let entry = bias[0] == 1 ? 0 : batch, line = bias[1] == 1 ? 0 : head
        let addends = frame.input(4, as: Float.self) + (entry &* bias[1] &+ line) &* bias[3]
        for key in 0..<keys { scores[key] += addends[key] }
      }
      if keepsScores { (frame.output(3, as: Float.self) + unit &* keys).update(from: scores, count: keys) }
      softmax(scores, scores, 1, keys, 1, 1)
      let y = frame.output(0, as: Float.self) + unit &* valueSize
      y.update(repeating: 0, count: valueSize)
      for key in 0..<keys {
        try poll.count(valueSize / 4 &+ 1)
        let row =
          !form.isCross && key == past
          ? UnsafePointer(newValue) : oldValues + ((try source(key) &* heads &+ head) &* form.capacity &+ key) &* valueSize
        let weight = scores[key]
        for index in 0..<valueSize { y[index] += weight * row[index] }
      }
      if keepsKeys { try keep(frame, 1, oldKeys, newKey, unit, past, rows, size) }
      if keepsValues { try keep(frame, 2, oldValues, newValue, unit, past, rows, valueSize) }
    }

    /// Earlier rows with the new one behind them and whatever the buffer holds behind that, or those of an encoder.
    private func keep(
      _ frame: KernelFrame, _ output: Int, _ old: UnsafePointer<Float>, _ new: UnsafePointer<Float>, _ unit: Int, _ past: Int, _ rows: Int, _ size: Int
    ) throws(PinionError) {
      let target = frame.output(output, as: Float.self) + unit &* rows &* size
      try copy(old + unit &* form.capacity &* size, to: target, form.capacity &* size, frame.control)
      if !form.isCross { (target + past &* size).update(from: new, count: size) }
    }

    private func copy(
      _ from: UnsafePointer<Float>, to: UnsafeMutablePointer<Float>, _ count: Int, _ control: RunControl
    ) throws(PinionError) {
      try inPieces(of: 1 << 18, count, control) { range in (to + range.lowerBound).update(from: from + range.lowerBound, count: range.count) }
    }

    private func check(_ keys: Int) throws(PinionError) {
      if let mask, mask < keys { throw .invalidShape("mask_index has \(mask) elements for each batch entry, expected \(keys)") }
      if let bias, bias[3] < keys { throw .invalidShape("attention_bias is for \(bias[3]) keys, expected \(keys)") }
      if let indirection, !form.isCross, indirection[2] < keys &- 1 {
        throw .invalidShape("cache_indirection is for \(indirection[2]) steps, expected \(keys &- 1)")
      }
    }
  }
}
