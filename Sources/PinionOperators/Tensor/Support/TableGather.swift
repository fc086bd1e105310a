import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A tensor whose elements come from the places that one table per axis names: what padding by repetition and resizing to
/// the nearest neighbour come to.
struct TableGather: Sendable {
  /// Stands in a table for the fill element.
  static let outside: Int32 = -1

  private struct Run: BitwiseCopyable, Sendable {
    let target: Int
    let source: Int
    let bytes: Int
  }

  private let outer: [KernelTable<Int32>]
  private let outerExtents: [Int]
  private let inner: KernelTable<Int32>
  /// The inner table as runs of neighbours, where these are long enough to be worth it.
  private let runs: KernelTable<Run>?
  /// The longest run of neighbours, where it is most of a row without runs.
  private let middle: Range<Int>
  /// Bytes of a row that are made at a time: rows may be longer than a task should take.
  private static let pieceBytes = 1 << 17
  /// How often each element of a row comes, where that is all the inner table says.
  private let repeats: Int?
  private let run: Int
  private let rowBytes: Int
  private let sourceRowBytes: Int
  private let rows: Int
  private let width: Int

  /// - Parameters:
  ///   - tables: for each axis the source's index at each index of the target, nil where these are the same.
  init(width: Int, dims: [Int], tables: [KernelTable<Int32>?], _ context: KernelContext) throws(PinionError) {
    var last = tables.lastIndex { $0 != nil } ?? 0
    if dims.isEmpty { last = 0 }
    func indices(_ axis: Int) throws(PinionError) -> KernelTable<Int32> {
      if let table = tables[axis] { return table }
      let table: KernelTable<Int32> = try context.table(count: dims[axis])
      try inPieces(of: Poll.interval, dims[axis], context.control) { range in
        for index in range { table[index] = Int32(truncatingIfNeeded: index) }
      }
      return table
    }
    var outer: [KernelTable<Int32>] = []
    for axis in 0..<(dims.isEmpty ? 0 : last) { outer.append(try indices(axis)) }
    self.outer = outer
    let inner = try dims.isEmpty ? context.table(count: 1) : indices(last)
    if dims.isEmpty { inner[0] = 0 }
    self.inner = inner
    outerExtents = Array(dims.prefix(last))
    run = dims.dropFirst(last &+ 1).reduce(width, &*)
    rowBytes = inner.count &* run
    sourceRowBytes = (dims.isEmpty ? 1 : dims[last]) &* run
    rows = outer.reduce(1) { $0 &* $1.count }
    self.width = width

    /// Calls `body` with the first and the last position but one of each run.
    func forEachRun(_ body: (_ start: Int, _ end: Int) -> Void) throws(PinionError) {
      var poll = Poll(context.control)
      var start = 0
      while start < inner.count {
        var end = start &+ 1
        while end < inner.count, inner[start] == TableGather.outside ? inner[end] == inner[start] : inner[end] == inner[end &- 1] &+ 1 {
          end &+= 1
        }
        try poll.count(end &- start)
        body(start, end)
        start = end
      }
    }
    var runCount = 0, hasOutside = false, longest = 0..<0
    try forEachRun { start, end in
      runCount &+= 1
      if end &- start > longest.count { longest = start..<end }
      if inner[start] == TableGather.outside { hasOutside = true }
    }
    middle = longest.count &* 2 >= inner.count && rowBytes <= TableGather.pieceBytes ? longest : 0..<0
    let isElement = [1, 2, 4, 8, 16].contains(run)
    let factor = dims.isEmpty || dims[last] == 0 ? 1 : inner.count / dims[last]
    var isRepeated = factor > 1 && factor &* dims[last] == inner.count
    var place = 0
    while isRepeated, place < inner.count {
      isRepeated = Int(inner[place]) == place / factor
      place &+= 1
    }
    repeats = isElement && isRepeated ? factor : nil
    let isLong = rowBytes / max(runCount, 1) >= 32 || !isElement
    guard hasOutside || isLong else {
      runs = nil
      return
    }
    let found: KernelTable<Run> = try context.table(count: runCount)
    let bytes = run
    var next = 0
    try forEachRun { start, end in
      found[next] = Run(target: start &* bytes, source: Int(inner[start]) &* bytes, bytes: (end &- start) &* bytes)
      next &+= 1
    }
    runs = found
  }

  /// - Parameter fill: an element, for tables that have an outside.
  func kernel(fill: Buffer? = nil) -> Kernel {
    guard rowBytes > 0 else { return Kernel(stages: []) }
    return .ranges(rows, grain: max((1 << 16) / rowBytes, 1)) { (frame, range) throws(PinionError) in
      var poll = Poll(frame.control)
      // The rows of the last outer axis follow each other; where the ones before it lie is found once for each round.
      let lines = outer.last?.count ?? 1
      var line = range.lowerBound % lines
      var base = sourceBase(range.lowerBound / lines)
      var previous = -2
      for row in range {
        if line == lines {
          line = 0
          base = sourceBase(row / lines)
        }
        let index = Int(outer.last?[line] ?? 0)
        let source = base < 0 || index < 0 ? -1 : base &+ index
        let target = frame.rawOutput(0) + row &* rowBytes
        if source >= 0, source == previous {
          try copyLongRun(target, target - rowBytes, rowBytes, &poll)
        } else if source >= 0 {
          try copyRow(target, frame.rawInput(0) + source &* sourceRowBytes, fill, &poll)
        } else if let fill {
          try inPieces(of: TableGather.pieceBytes / width, rowBytes / width, frame.control) { piece in
            pk_fill(target + piece.lowerBound &* width, fill.pointer, width, piece.count)
          }
        }
        previous = source
        line &+= 1
      }
    }
  }

  /// The first row of the source for an index of all outer axes but the last, negative for one outside.
  private func sourceBase(_ index: Int) -> Int {
    guard let extent = outerExtents.last else { return 0 }
    var rest = index, source = 0, stride = extent, axis = outer.count &- 2
    while axis >= 0 {
      let place = Int(outer[axis][rest % outer[axis].count])
      guard place >= 0 else { return -1 }
      source &+= place &* stride
      rest /= outer[axis].count
      stride &*= outerExtents[axis]
      axis &-= 1
    }
    return source
  }

  private func copyRow(
    _ target: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, _ fill: Buffer?, _ poll: inout Poll
  ) throws(PinionError) {
    let pieceBytes = TableGather.pieceBytes
    if let repeats {
      let count = inner.count / repeats, piece = max(pieceBytes / (run &* repeats), 1)
      var start = 0
      while start < count {
        let end = min(start &+ piece, count)
        pk_repeat_elements(source + start &* run, run, repeats, target + start &* run &* repeats, end &- start)
        try poll.count((end &- start) &* repeats / 4)
        start = end
      }
      return
    }
    guard let runs else {
      if !middle.isEmpty {
        let first = middle.lowerBound, end = middle.upperBound
        pk_take(source, inner.base, run, target, first)
        (target + first &* run).copyMemory(from: source + Int(inner[first]) &* run, byteCount: middle.count &* run)
        pk_take(source, inner.base + end, run, target + end &* run, inner.count &- end)
        return try poll.count(inner.count / 4)
      }
      let piece = max(pieceBytes / run, 1)
      var start = 0
      while start < inner.count {
        let end = min(start &+ piece, inner.count)
        pk_take(source, inner.base + start, run, target + start &* run, end &- start)
        try poll.count(end &- start)
        start = end
      }
      return
    }
    for run in runs.elements {
      if run.source >= 0 {
        try copyLongRun(target + run.target, source + run.source, run.bytes, &poll)
      } else if let fill {
        var start = 0
        while start < run.bytes {
          let piece = min(pieceBytes / width &* width, run.bytes &- start)
          pk_fill(target + run.target + start, fill.pointer, width, piece / width)
          try poll.count(piece / 32 &+ 1)
          start &+= piece
        }
      }
    }
  }
}
