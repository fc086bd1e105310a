import ArgumentParser
import Pinion
import RunModelInputs

struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bench",
    abstract: "Measure how long a model takes.",
    discussion: """
      Inputs that are not given are random. 'prepare' is the time of the graph's optimisations, 'plan' that of a plan for the shapes \
      alone, 'first run' includes planning and packing the weights. The percentiles are of single runs after the warm-up, one after \
      the other, each into the same memory. With --streams several threads run the session at the same time; throughput is then that \
      of all together.

      A picture whose height and width are open is not measured as a single pixel: say the extents, or --yes.

      Examples:
        run-model bench model.onnx
        run-model bench model.onnx --dim batch=8 --threads 1 --duration 10
        run-model bench model.onnx --inputs tokens.npz --json
        run-model bench model.onnx --streams 4 --threads 1 --histogram
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup(title: "Inputs") var inputs: InputOptions

  @Option(help: ArgumentHelp("Time to run before measuring.", valueName: "seconds"))
  var warmup = Seconds(tenths: 5)

  @Option(help: ArgumentHelp("Time to measure for; at least one run.", valueName: "seconds"))
  var duration = Seconds(tenths: 30)

  @Option(help: ArgumentHelp("Measure this many runs instead.", valueName: "n"))
  var runs: Int?

  @Option(help: ArgumentHelp("Run this many at the same time.", valueName: "n"))
  var streams = 1

  @Flag(help: "Print how many runs took how long.")
  var histogram = false

  @Flag(help: "Measure pictures of open height and width as 1 by 1.")
  var yes = false

  @Flag(help: "Print JSON: times in nanoseconds, memory in bytes.")
  var json = false

  @OptionGroup(title: "Session") var session: SessionArguments

  func validate() throws {
    if let runs, runs < 1 { throw ValidationError("--runs is \(runs); expected 1 or more") }
    guard (1...1024).contains(streams) else { throw ValidationError("--streams is \(streams); expected 1 to 1024") }
  }

  private struct Phases {
    var load: UInt64 = 0, prepare: UInt64 = 0, plan: UInt64?, firstRun: UInt64 = 0
  }

  func run() throws {
    var phases = Phases()
    var start = monotonicNanoseconds()
    func lap() -> UInt64 {
      let now = monotonicNanoseconds()
      defer { start = now }
      return now &- start
    }
    let model = try model.load()
    phases.load = lap()
    let session = try session.session(model)
    phases.prepare = lap()
    let resolved = try ResolvedInputs(inputs, model: model, fallback: .random(range: nil), refusesPixels: !yes)
    _ = lap()
    let planned = resolved.values.map { $0.map(PlanInput.value) }
    phases.plan = (try? session.plan(planned)).map { _ in lap() }

    var repeated = RepeatedRun(session, resolved)
    _ = lap()
    try failing(.run) { () throws(PinionError) in try repeated.first() }
    phases.firstRun = lap()
    let measured: Streams.Measured
    if streams > 1 {
      measured = try failing(.run) { () throws(PinionError) in
        var runs = [repeated]
        for _ in 1..<streams {
          var other = RepeatedRun(session, resolved)
          try other.first()
          runs.append(other)
        }
        return try Streams.measure(runs, warmup: warmup.nanoseconds, duration: duration.nanoseconds, count: self.runs)
      }
    } else {
      let latencies = try failing(.run) { () throws(PinionError) in try measure(repeated) }
      measured = Streams.Measured(latencies: latencies, passed: UInt64(latencies.total))
    }
    json ? printJSON(session, resolved, phases, measured) : printText(session, resolved, phases, measured)
  }

  private func measure(_ repeated: RepeatedRun) throws(PinionError) -> Latencies {
    var progress = ProgressLine()
    defer { progress.clear() }
    let begin = monotonicNanoseconds()
    var now = begin
    while now &- begin < warmup.nanoseconds {
      try repeated.run()
      now = monotonicNanoseconds()
      progress.show("warming up", now: now)
    }
    var times: [UInt64] = []
    times.reserveCapacity(1 << 16)
    let first = monotonicNanoseconds()
    now = first
    while true {
      try repeated.run()
      let end = monotonicNanoseconds()
      times.append(end &- now)
      if let runs, times.count >= runs { break }
      if runs == nil, end &- first >= duration.nanoseconds { break }
      progress.show("\(times.count) runs, \(fixedText(Double(end &- first) / 1e9, decimals: 1)) s", now: end)
      now = monotonicNanoseconds()
    }
    return Latencies(times)
  }

  private func printText(_ session: Session, _ resolved: ResolvedInputs, _ phases: Phases, _ measured: Streams.Measured) {
    let latencies = measured.latencies
    print("model       \(model.path)")
    print("device      cpu, \(threadText(session))")
    for (name, type, source) in resolved.descriptions { print("input       \(escaped(name))  \(type), \(source)") }
    print("load        \(timeText(Double(phases.load)))")
    print("prepare     \(timeText(Double(phases.prepare)))")
    if let plan = phases.plan { print("plan        \(timeText(Double(plan)))") }
    print("first run   \(timeText(Double(phases.firstRun)))")
    print("runs        \(latencies.count) in \(timeText(Double(measured.passed)))" + (streams > 1 ? ", \(streams) at a time" : ""))
    let figures: [(String, Double)] = [
      ("min", latencies.percentile(0)), ("median", latencies.percentile(50)), ("mean", latencies.mean), ("p90", latencies.percentile(90)),
      ("p99", latencies.percentile(99)),
    ]
    print("latency     " + figures.map { "\($0) \(timeText($1))" }.joined(separator: "  "))
    print("throughput  \(shortText(measured.runsPerSecond, digits: 5)) runs/s")
    print("memory      \(byteText(peakMemory())) at most")
    if histogram { for line in latencies.histogram.lines { print(line) } }
  }

  private func threadText(_ session: Session) -> String {
    session.runtime.pool.threads == 1 ? "1 thread" : "\(session.runtime.pool.threads) threads"
  }

  private func printJSON(_ session: Session, _ resolved: ResolvedInputs, _ phases: Phases, _ measured: Streams.Measured) {
    let latencies = measured.latencies
    let inputs = resolved.descriptions.map { name, type, source in
      JSON.object([("name", .text(name)), ("type", .text("\(type)")), ("source", .text(source))])
    }
    let report = JSON.object([
      ("model", .text(model.path)), ("device", .text("cpu")), ("threads", .integer(session.runtime.pool.threads)),
      ("optimization", .integer(session.options.optimization)), ("inputs", .list(inputs)),
      ("load_ns", .integer(Int(clamping: phases.load))),
      ("prepare_ns", .integer(Int(clamping: phases.prepare))), ("plan_ns", phases.plan.map { .integer(Int(clamping: $0)) } ?? .null),
      ("first_run_ns", .integer(Int(clamping: phases.firstRun))), ("runs", .integer(latencies.count)),
      (
        "latency_ns",
        .object([
          ("min", .number(latencies.percentile(0))), ("median", .number(latencies.percentile(50))), ("mean", .number(latencies.mean)),
          ("p50", .number(latencies.percentile(50))),
          ("p90", .number(latencies.percentile(90))), ("p99", .number(latencies.percentile(99))),
        ])
      ), ("histogram", latencies.histogram.json), ("streams", .integer(streams)), ("runs_per_second", .number(measured.runsPerSecond)),
      ("peak_bytes", .integer(peakMemory())),
    ])
    print(report.text())
  }
}
