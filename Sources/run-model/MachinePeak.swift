import CKernels
import Pinion

/// What this machine gives one thread at most, in billions a second, and how many threads a session has.
struct MachinePeak {
  let threads: Int
  let float32: Double
  let float64: Double
  /// Of bytes; 0 where there is no instruction for it.
  let int8: Double
  /// Bytes read from memory.
  let memory: Double

  /// Measures for about a fifth of a second.
  init(threads: Int) {
    self.threads = threads
    let isa = pk_isa_best()
    func arithmetic(_ kind: pk_peak_kind) -> Double {
      MachinePeak.fastest(milliseconds: 20) { pk_peak_arithmetic(isa, kind, 20_000) }
    }
    float32 = arithmetic(PK_PEAK_F32)
    float64 = arithmetic(PK_PEAK_F64)
    int8 = arithmetic(PK_PEAK_INT8)
    let bytes = 128 << 20
    let block = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 4096)
    defer { block.deallocate() }
    block.initializeMemory(as: UInt8.self, repeating: 1, count: bytes)
    var kept: UInt64 = 0
    let rate = MachinePeak.fastest(milliseconds: 80) {
      kept |= pk_peak_read(isa, block, bytes)
      return Double(bytes)
    }
    memory = kept == 0 ? 0 : rate
  }

  /// The best rate of many calls of `work`, which says what it did.
  private static func fastest(milliseconds: UInt64, _ work: () -> Double) -> Double {
    let end = monotonicNanoseconds() &+ milliseconds &* 1_000_000
    var best = 0.0
    repeat {
      let start = monotonicNanoseconds()
      let done = work()
      best = max(best, done / Double(max(monotonicNanoseconds() &- start, 1)))
    } while monotonicNanoseconds() < end
    return best
  }

  /// Arithmetic on elements of a type, all threads together.
  func arithmetic(_ element: ElementType?) -> Double {
    let rate: Double
    switch element {
    case .float64?: rate = float64
    case .int8?, .uint8?: rate = int8 > 0 ? int8 : float32
    default: rate = float32
    }
    return rate * Double(threads)
  }
}
