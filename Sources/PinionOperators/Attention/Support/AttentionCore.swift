import CKernels
import Glibc
import PinionBackend
import PinionBase
import PinionTensor

/// Where a kernel finds the memory of a tensor.
enum OperandPlace: Sendable {
  case input(Int)
  case output(Int)
  /// Bytes into the kernel's scratch memory.
  case scratch(Int)

  func pointer<T>(_ frame: KernelFrame, _ type: T.Type) -> UnsafeMutablePointer<T> {
    switch self {
    case .input(let index): UnsafeMutableRawPointer(mutating: frame.rawInput(index)).assumingMemoryBound(to: T.self)
    case .output(let index): frame.rawOutput(index).assumingMemoryBound(to: T.self)
    case .scratch(let offset): (frame.scratch + offset).assumingMemoryBound(to: T.self)
    }
  }
}

/// A tensor of vectors, one for each batch entry, head and position, by the elements between neighbours.
struct HeadTensor: Sendable {
  var place: OperandPlace
  /// Elements before the first vector.
  var start = 0
  var batch: Int
  var head: Int
  var row: Int
  /// Where the rows of a head have room behind them.
  var room: RowRoom?

  /// [batch, heads, rows, size], contiguous.
  static func byHead(_ place: OperandPlace, heads: Int, rows: Int, size: Int) -> HeadTensor {
    HeadTensor(place: place, batch: heads &* rows &* size, head: rows &* size, row: size)
  }

  /// [batch, rows, heads * size], contiguous.
  static func byRow(_ place: OperandPlace, heads: Int, rows: Int, size: Int) -> HeadTensor {
    HeadTensor(place: place, batch: heads &* rows &* size, head: size, row: heads &* size)
  }

  /// [batch, heads, rows, size] in memory of a state.
  static func inState(_ place: OperandPlace, capacity: Int, heads: Int, size: Int) -> HeadTensor {
    HeadTensor(place: place, batch: 0, head: 0, row: size, room: RowRoom(capacity: capacity, heads: heads))
  }

  @inline(__always)
  func pointer<T>(_ frame: KernelFrame, _ type: T.Type, batch: Int, head: Int, row: Int) -> UnsafeMutablePointer<T> {
    if let room {
      let unit = batch &* room.heads &+ head, capacity = frame.input(room.capacity, as: Int.self)[0]
      return place.pointer(frame, T.self) + (unit &* capacity &+ row) &* self.row
    }
    return place.pointer(frame, T.self) + (start &+ batch &* self.batch &+ head &* self.head &+ row &* self.row)
  }
}

/// The room for rows of each head that only a run knows, since it grows without other plans.
struct RowRoom: Sendable {
  /// The input that says for how many rows there is room.
  let capacity: Int
  let heads: Int
}

/// Keys or values of which the earlier ones lie in a state in half precision. A task that reads them converts them in memory of its own, and
/// takes the new ones as they came, not as the state has rounded them.
struct NarrowRows: Sendable {
  /// The earlier rows, of 2 bytes an element.
  let state: HeadTensor
  let widen: pk_convert_fn
  let new: HeadTensor
  let size: Int
  /// How many rows are earlier ones, where `bounds` does not say.
  let pastRows: Int
  /// Byte offset of two Ints for each batch entry in the scratch memory, of which the first is the number of earlier rows.
  var bounds: Int?

  /// Puts rows one behind the other.
  @inline(__always)
  func copy<T>(_ frame: KernelFrame, batch: Int, head: Int, rows: Range<Int>, to target: UnsafeMutablePointer<T>) {
    let past = bounds.map { (frame.scratch + $0).assumingMemoryBound(to: Int.self)[2 &* batch] } ?? pastRows
    let earlier = max(0, min(rows.upperBound, past) &- rows.lowerBound)
    if earlier > 0 { widen(state.pointer(frame, UInt16.self, batch: batch, head: head, row: rows.lowerBound), target, earlier &* size) }
    for row in max(rows.lowerBound, past)..<max(rows.upperBound, max(rows.lowerBound, past)) {
      (target + (row &- rows.lowerBound) &* size).update(
        from: new.pointer(frame, T.self, batch: batch, head: head, row: row &- past), count: size)
    }
  }
}

/// The extents of scaled dot-product attention.
struct AttentionShape: Sendable {
  var batch: Int
  var heads: Int
  /// Each serves `heads / kvHeads` neighbouring query heads.
  var kvHeads: Int
  var queries: Int
  var keys: Int
  var headSize: Int
  var valueSize: Int
}

/// Which keys a query attends, as a range around its own position.
struct AttentionWindow: Sendable {
  var isCausal = false
  var left: Int?
  var right: Int?
  /// Position of query 0, where it is the same for the whole batch.
  var offset = 0
  /// Byte offset of two Ints for each batch entry in the scratch memory: the position of query 0 and the number of keys.
  var perBatch: Int?
}

/// What is added to the scores before the softmax.
struct AttentionBias: Sendable {
  var values: HeadTensor
  /// Keys that it covers; the others are masked.
  var keys: Int
}

/// softmax(scale * Q K^T + bias) V, for each head of each batch entry.
struct AttentionCore<T: AttentionElement>: Sendable {
  var shape: AttentionShape
  var q: HeadTensor
  var k: HeadTensor
  var v: HeadTensor
  /// What stands for them where they are narrower than `T`.
  var narrow: (k: NarrowRows?, v: NarrowRows?)
  var y: HeadTensor
  var scale: Double
  /// Bounds the scores to -softcap...softcap where positive.
  var softcap = 0.0
  var window = AttentionWindow()
  var bias: AttentionBias?
  /// Takes the scores at some point on their way.
  var scores: (target: HeadTensor, stage: ScoreStage)?
  /// An input with one number for each head that takes part in the softmax like the score of a key without value.
  var sinks: OperandPlace?
  /// The same number, 0, for all heads.
  var hasZeroSink = false
  /// A row whose keys are all hidden is NaN and not 0.
  var isNaNWithoutKeys = false
  /// What is added to the scores of keys that the window or the bias hides, where a row without others attends all of them.
  var hiddenBias: T?

  enum ScoreStage: Int, Sendable { case product, capped, biased, probability }

  /// Query heads that share keys and whose rows are equally spaced are worked on as one.
  private var mergedHeads: Int {
    let group = shape.heads / max(shape.kvHeads, 1)
    func isRegular(_ tensor: HeadTensor) -> Bool { shape.queries == 1 || tensor.head == shape.queries &* tensor.row }
    return group > 1 && isRegular(q) && isRegular(y) ? group : 1
  }

  private func rowStride(_ tensor: HeadTensor) -> Int { shape.queries == 1 && mergedHeads > 1 ? tensor.head : tensor.row }

  /// About the arithmetic operations of two milliseconds.
  private static var operationsOfTask: Int { 200_000_000 }
  /// Elements between rows of scores that would else lie so far apart that they displace each other in the cache.
  private static var apart: Int { 16 }
  /// Keys of a row between two looks at the limits.
  private static var longest: Int { 1 << 18 }
  /// Packed keys and values that one lane may hold.
  private static var packedLimit: Int { 8 << 20 }

  /// The stage, and the bytes that each lane needs for it.
  ///
  /// A task works on some blocks of rows of one head, for which keys and values are packed once. No bit depends on how many these are.
  func stage(threads: Int) throws(PinionError) -> (stage: Kernel.Stage, laneScratchBytes: Int) {
    let heads = mergedHeads, rows = heads &* shape.queries, units = shape.batch &* (shape.heads / max(heads, 1))
    // Without elements there may be any number of heads.
    guard rows > 0, units > 0, shape.valueSize > 0 || scores != nil else { return (Kernel.Stage(tasks: 0) { _, _ in }, 0) }
    // Scores of a block stay in the second-level cache.
    let most = min(rows, max(8, min(96, 131_072 / max(shape.keys, 1))))
    let blocks = (rows &- 1) / most &+ 1
    let block = (rows &- 1) / blocks &+ 1
    let scoreBytes = try alignedUp(try block.multiplied(by: try shape.keys.adding(AttentionCore.apart)).multiplied(by: MemoryLayout<T>.stride), to: Buffer.alignment)
    let scratch = try T.attentionScratchBytes(rows: block, keys: shape.keys, headSize: shape.headSize, valueSize: shape.valueSize)
    let functions = try AttentionFunctions<T>(softcap: softcap)
    let wide = try alignedUp(try scoreBytes.adding(scratch), to: Buffer.alignment)
    let width = max(narrow.k == nil ? 0 : shape.headSize, narrow.v == nil ? 0 : shape.valueSize)
    let wideBytes = try shape.keys.multiplied(by: width).multiplied(by: MemoryLayout<T>.stride)
    let packedKeys = try alignedUp(try wide.adding(wideBytes), to: Buffer.alignment)
    let (group, packed) = try blocksOfTask(block: block, blocks: blocks, units: units, threads: threads)
    let packedValues = try packedKeys.adding(packed?.keys ?? 0), bytes = try packedValues.adding(packed?.values ?? 0)
    let groups = (blocks &- 1) / group &+ 1
    let core = self
    let stage = Kernel.Stage(tasks: units &* groups) { (frame, task) throws(PinionError) in
      let unit = task / groups, start = task % groups &* group &* block, end = min(start &+ group &* block, rows)
      let batch = unit / (core.shape.heads / heads), head = unit % (core.shape.heads / heads) &* heads
      let lane = frame.laneScratch
      let shared = packed.map { _ in
        core.pack(
          frame, batch: batch, head: head, rows: start..<end, wide: lane + wide, keys: (lane + packedKeys).assumingMemoryBound(to: T.self),
          values: (lane + packedValues).assumingMemoryBound(to: T.self))
      }
      for first in stride(from: start, to: end, by: block) {
        try core.run(
          frame, functions, batch: batch, head: head, rows: first..<min(first &+ block, end), rowStrides: (core.rowStride(core.q), core.rowStride(core.y)),
          scratch: lane + scoreBytes, wide: lane + wide, shared: shared)
      }
    }
    return (stage, bytes)
  }

  /// How many blocks a task has, and the bytes of what is packed for them; nil where a block reads its own keys.
  private func blocksOfTask(
    block: Int, blocks: Int, units: Int, threads: Int
  ) throws(PinionError) -> (blocks: Int, packed: (keys: Int, values: Int)?) {
    // Blocks of a window that moves see different keys.
    guard blocks > 1, window.left == nil, shape.keys > 0,
      let packed = try T.packedBytes(keys: shape.keys, headSize: shape.headSize, valueSize: shape.valueSize),
      try packed.keys.adding(packed.values) <= AttentionCore.packedLimit
    else { return (1, nil) }
    let operations = 2 &* block &* shape.keys &* (shape.headSize &+ shape.valueSize)
    let all = try units.multiplied(by: blocks), wanted = threads > 1 ? 3 &* threads : 1
    let group = min(blocks, AttentionCore.operationsOfTask / max(operations, 1), all / wanted)
    return group > 1 ? (group, packed) : (1, nil)
  }

  /// Keys and values for the rows of a task.
  private struct Shared {
    /// How many there are.
    let count: Int
    let keys: UnsafePointer<T>
    let values: UnsafePointer<T>
  }

  private func pack(
    _ frame: KernelFrame, batch: Int, head: Int, rows: Range<Int>, wide: UnsafeMutableRawPointer, keys: UnsafeMutablePointer<T>,
    values: UnsafeMutablePointer<T>
  ) -> Shared {
    let count = seen(frame, batch: batch, head: head, rows: rows).upperBound, kvHead = head / max(shape.heads / shape.kvHeads, 1)
    if count > 0 {
      let k = keyRows(k, narrow.k, frame, batch: batch, head: kvHead, 0..<count, wide: wide)
      T.pack(keys: k, count: count, depth: shape.headSize, into: keys)
      let v = keyRows(v, narrow.v, frame, batch: batch, head: kvHead, 0..<count, wide: wide)
      T.pack(values: v, count: count, width: shape.valueSize, into: values)
    }
    return Shared(count: count, keys: keys, values: values)
  }

  /// Keys or values of some positions.
  @inline(__always)
  private func keyRows(
    _ tensor: HeadTensor, _ narrow: NarrowRows?, _ frame: KernelFrame, batch: Int, head: Int, _ rows: Range<Int>, wide: UnsafeMutableRawPointer
  ) -> HeadRows<T> {
    guard let narrow else { return .rows(tensor.pointer(frame, T.self, batch: batch, head: head, row: rows.lowerBound), stride: tensor.row) }
    let widened = wide.assumingMemoryBound(to: T.self)
    narrow.copy(frame, batch: batch, head: head, rows: rows, to: widened)
    return .rows(widened, stride: tensor.row)
  }

  /// The position of query 0, and the keys that there are.
  @inline(__always)
  private func bounds(_ frame: KernelFrame, batch: Int) -> (offset: Int, limit: Int) {
    var offset = window.offset, limit = shape.keys
    if let perBatch = window.perBatch {
      let bounds = (frame.scratch + perBatch).assumingMemoryBound(to: Int.self) + 2 &* batch
      offset = bounds[0]
      limit = min(bounds[1], limit)
    }
    if let bias { limit = min(limit, bias.keys) }
    return (offset, limit)
  }

  /// Whether the bias hides all keys that a row sees.
  @inline(__always)
  private func isBlind(_ frame: KernelFrame, batch: Int, head: Int, row: Int, _ bounds: (offset: Int, limit: Int)) -> Bool {
    guard let hiddenBias, let bias else { return false }
    let values = bias.values.pointer(frame, T.self, batch: batch, head: head &+ row / shape.queries, row: row % shape.queries)
    // The last one is visible nearly always.
    return visible(row, bounds).reversed().allSatisfy { values[$0] == hiddenBias }
  }

  /// The keys that a row sees.
  @inline(__always)
  private func visible(_ row: Int, _ bounds: (offset: Int, limit: Int)) -> Range<Int> {
    let position = bounds.offset &+ row % shape.queries
    var low = 0, high = bounds.limit
    if window.isCausal { high = min(high, position &+ 1) }
    if let right = window.right { high = min(high, position &+ right &+ 1) }
    if let left = window.left { low = max(0, position &- left) }
    return low..<max(low, high)
  }

  /// The keys that some of the rows see: only these are computed, unless the scores themselves are asked for.
  private func seen(_ frame: KernelFrame, batch: Int, head: Int, rows: Range<Int>) -> Range<Int> {
    guard scores == nil else { return 0..<shape.keys }
    let bounds = bounds(frame, batch: batch)
    var first = shape.keys, end = 0
    for row in rows {
      if isBlind(frame, batch: batch, head: head, row: row, bounds) { return 0..<bounds.limit }
      let range = visible(row, bounds)
      guard !range.isEmpty else { continue }
      first = min(first, range.lowerBound)
      end = max(end, range.upperBound)
    }
    return min(first, end)..<end
  }

  private func run(
    _ frame: KernelFrame, _ functions: AttentionFunctions<T>, batch: Int, head: Int, rows: Range<Int>, rowStrides: (q: Int, y: Int),
    scratch: UnsafeMutableRawPointer, wide: UnsafeMutableRawPointer, shared: Shared?
  ) throws(PinionError) {
    let queries = shape.queries, count = rows.count
    let kvHead = head / max(shape.heads / shape.kvHeads, 1)
    let bounds = bounds(frame, batch: batch), range = seen(frame, batch: batch, head: head, rows: rows)
    let first = shared == nil ? range.lowerBound : 0, end = range.upperBound
    let columns = end &- first, isLong = columns > AttentionCore.longest

    let pitch = columns % 256 == 0 ? columns &+ AttentionCore.apart : columns
    let matrix = frame.laneScratch.assumingMemoryBound(to: T.self)
    let queryRows = q.pointer(frame, T.self, batch: batch, head: head, row: 0) + rows.lowerBound &* rowStrides.q
    let results = y.pointer(frame, T.self, batch: batch, head: head, row: 0) + rows.lowerBound &* rowStrides.y
    if columns > 0 {
      if let shared {
        T.scores(
          queryRows, rowStrides.q, rows: count, .packed(shared.keys, count: shared.count), keys: columns, depth: shape.headSize,
          scale: T(scale), into: matrix, stride: pitch, scratch: scratch)
      } else {
        // Each score is a sum of its own: no bit depends on how many keys are done together.
        var piece = first
        repeat {
          if isLong { try frame.control.check() }
          let part = piece..<min(piece &+ AttentionCore.longest, end)
          T.scores(
            queryRows, rowStrides.q, rows: count, keyRows(k, narrow.k, frame, batch: batch, head: kvHead, part, wide: wide), keys: part.count,
            depth: shape.headSize, scale: T(scale), into: matrix + (piece &- first), stride: pitch, scratch: scratch)
          piece = part.upperBound
        } while piece < end
      }
    }
    for index in 0..<count {
      if isLong { try frame.control.check() }
      let row = rows.lowerBound &+ index, line = matrix + index &* pitch
      let rowHead = head &+ row / queries, query = row % queries
      @inline(__always) func export(_ stage: ScoreStage) {
        guard let scores, scores.stage == stage else { return }
        scores.target.pointer(frame, T.self, batch: batch, head: rowHead, row: query).update(from: line, count: columns)
      }
      export(.product)
      functions.cap(line, count: columns)
      export(.capped)
      let isBlind = isBlind(frame, batch: batch, head: head, row: row, bounds)
      if isBlind, let hiddenBias {
        for column in 0..<columns { line[column] += hiddenBias }
      } else if let bias {
        let values = bias.values.pointer(frame, T.self, batch: batch, head: rowHead, row: query)
        for column in 0..<min(columns, max(bias.keys &- first, 0)) { line[column] += values[first &+ column] }
      }
      let range = isBlind ? 0..<bounds.limit : visible(row, bounds)
      let low = min(max(range.lowerBound &- first, 0), columns), high = min(max(range.upperBound &- first, low), columns)
      for column in 0..<low { line[column] = -.infinity }
      for column in high..<columns { line[column] = -.infinity }
      export(.biased)
      if isLong { try frame.control.check() }
      let sink: T? = sinks.map { $0.pointer(frame, T.self)[rowHead] } ?? (hasZeroSink ? 0 : nil)
      functions.softmax(line + low, count: high &- low, sink: sink)
      for column in 0..<low { line[column] = 0 }
      for column in high..<columns { line[column] = 0 }
      // The first key of a row takes part nearly always.
      if isNaNWithoutKeys, columns > 0, low == columns || line[low] == 0, (low..<high).allSatisfy({ line[$0] == 0 }) {
        line.update(repeating: .nan, count: columns)
      }
      export(.probability)
    }
    if isLong { try frame.control.check() }
    if columns > 0 {
      let values =
        shared.map { .packed($0.values, count: $0.count) } ?? keyRows(v, narrow.v, frame, batch: batch, head: kvHead, first..<end, wide: wide)
      T.mix(matrix, stride: pitch, rows: count, keys: columns, values, width: shape.valueSize, into: results, rowStrides.y, scratch: scratch)
    } else {
      for index in 0..<count { (results + index &* rowStrides.y).update(repeating: 0, count: shape.valueSize) }
    }
  }
}

/// The vector kernels of the scores.
struct AttentionFunctions<T: AttentionElement>: Sendable {
  private let affine: pk_unary_fn
  private let tangent: pk_unary_fn
  private let exponential: pk_unary_fn
  private let softmax: pk_attention_softmax_fn?
  private let softcap: Double

  init(softcap: Double) throws(PinionError) {
    affine = try T.function(PK_UNARY_AFFINE)
    tangent = try T.function(PK_UNARY_TANH)
    exponential = try T.function(PK_UNARY_EXP)
    softmax = T.softmaxKernel
    self.softcap = softcap
  }

  @inline(__always)
  func cap(_ x: UnsafeMutablePointer<T>, count: Int) {
    guard softcap > 0 else { return }
    withUnsafePointer(to: pk_params(1 / softcap, 0)) { affine(x, x, count, $0) }
    tangent(x, x, count, nil)
    withUnsafePointer(to: pk_params(softcap, 0)) { affine(x, x, count, $0) }
  }

  /// In place; a row without any attended key becomes 0.
  /// - Parameter sink: a score more, whose share is left out.
  @inline(__always)
  func softmax(_ x: UnsafeMutablePointer<T>, count: Int, sink: T?) {
    guard let sink else { return T.softmaxOfScores(x, count: count, softmax) }
    var largest = sink
    for index in 0..<count { largest = x[index] > largest ? x[index] : largest }
    for index in 0..<count { x[index] -= largest }
    exponential(x, x, count, nil)
    var sum = T(exp(Double(sink - largest)))
    for index in 0..<count { sum += x[index] }
    let factor = 1 / sum
    for index in 0..<count { x[index] *= factor }
  }
}
