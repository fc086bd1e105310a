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

  private struct Run: Sendable {
    let target: Int
    let source: Int
    let bytes: Int
  }

  private let outer: [[Int32]]
  private let outerExtents: [Int]
  private let inner: [Int32]
  /// The inner table as runs of neighbours, where these are long enough to be worth it.
  private let runs: [Run]?
  /// How often each element of a row comes, where that is all the inner table says.
  private let repeats: Int?
  private let run: Int
  private let rowBytes: Int
  private let sourceRowBytes: Int
  private let rows: Int
  private let width: Int

  /// - Parameters:
  ///   - tables: for each axis the source's index at each index of the target, nil where these are the same.
  init(width: Int, dims: [Int], tables: [[Int32]?]) {
    var last = tables.lastIndex { $0 != nil } ?? 0
    if dims.isEmpty { last = 0 }
    func indices(_ axis: Int) -> [Int32] { tables[axis] ?? (0..<dims[axis]).map { Int32(truncatingIfNeeded: $0) } }
    outer = dims.isEmpty ? [] : (0..<last).map(indices)
    inner = dims.isEmpty ? [0] : indices(last)
    outerExtents = Array(dims.prefix(last))
    run = dims.dropFirst(last &+ 1).reduce(width, &*)
    rowBytes = inner.count &* run
    sourceRowBytes = (dims.isEmpty ? 1 : dims[last]) &* run
    rows = outer.reduce(1) { $0 &* $1.count }
    self.width = width

    var runs: [Run] = []
    var start = 0
    while start < inner.count {
      var end = start &+ 1
      while end < inner.count, inner[start] == TableGather.outside ? inner[end] == inner[start] : inner[end] == inner[end &- 1] &+ 1 {
        end &+= 1
      }
      runs.append(Run(target: start &* run, source: Int(inner[start]) &* run, bytes: (end &- start) &* run))
      start = end
    }
    let isElement = [1, 2, 4, 8, 16].contains(run)
    let factor = dims.isEmpty || dims[last] == 0 ? 1 : inner.count / dims[last]
    let table = inner
    let isRepeated = factor > 1 && factor &* dims[last] == table.count && table.indices.allSatisfy { Int(table[$0]) == $0 / factor }
    repeats = isElement && isRepeated ? factor : nil
    let hasOutside = inner.contains(TableGather.outside)
    let isLong = rowBytes / max(runs.count, 1) >= 32 || !isElement
    self.runs = hasOutside || isLong ? runs : nil
  }

  /// - Parameter fill: an element, for tables that have an outside.
  func kernel(fill: Buffer? = nil) -> Kernel {
    guard rowBytes > 0 else { return Kernel(stages: []) }
    return .ranges(rows, grain: max((1 << 16) / rowBytes, 1)) { frame, range in
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
          target.copyMemory(from: target - rowBytes, byteCount: rowBytes)
        } else if source >= 0 {
          copyRow(target, frame.rawInput(0) + source &* sourceRowBytes, fill)
        } else if let fill {
          pk_fill(target, fill.pointer, width, rowBytes / width)
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

  private func copyRow(_ target: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, _ fill: Buffer?) {
    if let repeats {
      pk_repeat_elements(source, run, repeats, target, inner.count / repeats)
      return
    }
    guard let runs else {
      inner.withUnsafeBufferPointer { pk_take(source, $0.baseAddress, run, target, $0.count) }
      return
    }
    for run in runs {
      if run.source >= 0 {
        copyRun(target + run.target, source + run.source, run.bytes)
      } else if let fill {
        pk_fill(target + run.target, fill.pointer, width, run.bytes / width)
      }
    }
  }
}
