import Pinion
import Testing

/// ONNX has no sequences of sequences. They are refused where the first one would come to be, so that nothing gets deep.
@Suite struct NestingTests {
  private func run(_ graph: ONNX.Graph, _ inputs: [String: Value] = [:]) -> ErrorCode? {
    code { () throws(PinionError) in
      for level in 0...2 { _ = try session(try load(ONNX.model(graph, opset: 21)), level: level).run(inputs) }
    }
  }

  @Test func aLoopThatWrapsItsSequence() throws {
    let loop = { (nodes: [ONNX.Node]) in
      let body = ONNX.Graph(
        nodes: [ONNX.Node("Identity", ["c"], ["c2"])] + nodes,
        inputs: [("i", .tensor(.int64, [])), ("c", .tensor(.bool, [])), ("s", .sequence(.tensor(.int64, nil)))], outputs: ["c2", "s2"])
      return ONNX.Graph(
        nodes: [
          ONNX.Node("SequenceEmpty", [], ["s0"], [("dtype", .int(7))]), ONNX.Node("Loop", ["n", "", "s0"], ["y"], [("body", .graph(body))]),
          ONNX.Node("SequenceLength", ["y"], ["l"]),
        ],
        inputs: [("n", .tensor(.int64, []))], outputs: ["l"])
    }
    let n: [String: Value] = ["n": .tensor(try Tensor(scalar: Int64(100_000)))]
    // Known when the model is loaded: what the body gives is no sequence of the kind that goes in.
    #expect(run(loop([ONNX.Node("SequenceConstruct", ["s"], ["s2"])]), n) == .invalidShape)
    #expect(run(loop([ONNX.Node("SequenceInsert", ["s", "s"], ["s2"])]), n) == .invalidValue)
    // A sequence that grows is none that nests.
    #expect(run(loop([ONNX.Node("SequenceInsert", ["s", "i"], ["s2"])]), ["n": .tensor(try Tensor(scalar: Int64(10)))]) == nil)
  }

  @Test func aBodyThatMakesSequencesOfElements() throws {
    let body = ONNX.Graph(
      nodes: [ONNX.Node("SequenceConstruct", ["e"], ["q"])], inputs: [("e", .tensor(.float32, nil))], outputs: ["q"])
    let graph = ONNX.Graph(
      nodes: [
        ONNX.Node("SequenceConstruct", ["x", "x"], ["s"]), ONNX.Node("SequenceMap", ["s"], ["t"], [("body", .graph(body))]),
        ONNX.Node("SequenceLength", ["t"], ["l"]),
      ],
      inputs: [("x", .tensor(.float32, [1]))], outputs: ["l"])
    #expect(run(graph, ["x": .tensor(try floats([1], [1]))]) == .invalidValue)
  }

  @Test func optionals() throws {
    let seq = ONNX.Kind.sequence(.tensor(.float32, nil))
    func graph(_ type: ONNX.Kind) -> ONNX.Graph {
      ONNX.Graph(
        nodes: [ONNX.Node("Optional", [], ["o"], [("type", .type(type))]), ONNX.Node("OptionalHasElement", ["o"], ["h"])], outputs: ["h"])
    }
    #expect(run(graph(.tensor(.float32, nil))) == nil && run(graph(seq)) == nil)
    #expect(run(graph(.optional(seq))) == .invalidModel && run(graph(.sequence(seq))) == .invalidModel)
    let twice = ONNX.Graph(
      nodes: [
        ONNX.Node("Optional", [], ["o"], [("type", .type(seq))]), ONNX.Node("Optional", ["o"], ["p"]),
        ONNX.Node("OptionalHasElement", ["p"], ["h"]),
      ], outputs: ["h"])
    #expect(run(twice) == .invalidValue)
  }

  @Test func typesInTheFile() {
    let tensor = ONNX.Kind.tensor(.float32, nil)
    func load(_ type: ONNX.Kind) -> ErrorCode? {
      let graph = ONNX.Graph(nodes: [ONNX.Node("Identity", ["x"], ["y"])], inputs: [("x", type)], outputs: ["y"])
      return code { () throws(PinionError) in _ = try PinionTests.load(ONNX.model(graph, opset: 21)) }
    }
    for type in [tensor, .sequence(tensor), .optional(tensor), .optional(.sequence(tensor))] { #expect(load(type) == nil) }
    for type: ONNX.Kind in [
      .sequence(.sequence(tensor)), .sequence(.optional(tensor)), .optional(.optional(tensor)), .optional(.sequence(.sequence(tensor))),
      .sequence(.optional(.sequence(tensor))),
    ] { #expect(load(type) == .invalidModel) }
  }

  @Test func valuesThatACallerPutsTogether() throws {
    let x = Value.tensor(try floats([1], [1])), integer = Value.tensor(try Tensor(scalar: Int64(1)))
    let float = ValueType.tensor(.float32, dims: nil)
    let good = Value.sequence([x, x], element: float), nested = Value.sequence([good], element: .sequence(float))
    let lying = Value.sequence([good], element: float), mixed = Value.sequence([x, integer], element: float)
    let none = Value.sequence([.none(float)], element: .optional(float))
    for type in [ONNX.Kind.sequence(.tensor(.float32, nil)), .optional(.sequence(.tensor(.float32, nil)))] {
      let graph = ONNX.Graph(nodes: [ONNX.Node("Identity", ["s"], ["t"])], inputs: [("s", type)], outputs: ["t"])
      #expect(run(graph, ["s": good]) == nil)
      #expect(run(graph, ["s": .sequence([], element: float)]) == nil)
      for bad in [nested, lying, mixed, none] { #expect(run(graph, ["s": bad]) == .invalidValue) }
    }
    let graph = ONNX.Graph(
      nodes: [ONNX.Node("Identity", ["s"], ["t"])], inputs: [("s", .sequence(.tensor(.int64, nil)))], outputs: ["t"])
    #expect(run(graph, ["s": good]) == .invalidShape)
  }
}
