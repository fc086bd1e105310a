import PinionBase

/// A tensor of [batch, heads, rows, size] by steps; its last axis is dense. Steps are elements.
package struct AttentionOperand: Sendable {
  package var address: DeviceAddress
  package var batchStep, headStep, rowStep: Int

  package init(_ address: DeviceAddress, batchStep: Int, headStep: Int, rowStep: Int) {
    self.address = address
    self.batchStep = batchStep
    self.headStep = headStep
    self.rowStep = rowStep
  }

  fileprivate func steps() throws(PinionError) -> [Int32] { try kernelSteps([batchStep, headStep, rowStep], "attention") }
}

/// What hides keys from queries beside their order. Masks are [batch, heads, queries, keys] by steps, the last axis dense; a step of 0 shares.
package enum AttentionMask: Sendable {
  case none
  /// Added to the scores; of the queries' type.
  case added(AttentionOperand)
  /// Bytes, 0 where a key is not seen.
  case seen(AttentionOperand)
}

/// Sizes and rules of an attention.
package struct AttentionSizes: Sendable {
  package var batch, heads, keyHeads, queries, keys, size, valueSize: Int
  package var scale: Float
  /// The scores are cap * tanh(score / cap); nil for none.
  package var cap: Float?
  package var isCausal = false
  /// Query i is at place i + offset among the keys. With lengths, the last query is at the last key.
  package var offset = 0
  /// How many keys up to its place a query sees; nil for all.
  package var window: Int?

  /// `keys`: how many rows of the keys are used; a cache may have more.
  package init(batch: Int, heads: Int, keyHeads: Int, queries: Int, keys: Int, size: Int, valueSize: Int, scale: Float) {
    (self.batch, self.heads, self.keyHeads, self.queries, self.keys) = (batch, heads, keyHeads, queries, keys)
    (self.size, self.valueSize, self.scale) = (size, valueSize, scale)
  }
}

extension KernelCall {
  /// y = softmax(q k' * scale + mask) v for each head; a query that sees no key gets zeros. float32, and few queries, go to the plain
  /// units, with sizes up to 256; float16 and bfloat16 to the matrix units, with sizes up to 128 that are multiples of 8.
  /// - Parameter lengths: int32 for each batch, how many keys it has, at most `keys`; nil where all have `keys`.
  package static func attention(
    _ element: KernelElement, _ sizes: AttentionSizes, q: AttentionOperand, k: AttentionOperand, v: AttentionOperand, mask: AttentionMask = .none,
    lengths: DeviceAddress? = nil, y: AttentionOperand
  ) throws(PinionError) -> KernelCall {
    try requireFloat(element, "attention")
    let s = sizes
    guard [s.batch, s.heads, s.keyHeads, s.queries, s.keys, s.size, s.valueSize].allSatisfy({ $0 > 0 }), s.heads % s.keyHeads == 0 else {
      throw .internal("an attention of \(s.heads) heads over \(s.keyHeads), \(s.queries) queries, \(s.keys) keys, sizes \(s.size) and \(s.valueSize)")
    }
    guard s.size <= 256, s.valueSize <= 256 else {
      throw .unsupported("an attention of size \(s.size), values \(s.valueSize); kernels take up to 256")
    }
    _ = try kernelCount(s.queries, "an attention")
    _ = try kernelCount(s.keys, "an attention")
    let (kind, maskOperand): (Int32, AttentionOperand?) =
      switch mask {
      case .none: (0, nil)
      case .added(let operand): (1, operand)
      case .seen(let operand): (2, operand)
      }
    // Sums of places and extents, which are within 2^30, stay within 32 bits.
    guard (-(1 << 29)...(1 << 29)).contains(s.offset), (0...(1 << 29)).contains(s.window ?? 0) else {
      throw .unsupported("an attention from place \(s.offset) with a window of \(s.window ?? 0)")
    }
    var arguments = LaunchArguments()
    for address in [q.address, k.address, v.address, maskOperand?.address ?? DeviceAddress(0), lengths ?? DeviceAddress(0), y.address] {
      arguments.add(address)
    }
    var words = [s.heads, s.keyHeads, s.queries, s.keys, s.size, s.valueSize].map { Int32(truncatingIfNeeded: $0) }
    for operand in [q, k, v, y] { words += try operand.steps() }
    if let maskOperand { words += try maskOperand.steps() } else { words += [0, 0, 0] }
    words += [kind, s.isCausal ? 1 : 0, Int32(s.offset), Int32(s.window ?? 0)]
    words += [s.scale, s.cap ?? 0].map { Int32(bitPattern: $0.bitPattern) }
    arguments.add(structure: words)
    let program = try KernelProgram(named: "attention.cu")
    let operands = [q, k, v]
    let fitsTiles =
      element != .f32 && s.queries > 4 && max(s.size, s.valueSize) <= 128 && s.size % 8 == 0 && s.valueSize % 8 == 0
      && operands.allSatisfy { [$0.batchStep, $0.headStep, $0.rowStep].allSatisfy { $0 % 8 == 0 } && $0.address.bits % 16 == 0 }
    if fitsTiles {
      let most = max(s.size, s.valueSize) <= 64 ? 64 : 128
      // Queries, keys and values: 64 rows each with 8 elements of padding.
      let blocks = try [(s.queries + 63) / 64, s.heads, s.batch].checkedProduct()
      let shape = try LaunchShape(x: blocks, threads: 128, sharedBytes: 3 * 64 * (most + 8) * 2)
      return KernelCall(
        program, "attention_\(most)_\(element.rawValue)", shape, arguments, leastCapability: ProductTiles.capability(element))
    }
    let shape = try LaunchShape(x: try [s.queries, s.heads, s.batch].checkedProduct(), threads: 128)
    return KernelCall(program, "attention_row_\(element.rawValue)", shape, arguments)
  }

  /// New rows at the end of a cache: y[batch, head, start + row] = x[batch, head, row], or with `lengths`, the cache's lengths after, at the end
  /// of each batch's own. Rows beyond the capacity are left out. Elements of 2 or 4 bytes.
  package static func cacheAppend(
    elementBytes: Int, batch: Int, heads: Int, rows: Int, size: Int, capacity: Int, start: Int = 0, lengths: DeviceAddress? = nil,
    x: AttentionOperand, y: AttentionOperand
  ) throws(PinionError) -> KernelCall {
    guard elementBytes == 2 || elementBytes == 4, [batch, heads, rows, size, capacity].allSatisfy({ $0 > 0 }), start >= 0 else {
      throw .internal("new rows of a cache: \(batch) x \(heads) x \(rows) x \(size) of \(elementBytes) bytes at \(start) of \(capacity)")
    }
    let count = try kernelCount(try [batch, heads, rows, size].checkedProduct(), "new rows of a cache")
    var arguments = LaunchArguments()
    for address in [x.address, lengths ?? DeviceAddress(0), y.address] { arguments.add(address) }
    var words = [Int32(heads), Int32(rows), Int32(size), try kernelCount(capacity, "a cache"), try kernelCount(start, "a cache")]
    words += try x.steps() + y.steps()
    arguments.add(structure: words)
    arguments.add(count)
    return KernelCall(try KernelProgram(named: "attention.cu"), "append_\(elementBytes)", try loopShape(Int(count)), arguments)
  }
}

/// How rotary places turn a row's first elements.
package struct RotarySizes: Sendable {
  package var batch, heads, rows, size: Int
  /// How many elements of a row are turned, an even number; the others are copied.
  package var turned: Int
  /// Whether neighbours are pairs, instead of an element of each half.
  package var isInterleaved = false
  /// The rows of the tables of cosines and sines, [tableRows, turned / 2].
  package var tableRows: Int

  package init(batch: Int, heads: Int, rows: Int, size: Int, turned: Int, tableRows: Int) {
    (self.batch, self.heads, self.rows, self.size, self.turned, self.tableRows) = (batch, heads, rows, size, turned, tableRows)
  }
}

extension KernelCall {
  /// Rotary places, for float32, float16 and bfloat16. `fault`, an int32 that is INT32_MAX before, gets the number, batch * rows + row, of the
  /// first row whose place is not in the tables.
  /// - Parameters:
  ///   - positions: int64, [batch, rows] with `positionStep` from batch to batch; nil for offset + row.
  package static func rotary(
    _ element: KernelElement, _ sizes: RotarySizes, x: AttentionOperand, cosine: DeviceAddress, sine: DeviceAddress, positions: DeviceAddress? = nil,
    positionStep: Int = 0, offset: Int = 0, y: AttentionOperand, fault: DeviceAddress
  ) throws(PinionError) -> KernelCall {
    try requireFloat(element, "rotary places")
    let s = sizes
    guard [s.batch, s.heads, s.rows, s.size, s.tableRows].allSatisfy({ $0 > 0 }), s.turned > 0, s.turned % 2 == 0, s.turned <= s.size else {
      throw .internal("rotary places of \(s.turned) elements of \(s.size)")
    }
    _ = try kernelCount(try [s.batch, s.heads, s.rows, s.size].checkedProduct(), "rotary places")
    let count = s.batch * s.heads * s.rows * (s.turned / 2 + s.size - s.turned)
    var arguments = LaunchArguments()
    for address in [x.address, cosine, sine, positions ?? DeviceAddress(0), y.address, fault] { arguments.add(address) }
    var words = [s.heads, s.rows, s.size, s.turned, s.isInterleaved ? 1 : 0].map { Int32(truncatingIfNeeded: $0) }
    words += [try kernelCount(offset, "rotary places"), try kernelCount(positionStep, "rotary places"), try kernelCount(s.tableRows, "rotary places")]
    words += try x.steps() + y.steps()
    arguments.add(structure: words)
    arguments.add(Int32(count))
    return KernelCall(try KernelProgram(named: "attention.cu"), "rotary_\(element.rawValue)", try loopShape(count), arguments)
  }
}
