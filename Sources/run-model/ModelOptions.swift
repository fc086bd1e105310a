import ArgumentParser
import Pinion

/// The model, and how it is made ready.
struct ModelOptions: ParsableArguments {
  @Argument(
    help: ArgumentHelp("A model: an ONNX or .pt2 file, or - for standard input.", valueName: "model"), completion: .file(extensions: ["onnx", "pt2"]))
  var path: String

  @Option(
    help: ArgumentHelp("Where the model's external data lies, if not beside the model.", valueName: "folder"), completion: .directory)
  var externalData: String?

  @Option(
    help: ArgumentHelp(
      "What becomes of new contents of buffers of a .pt2 model: 'outputs', 'state' for what a session keeps, or 'dropped'.", valueName: "choice"))
  var mutations = MutationsOption.outputs

  func load() throws(Failure) -> Model {
    try failing(.model, subject: path == "-" ? "standard input" : path) { () throws(PinionError) in
      guard path == "-" else { return try Model(path: path, externalData: externalData, mutations: mutations.mutations) }
      return try Model(try standardInput(), externalData: externalData, mutations: mutations.mutations)
    }
  }
}

enum MutationsOption: String, ExpressibleByArgument, CaseIterable {
  case outputs, state, dropped

  var mutations: Mutations {
    switch self {
    case .outputs: .outputs
    case .state: .state
    case .dropped: .dropped
    }
  }
}

struct SessionArguments: ParsableArguments {
  @Option(help: "Threads that work on a kernel; 0 for one per processor.")
  var threads = 0

  @Option(help: "Graph optimisation: 0 none, 1 what keeps every bit of the result, 2 all.")
  var optimization = 2

  @Option(help: "The device, one of those that 'run-model devices' lists.")
  var device = Device.cpu.name

  func validate() throws {
    guard (0...1024).contains(threads) else { throw ValidationError("--threads is \(threads); expected 0 to 1024") }
    guard (0...2).contains(optimization) else { throw ValidationError("--optimization is \(optimization); expected 0, 1 or 2") }
  }

  func session(_ model: Model, profile: Bool = false) throws(Failure) -> Session {
    if let reason = Device.whyNot(device), reason.code == .notFound { throw Failure(.usage, reason) }
    return try failing(.model, subject: model.path) { () throws(PinionError) in
      var options = SessionOptions()
      options.optimization = optimization
      options.device = device
      options.profile = profile
      return try Session(model, runtime: try Runtime(threads: threads), options: options)
    }
  }
}

struct LimitOptions: ParsableArguments {
  @Option(help: ArgumentHelp("Stop a run that takes longer than this.", valueName: "seconds"))
  var timeout: Seconds?

  @Option(
    help: ArgumentHelp("Stop a run that holds more memory than this besides weights and inputs, e.g. 64MB.", valueName: "bytes"))
  var byteBudget: ByteCount?

  /// Limits of a run that begins now.
  var limits: RunLimits {
    var limits = RunLimits()
    limits.deadline = timeout.map { monotonicNanoseconds() &+ $0.nanoseconds }
    limits.bytes = byteBudget?.bytes
    return limits
  }
}
