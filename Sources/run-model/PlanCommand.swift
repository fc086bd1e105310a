import ArgumentParser
import Pinion
import RunModelInputs

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Say what a run with given shapes would take, without running it.",
    discussion: """
      Shapes come from the model, --shape and --dim. Inputs whose values decide shapes can be given as for 'run'; values are looked \
      at for that only. Where a shape depends on values that only a run knows, the figures end there and a note says so.

      Examples:
        run-model plan resnet50.onnx --dim batch=8
        run-model plan model.onnx --shape x=1x3x640x640 --nodes
      """)

  @OptionGroup var model: ModelOptions
  @OptionGroup(title: "Inputs") var inputs: InputOptions

  @Flag(help: "List every node with the types of its outputs.")
  var nodes = false

  @Flag(help: "Print JSON.")
  var json = false

  @OptionGroup(title: "Session") var session: SessionArguments

  func run() throws {
    let model = try model.load()
    let session = try session.session(model)
    let planned = try PlannedInputs(inputs, model: model)
    let summary = try failing(.run) { () throws(PinionError) in try session.plan(planned.inputs) }
    json ? printJSON(model, summary, planned) : printText(model, summary, planned)
  }

  private func printText(_ model: Model, _ summary: PlanSummary, _ planned: PlannedInputs) {
    print("inputs")
    for (name, type) in planned.types { print("  \(escaped(name))  \(type)") }
    print("\noutputs")
    for (info, type) in zip(model.outputs, summary.outputs) {
      print("  \(escaped(info.name))  \(type.map { "\($0)" } ?? "known only when it has run")")
    }
    print("\npeak memory  \(byteText(summary.peakBytes))")
    print("operations   \(countText(summary.operations))")
    print("nodes        \(summary.nodes.count)")
    if nodes {
      print("")
      var table = Table([("operator", .left), ("node", .left), ("outputs", .left)])
      for node in summary.nodes {
        table.add([node.operatorName, escaped(node.name), node.outputs.map(\.description).joined(separator: ", ")])
      }
      table.print()
    }
    if !summary.isComplete { printNote("some shapes depend on values that only a run knows; what follows them is not counted") }
  }

  private func printJSON(_ model: Model, _ summary: PlanSummary, _ planned: PlannedInputs) {
    let outputs = zip(model.outputs, summary.outputs).map { info, type in (info.name, type.map { JSON.text("\($0)") } ?? .null) }
    var entries: [(String, JSON)] = [
      ("inputs", .object(planned.types.map { ($0.name, .text("\($0.type)")) })), ("outputs", .object(outputs)),
      ("complete", .flag(summary.isComplete)), ("peak_bytes", .integer(summary.peakBytes)), ("operations", .integer(summary.operations)),
      ("node_count", .integer(summary.nodes.count)),
    ]
    if nodes {
      entries.append(
        (
          "nodes",
          .list(summary.nodes.map {
            .object([
              ("name", .text($0.name)), ("operator", .text($0.operatorName)), ("outputs", .list($0.outputs.map { .text("\($0)") })),
            ])
          })
        ))
    }
    print(JSON.object(entries).text())
  }
}

/// Types, or values where the command line gives some, of a model's inputs; nothing is generated.
struct PlannedInputs {
  private(set) var inputs: [PlanInput?] = []
  private(set) var types: [(name: String, type: ValueType)] = []

  init(_ options: InputOptions, model: Model) throws(Failure) {
    var resolver = try InputResolver(options, model: model)
    try resolver.readConcrete()
    var generator = SeededGenerator(seed: options.seed)
    for (index, info) in resolver.infos.enumerated() {
      if let value = resolver.concrete[info.name] {
        append(.value(value), info, value.type)
      } else if let source = resolver.sources[info.name] {
        if case .random = source {
          let type = try resolver.type(info)
          append(.type(type), info, .tensor(type.element, dims: type.dims.map(Dimension.known)))
        } else {
          let value = try resolver.generate(source, info, &generator)
          append(.value(value), info, value.type)
        }
      } else if index >= model.inputs.count {
        inputs.append(nil)
      } else if case .optional(let content)? = info.type {
        append(.value(.none(content)), info, .optional(content))
      } else if case .sequence(let element)? = info.type {
        append(.value(.sequence([], element: element)), info, .sequence(element))
      } else {
        let type = try resolver.type(info)
        append(.type(type), info, .tensor(type.element, dims: type.dims.map(Dimension.known)))
      }
    }
    for note in resolver.notes { printNote(note) }
  }

  private mutating func append(_ input: PlanInput, _ info: ValueInfo, _ type: ValueType) {
    inputs.append(input)
    types.append((info.name, type))
  }
}
