import ArgumentParser
import Pinion
import RunModelInputs

struct ProfileCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "profile",
    abstract: "Measure which operators and nodes the time goes to.",
    discussion: """
      Inputs that are not given are random. A node that holds a graph (If, Loop, Scan) counts without what runs inside it, so that \
      nothing counts twice. Rates are of arithmetic operations, and of the bytes of inputs, weights and outputs; shares are of what \
      this machine gives at most, which is measured first: of arithmetic or of reading memory, whichever is nearer. Tensors that lie \
      in a cache can move faster than memory gives. The trace opens in chrome://tracing and ui.perfetto.dev.

      Examples:
        run-model profile model.onnx
        run-model profile model.onnx --inputs tokens.npz --runs 50 --trace trace.json
        run-model profile model.onnx --html profile.html
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup(title: "Inputs") var inputs: InputOptions

  @Option(help: ArgumentHelp("How many runs are summed up, after one that is not.", valueName: "n"))
  var runs = 10

  @Option(help: ArgumentHelp("How many nodes are listed.", valueName: "n"))
  var nodes = 20

  @Option(help: ArgumentHelp("Save the last run as a trace.", valueName: "file.json"))
  var trace: String?

  @Option(help: ArgumentHelp("Save a page with all nodes, a roofline and a picture of the graph.", valueName: "file.html"))
  var html: String?

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
    let report = json && html == nil ? nil : ProfileReport(
      profile, runs: runs, elapsed: Double(elapsed) / Double(runs), peak: MachinePeak(threads: session.program.threads))
    if let html, let report {
      let page = ProfilePage(report, title: self.model.path).text
      try failing(.run) { () throws(PinionError) in
        let file = try FileWriter(path: html)
        try file.write(Array(page.utf8))
        try file.close()
      }
    }
    if json { print(profile.summaryJSON(JSON.quoted)) } else if let report { report.print(nodes: nodes) }
  }
}
