import ArgumentParser
import Pinion
import RunModelInputs

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Run a model once and print or save its outputs.",
    discussion: """
      Every input has to be given, but for those with a default. Open dimensions follow the inputs given as files, or are 1.

      Examples:
        run-model run mnist.onnx --input x=digit.npy
        run-model run bert.onnx --inputs tokens.npz --outputs result.npz
        run-model run resnet50.onnx --image photo.jpg --mean 0.485,0.456,0.406 --std 0.229,0.224,0.225 \\
            --fit crop --top-k 5 --softmax --labels imagenet.txt
        run-model run vad.onnx --input audio=random:-1:1 --shape audio=1x512 --input sr=16000 --input state=zeros
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup(title: "Inputs") var inputs: InputOptions

  @Option(
    name: [.customShort("o"), .long],
    help: ArgumentHelp(
      "Save an output to a .npy file, or with others of the same name to a .npz file, instead of printing it.", valueName: "name=file.npy"))
  var output: [NamedText] = []

  @Option(
    help: ArgumentHelp(
      "Save all outputs to a .npz file.", discussion: "Sequences become the arrays NAME/0, NAME/1 ..., maps NAME/keys and NAME/values.",
      valueName: "file.npz"))
  var outputs: String?

  @Option(help: ArgumentHelp("Print the largest elements of each output along its last axis that is longer than 1.", valueName: "k"))
  var topK: Int?

  @Option(help: ArgumentHelp("The classes' names for --top-k, one a line.", valueName: "file"))
  var labels: String?

  @Flag(help: "With --top-k, take outputs as logits and print probabilities.")
  var softmax = false

  @Option(help: ArgumentHelp("How many elements of a tensor are printed.", valueName: "n"))
  var printLimit = 10

  @Flag(help: "Print JSON with all elements of the outputs that are not saved.")
  var json = false

  @OptionGroup(title: "Limits") var limits: LimitOptions
  @OptionGroup(title: "Session") var session: SessionArguments

  func validate() throws {
    if let topK, topK < 1 { throw ValidationError("--top-k is \(topK); expected 1 or more") }
    guard printLimit >= 0 else { throw ValidationError("--print-limit is \(printLimit); expected 0 or more") }
    guard topK != nil || (labels == nil && !softmax) else { throw ValidationError("--labels and --softmax belong to --top-k") }
    guard topK == nil || !json else { throw ValidationError("--json has all elements and does not go with --top-k") }
  }

  func run() throws {
    let model = try model.load()
    let names = model.outputs.map(\.name)
    let files = try files(names)
    let topK = try topK.map { count in
      TopK(count: count, labels: try failing(.run) { () throws(PinionError) in try self.labels.map(TopK.labels) ?? [] }, isSoftmax: softmax)
    }
    let session = try session.session(model)
    let resolved = try ResolvedInputs(inputs, model: model, fallback: nil)
    let results = try failing(.run) { () throws(PinionError) in
      try session.run(resolved.values, wanted: Array(names.indices), limits: limits.limits)
    }
    try failing(.run) { () throws(PinionError) -> Void in
      if let outputs { try ValueFiles.saveAll(zip(names, results), to: outputs) }
      for path in Set(files.values) { try ValueFiles.save(zip(names, results).filter { files[$0.0] == path }, to: path) }
      guard !json else { return print(try report(zip(names, results), files).text()) }
      for (name, value) in zip(names, results) where files[name] == nil {
        if let topK {
          try topK.print(name, value)
        } else if outputs == nil {
          try OutputPrinter(elementLimit: printLimit).print(name, value)
        }
      }
    }
  }

  /// Where each output goes that has a file of its own, or one with others.
  private func files(_ names: [String]) throws(Failure) -> [String: String] {
    var files: [String: String] = [:]
    for output in output {
      guard let name = output.name ?? (names.count == 1 ? names.first : nil), names.contains(name) else {
        throw Failure(.usage, "the model has no output '\(output.name ?? output.text)'" + listed(names, "; it has "))
      }
      let path = output.text
      guard files[name] == nil else { throw Failure(.usage, "--output has '\(name)' twice") }
      guard path.hasSuffix(".npz") || path.hasSuffix(".npy") else {
        throw Failure(.usage, "--output \(name)=\(path): outputs are saved to .npy and .npz files")
      }
      if path.hasSuffix(".npy"), let other = files.first(where: { $0.value == path })?.key {
        throw Failure(.usage, "--output has '\(other)' and '\(name)' for \(path); a .npz file holds several")
      }
      files[name] = path
    }
    return files
  }

  private func report(_ results: some Sequence<(String, Value)>, _ files: [String: String]) throws(PinionError) -> JSON {
    var list: [JSON] = []
    for (name, value) in results {
      var entries: [(String, JSON)] = [("name", .text(name)), ("type", .text("\(value.type)"))]
      if let file = files[name] ?? outputs { entries.append(("file", .text(file))) } else { entries.append(("value", try JSON(value))) }
      list.append(.object(entries))
    }
    return .object([("model", .text(model.path)), ("outputs", .list(list))])
  }
}
