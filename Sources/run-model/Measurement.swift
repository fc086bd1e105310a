import Glibc
import Pinion

/// Runs a session over and over on the same inputs, into the same memory.
struct RepeatedRun {
  private let session: Session
  private let inputs: [Value?]
  private let ownTensors: [Tensor]?
  private var outputs: [Tensor?] = []

  init(_ session: Session, _ inputs: ResolvedInputs) {
    self.session = session
    self.inputs = inputs.values
    let own = session.model.inputs.count
    let tensors = inputs.values.prefix(own).compactMap { if case .tensor(let tensor)? = $0 { tensor } else { nil } }
    // Only a run of the usual inputs and outputs goes without the checks.
    let isPlain = tensors.count == own && inputs.values.dropFirst(own).allSatisfy { $0 == nil }
    ownTensors = isPlain ? tensors : nil
  }

  /// Runs once and keeps the outputs as memory for the next runs.
  mutating func first() throws(PinionError) {
    let results = try session.run(inputs, wanted: Array(session.model.outputs.indices))
    outputs = results.map { if case .tensor(let tensor) = $0, tensor.element != .string { tensor } else { nil } }
  }

  func run() throws(PinionError) {
    if let ownTensors, outputs.allSatisfy({ $0 != nil }) {
      let ran = try session.runInPlace(
        inputs: ownTensors.count, outputs: outputs.count, input: { ownTensors[$0] }, output: { outputs[$0] }, limits: nil)
      if ran { return }
    }
    _ = try session.run(inputs, wanted: Array(session.model.outputs.indices), memory: outputs)
  }
}

/// Times of runs in nanoseconds, sorted.
struct Latencies {
  private let sorted: [UInt64]

  init(_ times: [UInt64]) { sorted = times.sorted() }

  var count: Int { sorted.count }
  var total: Double { sorted.reduce(0) { $0 + Double($1) } }
  var mean: Double { total / Double(max(count, 1)) }

  var histogram: LatencyHistogram { LatencyHistogram(sorted) }

  /// The smallest time that at least this share of the runs did not exceed (nearest rank).
  func percentile(_ percent: Double) -> Double {
    guard let last = sorted.last else { return 0 }
    let rank = Int((percent / 100 * Double(count)).rounded(.up))
    return Double(rank > count ? last : sorted[max(rank, 1) - 1])
  }
}

/// The most memory that this process has held so far, in bytes.
func peakMemory() -> Int {
  var usage = rusage()
  getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
  return usage.ru_maxrss &* 1024
}

/// A line on a terminal that is written over; nothing where standard error is no terminal.
struct ProgressLine {
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private var lastUpdate: UInt64 = 0

  mutating func show(_ text: @autoclosure () -> String, now: UInt64) {
    guard isTerminal, now &- lastUpdate > 100_000_000 else { return }
    lastUpdate = now
    writeStandardError("\r\u{1b}[K\(text())")
  }

  func clear() {
    if isTerminal { writeStandardError("\r\u{1b}[K") }
  }
}
