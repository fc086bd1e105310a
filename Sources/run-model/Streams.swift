import Glibc
import Pinion

/// Threads of this process that run one session at the same time, each on its own memory.
struct Streams {
  struct Measured {
    var latencies: Latencies
    /// Nanoseconds from the first run's begin to the last one's end.
    var passed: UInt64
    var runsPerSecond: Double { Double(latencies.count) * 1e9 / max(Double(passed), 1) }
  }

  /// What a thread is given and what it leaves. One thread writes it, and the one that joins it reads.
  private final class Work: @unchecked Sendable {
    let run: RepeatedRun
    let start: UInt64
    let end: UInt64
    let runs: Int?
    var times: [UInt64] = []
    var error: PinionError?

    init(_ run: RepeatedRun, start: UInt64, end: UInt64, runs: Int?) {
      self.run = run
      self.start = start
      self.end = end
      self.runs = runs
    }

    func measure() {
      do throws(PinionError) {
        var now = monotonicNanoseconds()
        while now < start {
          try run.run()
          now = monotonicNanoseconds()
        }
        while true {
          try run.run()
          let finished = monotonicNanoseconds()
          times.append(finished &- now)
          now = finished
          if let runs { if times.count >= runs { break } } else if now >= end { break }
        }
      } catch { self.error = error }
    }
  }

  private static let startOfThread: @convention(c) (UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? = { work in
    if let work { Unmanaged<Work>.fromOpaque(work).takeRetainedValue().measure() }
    return nil
  }

  /// - Parameters:
  ///   - runs: one for each thread.
  ///   - count: runs of each thread; nil for as many as `duration` has room for.
  static func measure(_ runs: [RepeatedRun], warmup: UInt64, duration: UInt64, count: Int?) throws(PinionError) -> Measured {
    let start = monotonicNanoseconds() &+ warmup
    let works = runs.map { Work($0, start: start, end: start &+ duration, runs: count) }
    var threads: [pthread_t] = []
    for work in works {
      var thread = pthread_t()
      let passed = Unmanaged.passRetained(work).toOpaque()
      let status = pthread_create(&thread, nil, startOfThread, passed)
      guard status == 0 else {
        Unmanaged<Work>.fromOpaque(passed).release()
        for thread in threads { pthread_join(thread, nil) }
        throw .internal("no thread for another stream: error \(status)")
      }
      threads.append(thread)
    }
    for thread in threads { pthread_join(thread, nil) }
    for work in works { if let error = work.error { throw error } }
    return Measured(latencies: Latencies(works.flatMap(\.times)), passed: monotonicNanoseconds() &- start)
  }
}
