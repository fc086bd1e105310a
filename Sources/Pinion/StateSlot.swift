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
  /// The rows in use; nil where nothing is known yet.
  var type: TensorType?
  /// `capacity` rows for each step along the axes before.
  var memory: StateMemory?
  var capacity = 0
  /// Memory of the same size, for the value to come of one that is replaced.
  var spare: StateMemory?

  var length: Int? { axis.flatMap { axis in type.map { $0.dims[axis] } } }
  var byteCount: Int { (memory?.byteCount ?? 0) &+ (spare?.byteCount ?? 0) }
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
