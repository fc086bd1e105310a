import PinionBase
import PinionTensor

extension Int {
  /// Rows to make room for, where there are so many: at least `least` where that is enough, and else a few more.
  func withRoom(least: Int) -> Int { self <= least ? least : (self &+ 15) & ~15 }
}

/// What a state holds of one pair: a tensor that has room for more rows along its axis.
struct StateSlot {
  let place: StatePair.Place
  let pair: StatePair
  /// The axis along which the value grows; nil for one that is replaced as a whole.
  let axis: Int?
  /// Whether each sequence of the batch ends where runs say, at any row of the value.
  let hasLengths: Bool
  /// The rows in use; nil where nothing is known yet.
  var type: TensorType?
  /// Where each sequence may end at another row: the rows of each that are in use; nil for all. Those behind are 0 to whoever reads them,
  /// whatever lies in memory.
  var used: [Int]?
  /// `capacity` rows for each step along the axes before.
  var memory: StateMemory?
  var capacity = 0
  /// Memory of the same size, for the value to come of one that is replaced.
  var spare: StateMemory?

  /// The rows of the longest sequence.
  var length: Int? { axis.flatMap { axis in type.map { used?.max() ?? $0.dims[axis] } } }
  var byteCount: Int { (memory?.byteCount ?? 0) &+ (spare?.byteCount ?? 0) }
}

extension StateSlot {
  init(place: StatePair.Place, pair: StatePair, axis: Int?, hasLengths: Bool = false) {
    self.place = place
    self.pair = pair
    self.axis = axis
    self.hasLengths = hasLengths
  }

  /// How many rows each sequence has in use, where it may be another number than that of the type.
  var usedRows: [Int] {
    guard let axis, let type else { return [] }
    return used ?? [Int](repeating: type.dims[axis], count: type.dims[0])
  }

  /// Writes the zeros that stand behind the rows in use.
  func clear(_ data: UnsafeMutableRawPointer, capacity: Int, _ control: RunControl) throws(PinionError) {
    guard let used, let axis, let type, !used.isEmpty else { return }
    let storage = RowStorage(type, axis: axis), heads = storage.outer / used.count
    for (entry, rows) in used.enumerated() where rows < storage.rows {
      for unit in entry &* heads..<(entry &+ 1) &* heads {
        let start = data + (unit &* capacity &+ rows) &* storage.row
        try inPieces(of: 1 << 20, (storage.rows &- rows) &* storage.row, control) { range in
          (start + range.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
        }
      }
    }
  }
}

/// How rows of a tensor lie in a state's memory. A value that does not grow is one row.
struct RowStorage {
  /// Runs of rows that lie apart.
  let outer: Int
  let rows: Int
  /// Bytes of a row.
  let row: Int

  init(_ type: TensorType, axis: Int?) {
    outer = axis.map { type.shape.count(0..<$0) } ?? 1
    rows = axis.map { type.dims[$0] } ?? 1
    row = axis.map { type.shape.count($0 &+ 1..<type.rank) &* type.element.byteWidth } ?? type.byteCount
  }

  func bytes(capacity: Int) throws(PinionError) -> Int { try outer.multiplied(by: capacity).multiplied(by: row) }

  /// The rows that so much memory has room for.
  func capacity(ofBytes bytes: Int) -> Int { outer > 0 && row > 0 ? bytes / outer / row : .max / 2 }

  /// Copies the rows from one memory to another.
  /// - Throws: what the limits of `control` say, with some of the rows copied.
  func copy(
    from source: UnsafeMutableRawPointer, capacity sourceCapacity: Int, to target: UnsafeMutableRawPointer, capacity: Int,
    _ control: RunControl = RunControl()
  ) throws(PinionError) {
    guard rows > 0, row > 0 else { return }
    let bytes = rows &* row
    var poll = Poll(control)
    for unit in 0..<outer {
      let from = source + unit &* sourceCapacity &* row, to = target + unit &* capacity &* row
      for start in stride(from: 0, to: bytes, by: 1 << 18) {
        let count = min(1 << 18, bytes &- start)
        try poll.count(16 &+ count >> 4)
        (to + start).copyMemory(from: from + start, byteCount: count)
      }
    }
  }
}

extension TensorType {
  /// The type with another extent.
  func with(_ extent: Int, at axis: Int) throws(PinionError) -> TensorType {
    var dims = dims
    dims[axis] = extent
    return TensorType(element, try Shape(dims))
  }
}
