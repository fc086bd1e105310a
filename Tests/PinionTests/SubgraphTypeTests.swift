import Pinion
import Testing

/// Subgraphs that do not fit their nodes are refused when a model is loaded, whatever the model declares of the results.
@Suite struct SubgraphTypeTests {
  static let elements: [ElementType] = [.float32, .float16, .int64, .bool, .string]

  /// The error of loading; nil where it succeeds.
  private func refusal(_ graph: ONNX.Graph) -> PinionError? {
    do {
      _ = try load(ONNX.model(graph, opset: 21))
      return nil
    } catch { return error }
  }

  private func cast(_ from: String, _ to: String, _ element: ElementType) -> ONNX.Node { ONNX.Node("Cast", [from], [to], [("to", .int(Int64(element.rawValue)))]) }

  /// An If whose branches give these types, of which the model says nothing, the truth, or the first one's type for both.
  private func branches(_ one: ElementType, _ other: ElementType, declares: Int) -> ONNX.Graph {
    func branch(_ name: String, _ element: ElementType, _ said: ElementType) -> ONNX.Attribute {
      .graph(ONNX.Graph(nodes: [cast("x", name, element)], outputs: [name], outputTypes: declares == 0 ? [:] : [name: .tensor(said, nil)]))
    }
    return ONNX.Graph(
      nodes: [
        ONNX.Node("If", ["c"], ["y"], [("then_branch", branch("a", one, one)), ("else_branch", branch("b", other, declares == 2 ? one : other))])
      ],
      inputs: [("x", .tensor(.float32, [2])), ("c", .tensor(.bool, []))], outputs: ["y"], outputTypes: declares == 0 ? [:] : ["y": .tensor(one, nil)])
  }

  @Test(arguments: elements, elements) func branchesGiveOneElementType(_ one: ElementType, _ other: ElementType) throws {
    for declares in 0...2 {
      let error = refusal(branches(one, other, declares: declares))
      #expect((error == nil) == (one == other), "\(declares): \(error?.description ?? "loaded")")
      guard let error else { continue }
      #expect(error.code == .invalidShape && error.operatorName == "If")
      #expect(error.message == "output 0 is \(one)[...] ('a') of then_branch and \(other)[...] ('b') of else_branch")
    }
  }

  /// A tensor and a sequence have nothing in common; two sequences do if their elements do.
  @Test func branchesGiveOneKind() {
    func graph(_ one: [ONNX.Node], _ other: [ONNX.Node]) -> ONNX.Graph {
      let branch = { (nodes: [ONNX.Node]) in ONNX.Attribute.graph(ONNX.Graph(nodes: nodes, outputs: ["r"])) }
      return ONNX.Graph(
        nodes: [ONNX.Node("If", ["c"], ["y"], [("then_branch", branch(one)), ("else_branch", branch(other))])],
        inputs: [("x", .tensor(.float32, [2])), ("c", .tensor(.bool, []))], outputs: ["y"])
    }
    let tensor = [ONNX.Node("Relu", ["x"], ["r"])], sequence = [ONNX.Node("SequenceConstruct", ["x"], ["r"])]
    let integers = [cast("x", "i", .int64), ONNX.Node("SequenceConstruct", ["i"], ["r"])]
    #expect(refusal(graph(tensor, tensor)) == nil && refusal(graph(sequence, sequence)) == nil)
    #expect(refusal(graph(tensor, sequence))?.message == "output 0 is float32[...] ('r') of then_branch and seq(float32[...]) ('r') of else_branch")
    #expect(refusal(graph(integers, sequence))?.code == .invalidShape)
  }

  /// What goes in first, what the body takes and what it gives are of one element type.
  @Test(arguments: elements, elements) func loopsCarryOneElementType(_ taken: ElementType, _ given: ElementType) throws {
    let body = ONNX.Graph(
      nodes: [ONNX.Node("Identity", ["go"], ["on"]), cast("v", "w", given)],
      inputs: [("i", .tensor(.int64, [])), ("go", .tensor(.bool, [])), ("v", .tensor(taken, nil))], outputs: ["on", "w"],
      outputTypes: ["w": .tensor(.float32, nil)])
    let error = refusal(
      ONNX.Graph(
        nodes: [ONNX.Node("Loop", ["n", "", "x"], ["y"], [("body", .graph(body))])], inputs: [("x", .tensor(.float32, [2])), ("n", .tensor(.int64, []))],
        outputs: ["y"], outputTypes: ["y": .tensor(.float32, nil)]))
    #expect((error == nil) == (taken == .float32 && given == .float32), "\(error?.description ?? "loaded")")
    guard let error else { return }
    let wrong = taken == .float32 ? "\(given)[...] as the body's output ('w')" : "\(taken)[...] as the body's input ('v')"
    #expect(error.code == .invalidShape && error.operatorName == "Loop" && error.message == "carried value 0 is float32[...] at first and \(wrong)")
  }

  @Test(arguments: elements, elements) func scansCarryOneElementType(_ state: ElementType, _ item: ElementType) throws {
    let body = ONNX.Graph(
      nodes: [cast("v", "w", state), ONNX.Node("Identity", ["s"], ["r"])], inputs: [("v", .tensor(.float32, [])), ("s", .tensor(item, []))], outputs: ["w", "r"])
    let error = refusal(
      ONNX.Graph(
        nodes: [ONNX.Node("Scan", ["z", "x"], ["q", "y"], [("body", .graph(body)), ("num_scan_inputs", .int(1))])],
        inputs: [("x", .tensor(.float32, [2])), ("z", .tensor(.float32, []))], outputs: ["q", "y"]))
    #expect((error == nil) == (state == .float32 && item == .float32), "\(error?.description ?? "loaded")")
    if let error { #expect(error.code == .invalidShape && error.operatorName == "Scan") }
  }

  /// An optional that is empty at first may be filled by the body.
  @Test func optionalsMayBeFilled() {
    let sequence = ONNX.Kind.sequence(.tensor(.float32, nil))
    let body = ONNX.Graph(
      nodes: [ONNX.Node("Identity", ["go"], ["on"]), ONNX.Node("SequenceConstruct", ["x"], ["t"])],
      inputs: [("i", .tensor(.int64, [])), ("go", .tensor(.bool, [])), ("s", .optional(sequence))], outputs: ["on", "t"])
    let graph = ONNX.Graph(
      nodes: [ONNX.Node("Loop", ["n", "", "o"], ["y"], [("body", .graph(body))])],
      inputs: [("o", .optional(sequence)), ("n", .tensor(.int64, [])), ("x", .tensor(.float32, [2]))], outputs: ["y"])
    #expect(refusal(graph) == nil)
  }

  /// Types reach a subgraph through captured values, constants and graphs in graphs; the message names the innermost node.
  @Test func typesReachInnerGraphs() throws {
    let leaf = { (name: String, node: ONNX.Node) in ONNX.Attribute.graph(ONNX.Graph(nodes: [node], outputs: [name])) }
    let inner = ONNX.Graph(
      nodes: [
        ONNX.Node(
          "If", ["c"], ["r"],
          [("then_branch", leaf("a", ONNX.Node("Neg", ["h"], ["a"]))), ("else_branch", leaf("b", ONNX.Node("Identity", ["w"], ["b"])))])
      ], outputs: ["r"])
    let graph = { (weight: Tensor) in
      ONNX.Graph(
        nodes: [
          cast("x", "h", .float64),
          ONNX.Node("If", ["c"], ["y"], [("then_branch", .graph(inner)), ("else_branch", leaf("e", ONNX.Node("Identity", ["h"], ["e"])))]),
        ],
        inputs: [("x", .tensor(.float32, [1])), ("c", .tensor(.bool, []))], outputs: ["y"], initializers: [("w", weight)])
    }
    #expect(refusal(graph(try Tensor(vector: [Double(1)]))) == nil)
    let error = try #require(refusal(graph(try Tensor(vector: [Int64(1)]))))
    #expect(error.node == "r" && error.message.contains("float64[...] ('a') of then_branch and int64[...] ('b') of else_branch"))
  }

  // MARK: Element types of single nodes

  /// Before opset 28 `fmod` 0, which is the default, is for integers alone.
  @Test(arguments: [10, 13, 27, 28] as [Int64]) func remaindersOfFloats(_ opset: Int64) throws {
    for element in [ElementType.float32, .float64, .float16, .int32, .uint8] {
      for mode in [nil, 0, 1] as [Int64?] {
        let graph = ONNX.Graph(
          nodes: [cast("x", "a", element), ONNX.Node("Mod", ["a", "a"], ["y"], mode.map { [("fmod", .int($0))] } ?? [])],
          inputs: [("x", .tensor(.float32, nil))], outputs: ["y"])
        let isRight = !element.isFloatingPoint || mode == 1 || opset == 28
        do {
          _ = try load(ONNX.model(graph, opset: opset))
          #expect(isRight, "\(element), fmod \(mode ?? 0)")
        } catch {
          #expect(!isRight && error.code == .invalidModel && error.operatorName == "Mod" && error.message.contains("expected 1"), "\(error)")
        }
      }
    }
  }
}
