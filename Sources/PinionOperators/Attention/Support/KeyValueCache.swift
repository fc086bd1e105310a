import PinionBackend
import PinionBase
import PinionTensor

/// Appends new keys or values to those of earlier runs.
struct KeyValueCache: Sendable {
  let batch: Int
  let heads: Int
  let size: Int
  /// [batch, heads, pastRows, size], of which all rows are kept; nil for none.
  let past: OperandPlace?
  /// Elements before them.
  var pastStart = 0
  let pastRows: Int
  let new: HeadTensor
  let newRows: Int
  /// [batch, heads, pastRows + newRows, size].
  let target: OperandPlace
  /// Elements before them.
  var targetStart = 0

  func stage<T: BitwiseCopyable & Sendable>(_ type: T.Type) -> Kernel.Stage {
    let cache = self
    let rows = pastRows &+ newRows
    return .ranges(batch &* heads, grain: max(1, 65_536 / max(1, rows &* size))) { (frame, range) throws(PinionError) in
      for unit in range {
        let target = cache.target.pointer(frame, T.self) + cache.targetStart + unit &* rows &* cache.size
        if let past = cache.past {
          let source = past.pointer(frame, T.self) + cache.pastStart + unit &* cache.pastRows &* cache.size
          try inPieces(of: 1 << 19, cache.pastRows &* cache.size, frame.control) {
            (target + $0.lowerBound).update(from: source + $0.lowerBound, count: $0.count)
          }
        }
        let batch = unit / cache.heads, head = unit % cache.heads
        for row in 0..<cache.newRows {
          let source = cache.new.pointer(frame, T.self, batch: batch, head: head, row: row)
          (target + (cache.pastRows &+ row) &* cache.size).update(from: source, count: cache.size)
        }
      }
    }
  }
}
