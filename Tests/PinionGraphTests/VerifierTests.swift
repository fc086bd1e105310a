import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct VerifierTests {
  private let text = """
    graph {
      input %x
      constant %c: float32[1] [1.0]
      %y = test.domain::Any(%x) {body = graph {
        capture %u = %x
        output %u
      }}
      %z = test.domain::Any(%y, %c)
      output %z
    }
    """

  private func expectError(_ message: String, _ change: (inout Graph) -> Void) throws {
    var graph = try parse(text)
    try graph.verify()
    change(&graph)
    do {
      try graph.verify()
      Issue.record("no error, expected '\(message)'")
    } catch {
      #expect(error.code == .invalidModel)
      #expect(error.message.contains(message), "\(error.message)")
    }
  }

  @Test func findsValuesOutOfRange() throws {
    let outside = ValueID(index: 99), negative = ValueID(index: -1)
    try expectError("input is value 99 of 4") { $0.inputs.append(outside) }
    try expectError("output is value 99 of 4") { $0.outputs.append(outside) }
    try expectError("output is value -1 of 4") { $0.outputs.append(negative) }
    try expectError("input is value 99 of 4") { $0.nodes[1].inputs[0] = outside }
    try expectError("output is value 99 of 4") { $0.nodes[1].outputs[0] = outside }
  }

  @Test func findsValuesDefinedTwiceOrNever() throws {
    try expectError("is defined already") { $0.inputs.append($0.inputs[0]) }
    try expectError("is defined already") { $0.nodes[1].outputs[0] = $0.nodes[0].outputs[0] }
    try expectError("is defined already") { $0.nodes[1].outputs[0] = $0.inputs[0] }
    try expectError("output 'z' is not computed") { $0.nodes.removeLast() }
    try expectError("used before it is defined") { $0.constants = [:] }
    try expectError("used before it is defined") { $0.inputs = [] }
  }

  @Test func findsWrongOrder() throws {
    try expectError("'y' is used before it is defined") { $0.nodes.reverse() }
  }

  @Test func findsInconsistentCaptures() throws {
    try expectError("is input 0 of its owner") { $0.nodes[0].subgraphs[0].captures[0].input = 0 }
    try expectError("is input 5 of its owner") { $0.nodes[0].subgraphs[0].captures[0].input = 5 }
    try expectError("2 inputs, 3 of them its own") { $0.nodes[0].formalInputCount = 3 }
    try expectError("without subgraphs captures") { $0.nodes[1].formalInputCount = 1 }
    try expectError("'body' is subgraph 0 of 0") {
      $0.nodes[0].subgraphs = []
      $0.nodes[0].formalInputCount = 2
    }
    try expectError("captured value is absent") { $0.nodes[0].inputs[1] = nil }
    try expectError("has no owner") { graph in
      let value = graph.addValue("v")
      graph.captures.append(Capture(inner: value, input: 0))
    }
  }

  @Test func findsWrongConstants() throws {
    let other = try Tensor(scalar: Int64(1))
    try expectError("declared as float32") { graph in
      for key in graph.constants.keys { graph.constants[key] = other }
    }
  }
}
