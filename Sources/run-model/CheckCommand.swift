import ArgumentParser
import Pinion
import RunModelInputs

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check",
    abstract: "Compare a model's outputs with expected ones.",
    discussion: """
      An element is right where |got - expected| <= atol + rtol * |expected|; NaN equals NaN, infinities their like, and types and \
      shapes have to be the same. The status is 1 where something is wrong.

      FOLDER is laid out as ONNX's test data: test_data_set_*/input_N.pb and output_N.pb, or itself such a set.

      Examples:
        run-model check model.onnx --data path/to/case
        run-model check model.onnx --inputs x.npz --expected y.npz --rtol 1e-4
      """)

  @OptionGroup var model: ModelOptions

  @Option(help: ArgumentHelp("Inputs and expected outputs as ONNX's test data.", valueName: "folder"))
  var data: String?

  @Option(help: ArgumentHelp("Expected outputs by name; those not in the file are not looked at.", valueName: "file.npz"))
  var expected: String?

  @Option(help: ArgumentHelp("Relative tolerance.", valueName: "number"))
  var rtol = 1e-3

  @Option(help: ArgumentHelp("Absolute tolerance.", valueName: "number"))
  var atol = 1e-7

  @Flag(help: "Print JSON: for each output whether it is right, the worst errors, and how many elements are beyond the tolerances.")
  var json = false

  @OptionGroup(title: "Inputs, with --expected") var inputs: InputOptions
  @OptionGroup(title: "Limits") var limits: LimitOptions
  @OptionGroup(title: "Session") var session: SessionArguments

  func validate() throws {
    guard (data == nil) != (expected == nil) else { throw ValidationError("one of --data and --expected is needed") }
    for (name, tolerance) in [("--rtol", rtol), ("--atol", atol)] where !(tolerance >= 0) {
      throw ValidationError("\(name) is \(tolerance); expected 0 or more")
    }
  }

  func run() throws {
    let model = try model.load()
    let session = try session.session(model)
    var sets: [Verdicts] = []
    if let data {
      for folder in try TestData.folders(data) {
        let set = try TestData(folder: folder, model: model)
        sets.append(try check(session, set.inputs, set.outputs, title: folder))
      }
    } else if let expected {
      let inputs = try ResolvedInputs(inputs, model: model, fallback: nil)
      let outputs = try TestData.outputs(archive: expected, model: model)
      sets.append(try check(session, inputs.values, outputs, title: nil))
    }
    let isRight = sets.allSatisfy(\.isRight)
    if json {
      let report = JSON.object([
        ("model", .text(self.model.path)), ("right", .flag(isRight)), ("rtol", .number(rtol)), ("atol", .number(atol)),
        ("sets", .list(sets.map(\.report))),
      ])
      print(report.text())
    }
    if !isRight { throw ExitCode(Failure.Status.mismatch.rawValue) }
  }

  private func check(
    _ session: Session, _ inputs: [Value?], _ expected: [(index: Int, value: Value)], title: String?
  ) throws(Failure) -> Verdicts {
    let wanted = expected.map(\.index)
    let results = try failing(.run, subject: title) { () throws(PinionError) in
      try session.run(inputs, wanted: wanted, limits: limits.limits)
    }
    if let title, !json { print(title) }
    let tolerance = Tolerance(rtol: rtol, atol: atol)
    var verdicts = Verdicts(folder: title)
    for (result, expected) in zip(results, expected) {
      let name = session.model.outputs[expected.index].name
      let verdict = try failing(.run, subject: "output '\(name)'") { () throws(PinionError) in
        try Comparison(result, expected.value, tolerance)
      }
      if !json { print("  \(verdict.isRight ? "ok   " : "WRONG")  \(escaped(name))  \(verdict.text)") }
      verdicts.outputs.append((name, verdict))
    }
    return verdicts
  }

  /// What was found of one set of inputs.
  private struct Verdicts {
    let folder: String?
    var outputs: [(name: String, verdict: Comparison)] = []

    init(folder: String?) { self.folder = folder }

    var isRight: Bool { outputs.allSatisfy(\.verdict.isRight) }

    var report: JSON {
      .object([
        ("folder", folder.map(JSON.text) ?? .null), ("right", .flag(isRight)),
        (
          "outputs",
          .list(outputs.map { name, verdict in
            .object([
              ("name", .text(name)), ("right", .flag(verdict.isRight)), ("worst_error", verdict.worst.map(JSON.bounded) ?? .null),
              ("worst_relative_error", verdict.relative.map(JSON.bounded) ?? .null), ("beyond_tolerance", .integer(verdict.wrong)),
              ("text", .text(verdict.text)),
            ])
          })
        ),
      ])
    }
  }
}
