import ArgumentParser
import Pinion
import RunModelInputs

struct ProfileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile",
    abstract: "Measure which operators and nodes the time goes to.",
    discussion: """
      Inputs that are not given are random. A node that holds a graph (If, Loop, Scan) counts with all that runs inside it, and the \
      nodes inside count as well. The trace opens in chrome://tracing and ui.perfetto.dev.

      Examples:
        run-model profile model.onnx
        run-model profile model.onnx --inputs tokens.npz --runs 50 --trace trace.json
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup(title: "Inputs") var inputs: InputOptions

  @Option(help: ArgumentHelp("How many runs are summed up, after one that is not.", valueName: "n"))
  var runs = 10

  @Option(help: ArgumentHelp("How many nodes are listed.", valueName: "n"))
  var nodes = 20

  @Option(help: ArgumentHelp("Save the last run as a trace.", valueName: "file.json"))
  var trace: String?

  @Flag(help: "Print the sums by node as JSON.")
  var json = false

  @OptionGroup(title: "Session") var session: SessionArguments

  func validate() throws {
    guard runs >= 1 else { throw ValidationError("--runs is \(runs); expected 1 or more") }
    guard nodes >= 0 else { throw ValidationError("--nodes is \(nodes); expected 0 or more") }
  }

  func run() throws {
    let model = try model.load()
    let session = try session.session(model, profile: true)
    let resolved = try ResolvedInputs(inputs, model: model, fallback: .random(range: nil))
    guard let profile = session.profile else { throw Failure(.run, .internal("the session has no profile")) }
    var repeated = RepeatedRun(session, resolved)
    let elapsed = try failing(.run) { () throws(PinionError) in
      try repeated.first()
      profile.reset()
      let start = monotonicNanoseconds()
      for _ in 0..<runs { try repeated.run() }
      return monotonicNanoseconds() &- start
    }
    if let trace {
      try failing(.run) { () throws(PinionError) in
        let file = try FileWriter(path: trace)
        try file.write(Array((profile.traceJSON(JSON.quoted) + "\n").utf8))
        try file.close()
      }
    }
    json ? print(profile.summaryJSON(JSON.quoted)) : printTables(profile.sums, elapsed: Double(elapsed) / Double(runs))
  }

  private func printTables(_ sums: [Profile.Sum], elapsed: Double) {
    let total = sums.reduce(0.0) { $0 + Double($1.nanoseconds) } / Double(runs)
    print("\(timeText(elapsed)) a run, \(timeText(total)) in nodes, \(sums.count) nodes, \(runs) runs\n")

    var byOperator: [String: (calls: Int, nodes: Int, time: Double)] = [:]
    for sum in sums {
      var entry = byOperator[sum.operatorName] ?? (0, 0, 0)
      entry.calls += sum.calls
      entry.nodes += 1
      entry.time += Double(sum.nanoseconds) / Double(runs)
      byOperator[sum.operatorName] = entry
    }
    var operators = Table([("time", .right), ("share", .right), ("nodes", .right), ("calls", .right), ("operator", .left)])
    for (name, entry) in byOperator.sorted(by: { $0.value.time != $1.value.time ? $0.value.time > $1.value.time : $0.key < $1.key }) {
      let calls = shortText(Double(entry.calls) / Double(runs), digits: 6)
      operators.add([timeText(entry.time), share(entry.time, total), String(entry.nodes), calls, name])
    }
    operators.print()
    guard nodes > 0 else { return }
    print("")
    var table = Table([("time", .right), ("share", .right), ("operator", .left), ("node", .left)])
    let sorted = sums.sorted { $0.nanoseconds > $1.nanoseconds }
    for sum in sorted.prefix(nodes) {
      let time = Double(sum.nanoseconds) / Double(runs)
      table.add([timeText(time), share(time, total), sum.operatorName, escaped(sum.node)])
    }
    table.print()
    if sorted.count > nodes { print("  … \(sorted.count - nodes) more; --nodes N shows them") }
  }

  private func share(_ time: Double, _ total: Double) -> String { total > 0 ? percentText(time / total) : "" }
}
