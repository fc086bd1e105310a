import CKernels
import PinionBackend
import PinionBase
import PinionTensor

/// A move of elements between two places with strides of their own: what Transpose, Slice, Expand, Concat and their like come to.
///
/// Axes of one element vanish, axes that lie together in both places become one, and the last two are the ones that the
/// kernel blocks.
public struct StridedCopy: Sendable {
  public struct Axis {
    let extent: Int
    /// Elements between neighbours in the source; 0 repeats one element, a negative number walks backwards.
    let from: Int
    /// Elements between neighbours in the target.
    let to: Int
    public init(_ extent: Int, from: Int, to: Int) {
      self.extent = extent
      self.from = from
      self.to = to
    }
  }

  /// Bytes from the start of the source and of the target.
  private let fromOffset: Int
  private let toOffset: Int
  private let axes: [pk_strided_axis]
  private let width: Int
  private let rowBlock: Int
  private let colBlock: Int
  private let function: pk_strided_fn?
  /// Blocks that can be moved independently.
  public let units: Int
  /// About how many bytes a unit writes.
  public let unitBytes: Int

  private static let blockBytes = 1 << 16

  /// - Parameters:
  ///   - width: bytes of an element.
  ///   - axes: outermost of the target first; offsets and strides stay inside the two tensors.
  ///   - fromOffset, toOffset: the first element.
  public init(width: Int, _ axes: [Axis], fromOffset: Int = 0, toOffset: Int = 0) {
    self.fromOffset = fromOffset &* width
    self.toOffset = toOffset &* width
    function = pk_strided_kernel(pk_isa_best())
    guard axes.allSatisfy({ $0.extent > 0 }) else {
      self.axes = []
      self.width = width
      (rowBlock, colBlock, units, unitBytes) = (1, 1, 0, 0)
      return
    }
    var (merged, width) = StridedCopy.merge(axes, width: width)
    while merged.count < 2 { merged.insert(pk_strided_axis(extent: 1, from: 0, to: 0), at: 0) }
    let row = merged.count - 2, col = merged.count - 1
    let isStraight = merged[col].from == width && merged[col].to == width
    if !isStraight, let inner = merged.dropLast().lastIndex(where: { $0.from == width }) {
      merged.insert(merged.remove(at: inner), at: row)
    }
    let rows = Int(merged[row].extent), cols = Int(merged[col].extent)
    if !isStraight && merged[row].from == width {
      // Squares for the cache, or long strips where one side is short.
      rowBlock = min(rows, cols <= 8 ? 4096 : 64)
      colBlock = min(cols, rows <= 8 ? 4096 : 64)
    } else {
      colBlock = min(cols, StridedCopy.blockBytes / width)
      rowBlock = min(rows, max(StridedCopy.blockBytes / (colBlock &* width), 1))
    }
    var units = ((rows &- 1) / rowBlock &+ 1) &* ((cols &- 1) / colBlock &+ 1)
    for axis in merged.dropLast(2) { units &*= Int(axis.extent) }
    self.axes = merged
    self.width = width
    self.units = units
    unitBytes = rowBlock &* colBlock &* width
  }

  private static func merge(_ axes: [Axis], width: Int) -> ([pk_strided_axis], Int) {
    var merged: [pk_strided_axis] = []
    for axis in axes where axis.extent != 1 {
      let next = pk_strided_axis(extent: axis.extent, from: axis.from &* width, to: axis.to &* width)
      if let last = merged.last, last.from == next.from &* axis.extent, last.to == next.to &* axis.extent {
        merged[merged.count - 1] = pk_strided_axis(extent: last.extent &* next.extent, from: next.from, to: next.to)
      } else {
        merged.append(next)
      }
    }
    // A short run that stays together moves as one wider element.
    if let last = merged.last, last.from == width, last.to == width {
      let run = width.multipliedReportingOverflow(by: Int(last.extent))
      if !run.overflow, [2, 4, 8, 16].contains(run.partialValue) {
        merged.removeLast()
        return (merged, run.partialValue)
      }
    }
    return (merged, width)
  }

  /// Moves some of the units.
  @inline(__always)
  public func run(_ range: Range<Int>, from: UnsafeRawPointer, to: UnsafeMutableRawPointer) {
    axes.withUnsafeBufferPointer { axes in
      guard let base = axes.baseAddress, let function else { return }
      function(
        base, axes.count, width, rowBlock, colBlock, from + fromOffset, to + toOffset, range.lowerBound, range.upperBound)
    }
  }
}

extension StridedCopy {
  /// The copy that fills a contiguous tensor of extents `dims` from `fromOffset` on with strides `from`, in elements.
  public init(width: Int, dims: [Int], from strides: [Int], fromOffset: Int = 0) throws(PinionError) {
    let to = try Shape(dims).strides
    self.init(
      width: width, zip(dims.indices, dims).map { Axis($1, from: strides[$0], to: to[$0]) }, fromOffset: fromOffset)
  }
}

/// A strided copy between operands of a kernel.
public struct Move: Sendable {
  public enum Source: Sendable {
    case input(Int)
    case constant(Buffer)
  }
  let source: Source
  let output: Int
  let copy: StridedCopy

  public init(_ source: Source, output: Int = 0, _ copy: StridedCopy) {
    self.source = source
    self.output = output
    self.copy = copy
  }
}

/// A stage that makes all the moves, whose targets do not overlap.
///
/// Tasks write about 128 KiB: a part of one move, or several small moves one after the other. Which they are follows from the task's
/// number, so that what is kept grows with the moves and not with what they write.
public func moveStage(_ moves: [Move]) -> Kernel.Stage {
  /// Moves that share a task, or one move that is cut into tasks of `units`.
  struct Group: Sendable {
    let moves: Range<Int>
    let firstTask: Int
    let units: Int
  }
  let taskBytes = 1 << 17
  var groups: [Group] = []
  var tasks = 0, start = 0, bytes = 0
  func close(before end: Int) {
    guard start < end else { return }
    groups.append(Group(moves: start..<end, firstTask: tasks, units: .max))
    tasks &+= 1
    start = end
    bytes = 0
  }
  for (index, move) in moves.enumerated() {
    let unitBytes = max(move.copy.unitBytes, 1), unitsOfTask = max(taskBytes / unitBytes, 1)
    if move.copy.units > unitsOfTask {
      close(before: index)
      groups.append(Group(moves: index..<index &+ 1, firstTask: tasks, units: unitsOfTask))
      tasks &+= (move.copy.units &- 1) / unitsOfTask &+ 1
      start = index &+ 1
    } else {
      bytes &+= move.copy.units &* unitBytes
      if bytes >= taskBytes { close(before: index &+ 1) }
    }
  }
  close(before: moves.count)
  let frozen = groups
  return Kernel.Stage(tasks: tasks) { frame, task in
    // The last group that begins at the task or before it.
    var low = 0, high = frozen.count &- 1
    while low < high {
      let middle = (low &+ high &+ 1) / 2
      if frozen[middle].firstTask <= task { low = middle } else { high = middle &- 1 }
    }
    let group = frozen[low]
    for index in group.moves {
      let move = moves[index]
      let first = group.units == .max ? 0 : (task &- group.firstTask) &* group.units
      let end = group.units == .max ? move.copy.units : min(first &+ group.units, move.copy.units)
      let source: UnsafeRawPointer =
        switch move.source {
        case .input(let input): frame.rawInput(input)
        case .constant(let buffer): UnsafeRawPointer(buffer.pointer)
        }
      move.copy.run(first..<end, from: source, to: frame.rawOutput(move.output))
    }
  }
}

public func moveKernel(_ moves: [Move]) -> Kernel { Kernel(stages: [moveStage(moves)]) }
public func moveKernel(_ copy: StridedCopy) -> Kernel { moveKernel([Move(.input(0), copy)]) }

/// Memory with the element of all zero bits, for any element type.
public func zeroElement() throws(PinionError) -> Buffer {
  let buffer = try Allocator.system.buffer(bytes: 16)
  buffer.pointer.initializeMemory(as: UInt8.self, repeating: 0, count: 16)
  return buffer
}
