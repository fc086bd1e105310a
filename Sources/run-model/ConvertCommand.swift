import ArgumentParser
import Pinion

struct ConvertCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "convert",
    abstract: "Write a model as an ONNX file.",
    discussion: """
      What is written is the graph as it was loaded, before any optimisation: functions are expanded, nodes of older operator sets have
      their newest form. The file appears when it is complete.

      Examples:
        run-model convert model.pt2 model.onnx
        run-model convert old.onnx new.onnx --opset 23
        run-model convert model.onnx small.onnx --external always
      """)

  enum External: String, CaseIterable, ExpressibleByArgument {
    case auto, always, never
  }

  @OptionGroup var model: ModelOptions

  @Argument(help: ArgumentHelp("The file to write.", valueName: "output"), completion: .file(extensions: ["onnx"]))
  var output: String

  @Option(
    help: ArgumentHelp(
      "Whether weights lie in a file of their own, the output's name and .data: auto where there are more than 2 GB.", valueName: "when"))
  var external = External.auto

  @Option(
    help: ArgumentHelp("The version of ai.onnx, 21 or later; by default 21, or the model's own or a needed one where that is later.", valueName: "version"))
  var opset: Int?

  func validate() throws {
    guard output != "-" else { throw ValidationError("the output is a file, which may have another beside it; standard output is none") }
    if let opset, !(21...Int(ONNXVersions.opset.upperBound)).contains(opset) {
      throw ValidationError("--opset is \(opset); expected 21 to \(ONNXVersions.opset.upperBound)")
    }
  }

  func run() throws {
    let model = try model.load()
    var options = ONNXOptions()
    options.externalData =
      switch external {
      case .auto: .automatic
      case .always: .always
      case .never: .never
      }
    options.opset = opset.map(Int64.init)
    do throws(PinionError) {
      try model.save(output, options: options)
    } catch { throw Failure(error.code == .io ? .run : .model, error, subject: output) }
  }
}
