import ArgumentParser
import Pinion
import RunModelInputs

struct InspectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "inspect",
    abstract: "Say what a model is: inputs, outputs, operators, weights.",
    discussion: """
      A model with operators that are not supported does not load: each such node is listed and the status is 2.

      Examples:
        run-model inspect model.onnx
        run-model inspect model.onnx --weights
        run-model inspect model.onnx --text --optimized --optimization 2
      """)

  @OptionGroup var model: ModelOptions

  @Flag(help: "Print the graph, one line a node, in the form of Documentation/GraphText.md.")
  var text = false

  @Flag(help: "Look at the graph as it runs, after the optimisations.")
  var optimized = false

  @Flag(help: "List the operators with the number of their nodes, and nothing else.")
  var operators = false

  @Flag(help: "List all weights, largest first, and nothing else.")
  var weights = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup(title: "Session, with --optimized") var session: SessionArguments

  func validate() throws {
    guard !text || !json else { throw ValidationError("--text and --json: one of them") }
  }

  func run() throws {
    let model = try model.load()
    let graph = optimized ? try session.session(model).program.graph : model.graph
    guard !text else {
      print(graph.text(), terminator: "")
      return
    }
    let summary = GraphSummary(graph)
    if json {
      print(report(model, summary).text())
    } else if operators || weights {
      if operators { printOperators(summary) }
      if weights { printWeights(summary, limit: .max) }
    } else {
      printHead(model, summary)
      print("\noperators")
      printOperators(summary)
      if !summary.weights.isEmpty {
        print("\nlargest weights")
        printWeights(summary, limit: 5)
      }
    }
  }

  private func printHead(_ model: Model, _ summary: GraphSummary) {
    let metadata = model.metadata
    print("model      \(self.model.path)")
    func line(_ title: String, _ text: String) {
      guard !text.isEmpty else { return }
      print(title + String(repeating: " ", count: max(1, 11 - title.count)) + escaped(text))
    }
    line("graph", metadata.graphName)
    line("producer", [metadata.producerName, metadata.producerVersion].filter { !$0.isEmpty }.joined(separator: " "))
    line("about", [metadata.docString, metadata.graphDocString].filter { !$0.isEmpty }.joined(separator: " "))
    line("format", "IR \(metadata.irVersion), " + opsetText(metadata))
    for (key, value) in metadata.properties { line("property", "\(key): \(value.count > 100 ? value.prefix(100) + "…" : value)") }
    print("nodes      \(summary.nodeCount)")
    let types = summary.bytesByType.map { "\($0.element) \(byteText($0.bytes))" }.joined(separator: ", ")
    print("weights    \(summary.weights.count), \(byteText(summary.bytes))" + (types.isEmpty ? "" : " (\(types))"))
    for (title, infos) in [("inputs", model.inputs), ("inputs with a default", model.overridableInputs), ("outputs", model.outputs)]
    where !infos.isEmpty {
      print("\n\(title)")
      for info in infos { print("  \(escaped(info.name))  \(info.type.map { escaped("\($0)") } ?? "of any type")") }
    }
  }

  private func opsetText(_ metadata: ModelMetadata) -> String {
    metadata.opsets.map { "\($0.domain.isEmpty ? "ai.onnx" : $0.domain) \($0.version)" }.joined(separator: ", ")
  }

  private func printOperators(_ summary: GraphSummary) {
    var table = Table([("nodes", .right), ("operator", .left)])
    for (name, count) in summary.operators { table.add([String(count), name]) }
    table.print()
  }

  private func printWeights(_ summary: GraphSummary, limit: Int) {
    var table = Table([("bytes", .right), ("type", .left), ("name", .left)])
    for weight in summary.weights.prefix(limit) { table.add([byteText(weight.type.byteCount), "\(weight.type)", escaped(weight.name)]) }
    table.print()
  }

  private func report(_ model: Model, _ summary: GraphSummary) -> JSON {
    let metadata = model.metadata
    func infos(_ infos: [ValueInfo]) -> JSON {
      .list(infos.map { .object([("name", .text($0.name)), ("type", $0.type.map { .text("\($0)") } ?? .null)]) })
    }
    return .object([
      ("path", .text(self.model.path)), ("producer", .text(metadata.producerName)), ("producer_version", .text(metadata.producerVersion)),
      ("graph", .text(metadata.graphName)), ("doc", .text(metadata.docString)), ("ir_version", .integer(Int(metadata.irVersion))),
      ("opsets", .object(metadata.opsets.map { ($0.domain.isEmpty ? "ai.onnx" : $0.domain, .integer(Int($0.version))) })),
      ("properties", .object(metadata.properties.map { ($0.key, .text($0.value)) })), ("inputs", infos(model.inputs)),
      ("inputs_with_default", infos(model.overridableInputs)), ("outputs", infos(model.outputs)), ("nodes", .integer(summary.nodeCount)),
      ("operators", .object(summary.operators.map { ($0.name, .integer($0.count)) })), ("weight_bytes", .integer(summary.bytes)),
      ("weight_bytes_by_type", .object(summary.bytesByType.map { ("\($0.element)", .integer($0.bytes)) })),
      (
        "weights",
        .list(summary.weights.map {
          .object([
            ("name", .text($0.name)), ("element", .text("\($0.type.element)")), ("dims", .list($0.type.dims.map(JSON.integer))),
            ("bytes", .integer($0.type.byteCount)),
          ])
        })
      ),
    ])
  }
}
