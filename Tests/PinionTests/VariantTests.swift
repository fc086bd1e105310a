import Pinion
import Testing

/// Programs for other choices of outputs are held, counted, bounded, and given back.
@Suite struct VariantTests {
  private func model() throws -> Model {
    try load(
      ONNX.model(
        ONNX.Graph(
          nodes: (0..<4).map { ONNX.Node(["Neg", "Abs", "Exp", "Sin"][$0], ["x"], ["y\($0)"]) }, inputs: [("x", .named(.float32, ["N"]))],
          outputs: (0..<4).map { "y\($0)" }), opset: 17))
  }

  private static let choices: [[Int]] = {
    var result: [[Int]] = []
    for a in 0..<4 { for b in 0..<4 where b != a { for c in 0..<4 where c != a && c != b { result.append([a, b, c]) } } }
    return result
  }()

  @Test func choicesOfOutputsAreBounded() throws {
    let session = try session(try model(), level: 2), x = Value.tensor(try floats([1, -2, 3], [3]))
    _ = try session.run([x], wanted: [0, 1, 2, 3])
    let alone = session.program.account.bytes
    var held: [Int] = []
    for choice in Self.choices {
      let results = try session.run([x], wanted: choice)
      for (place, result) in zip(choice, results) where place < 2 {
        #expect(try result.asTensor().elements(as: Float.self) == (place == 0 ? [-1, 2, -3] : [1, 2, 3]))
      }
      held.append(session.program.account.bytes)
    }
    #expect(held[0] > alone && held[15] > held[7], "\(held)")
    #expect(held.suffix(4).allSatisfy { $0 <= held[15] }, "\(held)")
    #expect(session.trim() > 0 && session.program.account.bytes == 0)
    // What was given back is made again.
    #expect(try session.run([x], wanted: [1])[0].asTensor().elements(as: Float.self) == [1, 2, 3])
  }

  @Test func noMoreIsHeldThanTheLimit() throws {
    var options = SessionOptions()
    options.planBytes = 1 << 15
    let session = try Session(try model(), runtime: try Runtime(threads: 1), options: options)
    let x = Value.tensor(try floats([1, -2, 3], [3]))
    var most = 0
    for choice in Self.choices {
      _ = try session.run([x], wanted: choice)
      most = max(most, session.program.account.bytes)
    }
    // The last program stays in any case.
    #expect(most < 2 << 15, "\(most)")
  }
}
