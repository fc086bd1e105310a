import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Keys or values in a state's memory whose sequences end where a run says, not where the cache does: see `SequenceTable`.
struct SequenceRows: Sendable {
  /// The input with the rows [batch, heads, rows, size] of earlier runs.
  let past: Int
  /// The input with the table.
  let table: Int
  let element: ElementType
  /// What comes new, in float32.
  let new: HeadTensor
  /// Writes it as the cache has it; nil where that is float32.
  private let narrow: pk_convert_fn?

  init(past: Int, table: Int, _ element: ElementType, new: HeadTensor) throws(PinionError) {
    self.past = past
    self.table = table
    self.element = element
    self.new = new
    narrow = element == .float32 ? nil : try conversion(from: .float32, to: element)
  }

  private func numbers(_ frame: KernelFrame) -> UnsafeMutablePointer<Int> {
    UnsafeMutableRawPointer(mutating: frame.rawInput(table)).assumingMemoryBound(to: Int.self)
  }

  /// Where the rows lie as attention reads them, and what it has to convert.
  func tensors(_ shape: AttentionShape, bounds: Int) throws(PinionError) -> (HeadTensor, NarrowRows?) {
    let tensor = HeadTensor.inState(.input(past), capacity: table, heads: shape.kvHeads, size: shape.headSize)
    guard element != .float32 else { return (tensor, nil) }
    return (
      tensor,
      NarrowRows(state: tensor, widen: try conversion(from: element, to: .float32), new: new, size: shape.headSize, pastRows: 0, bounds: bounds)
    )
  }

  /// The stages that write the new rows of several caches from where `bounds` says, keeping what they write over behind the last row, and
  /// copy all rows to outputs.
  /// - Parameters:
  ///   - bounds: where the scratch memory has the position of query 0 and the number of keys of each sequence.
  ///   - outputs: for each cache the output that takes a copy of all rows, if one does.
  static func stages(_ caches: [SequenceRows], _ shape: AttentionShape, bounds: Int, outputs: [Int?]) -> [Kernel.Stage] {
    let heads = shape.kvHeads, units = shape.batch &* heads, rows = shape.queries, keys = shape.keys, size = shape.headSize
    let grain = max(1, 65_536 / max(1, rows &* size))
    @Sendable func written(_ frame: KernelFrame, _ entry: Int) -> (start: Int, end: Int) {
      let start = (frame.scratch + bounds).assumingMemoryBound(to: Int.self)[2 &* entry]
      return (start, min(start &+ rows, keys))
    }
    // Everything that is about to be written over is safe before the first row is.
    let saving = Kernel.Stage.ranges(caches.count &* units, grain: grain) { (frame, range) throws(PinionError) in
      for task in range {
        let cache = caches[task / units], unit = task % units, numbers = cache.numbers(frame)
        let (start, end) = written(frame, unit / heads)
        let kept = max(0, min(end, numbers[SequenceTable.used(unit / heads)]) &- start), room = numbers[0]
        guard room >= keys &+ kept else { throw .internal("a state has room for \(room) rows, expected \(keys + kept)") }
        let row = size &* cache.element.byteWidth
        let head = UnsafeMutableRawPointer(mutating: frame.rawInput(cache.past)) + unit &* room &* row
        (head + keys &* row).copyMemory(from: head + start &* row, byteCount: kept &* row)
      }
    }
    let telling = Kernel.Stage(tasks: 1) { frame, _ in
      for cache in caches {
        let numbers = cache.numbers(frame)
        for entry in 0..<shape.batch {
          (numbers[SequenceTable.start(entry)], numbers[SequenceTable.end(entry)]) = written(frame, entry)
        }
      }
    }
    let writing = Kernel.Stage.ranges(caches.count &* units, grain: grain) { frame, range in
      for task in range {
        let cache = caches[task / units], unit = task % units, numbers = cache.numbers(frame)
        let entry = unit / heads, (start, end) = written(frame, entry), row = size &* cache.element.byteWidth
        let head = UnsafeMutableRawPointer(mutating: frame.rawInput(cache.past)) + unit &* numbers[0] &* row
        let used = numbers[SequenceTable.used(entry)]
        if used < start { (head + used &* row).initializeMemory(as: UInt8.self, repeating: 0, count: (start &- used) &* row) }
        for index in start..<max(start, end) {
          let source = cache.new.pointer(frame, Float.self, batch: entry, head: unit % heads, row: index &- start)
          if let narrow = cache.narrow {
            narrow(source, head + index &* row, size)
          } else {
            (head + index &* row).copyMemory(from: source, byteCount: row)
          }
        }
      }
    }
    var stages = [saving, telling, writing]
    for (cache, output) in zip(caches, outputs) {
      guard let output else { continue }
      stages.append(
        .ranges(units, grain: max(1, 65_536 / max(1, keys &* size))) { frame, range in
          let row = size &* cache.element.byteWidth, room = cache.numbers(frame)[0]
          for unit in range {
            let target = frame.rawOutput(output) + unit &* keys &* row, (_, end) = written(frame, unit / heads)
            target.copyMemory(from: frame.rawInput(cache.past) + unit &* room &* row, byteCount: end &* row)
            (target + end &* row).initializeMemory(as: UInt8.self, repeating: 0, count: (keys &- end) &* row)
          }
        })
    }
    return stages
  }
}
