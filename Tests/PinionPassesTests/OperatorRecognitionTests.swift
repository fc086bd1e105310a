import PinionGraph
import PinionTensor
import Testing

@testable import PinionPasses

@Suite struct OperatorRecognitionTests {
  /// Attributes have single precision, in which 0.1 is another number; 0.25 is the same.
  @Test func doublePrecisionKeepsItsConstants() throws {
    func swish(_ factor: String) -> String {
      "graph {\n  input %x: float64[3]\n  constant %a: float64[] [\(factor)]\n  %b = Mul(%x, %a)\n  %c = Sigmoid(%b)\n  %y = Mul(%x, %c)\n  output %y\n}"
    }
    try expectNoChange(OperatorRecognition(), swish("0.1"))
    try PinionPassesTests.expect(
      OperatorRecognition(), swish("0.25"), "graph {\n  input %x: float64[3]\n  %y = Swish(%x) {alpha = 0.25}\n  output %y\n}", runs: false)
  }

  /// Expects that the statements from %x to %y become one operator, or stay if `call` is nil.
  private func expect(_ statements: String, _ call: String?, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let text = "graph {\n  input %x: float32[2,3,4]\n  \(statements)\n  output %y\n}"
    guard let call else { return try expectNoChange(OperatorRecognition(), text, sourceLocation: sourceLocation) }
    try PinionPassesTests.expect(
      OperatorRecognition(), text, "graph {\n  input %x: float32[2,3,4]\n  %y = \(call)\n  output %y\n}", tolerance: 1e-5,
      sourceLocation: sourceLocation)
  }

  private static let constants = """
    constant %r: float32[] [1.4142135]
      constant %h: float32[] [0.5]
      constant %o: float32[1] [1.0]
      constant %k: float32[] [0.044715]
      constant %q: float32[] [0.7978846]
      constant %three: float32[] [3.0]
      constant %six: float32[] [6.0]
      constant %zero: float32[] [0.0]

    """

  @Test(arguments: [
    "%a = Div(%x, %r) %e = Erf(%a) %f = Add(%e, %o) %g = Mul(%x, %f) %y = Mul(%g, %h)",
    "%a = Div(%x, %r) %e = Erf(%a) %f = Add(%o, %e) %g = Mul(%h, %x) %y = Mul(%g, %f)",
    "%a = Div(%x, %r) %e = Erf(%a) %f = Add(%o, %e) %g = Mul(%f, %h) %y = Mul(%x, %g)",
    "%a = Div(%x, %r) %e = Erf(%a) %f = Mul(%e, %h) %g = Add(%f, %h) %y = Mul(%g, %x)",
  ])
  func gelu(_ statements: String) throws { try expect(Self.constants + statements, "Gelu(%x)") }

  @Test(arguments: [
    "%a = Pow(%x, %three) %b = Mul(%k, %a) %c = Add(%x, %b) %d = Mul(%c, %q) %e = Tanh(%d) %f = Add(%e, %o) %g = Mul(%x, %f) %y = Mul(%g, %h)",
    "%a = Mul(%x, %x) %b = Mul(%a, %x) %c = Mul(%b, %k) %d = Add(%c, %x) %i = Mul(%q, %d) %e = Tanh(%i) %f = Add(%e, %o) %g = Mul(%h, %x) %y = Mul(%g, %f)",
    "%a = Mul(%x, %k) %b = Mul(%a, %x) %c = Add(%o, %b) %d = Mul(%x, %q) %i = Mul(%d, %c) %e = Tanh(%i) %f = Add(%e, %o) %g = Mul(%h, %x) %y = Mul(%g, %f)",
  ])
  func tanhGelu(_ statements: String) throws { try expect(Self.constants + statements, "Gelu(%x) {approximate = \"tanh\"}") }

  @Test func swish() throws {
    try expect("%s = Sigmoid(%x) %y = Mul(%x, %s)", "Swish(%x) {alpha = 1.0}")
    try expect(
      "constant %a: float32[] [1.702] %b = Mul(%x, %a) %s = Sigmoid(%b) %y = Mul(%s, %x)", "Swish(%x) {alpha = 1.702}")
  }

  /// One axis more than x has, which the result has too.
  @Test(arguments: [
    "constant %a: float32[1,1,1,1] [1.702] %b = Mul(%x, %a) %s = Sigmoid(%b) %y = Mul(%s, %x)",
    "constant %a: float32[1,1,1,1] [3.0] %b = Add(%x, %a) %c = Clip(%b, %zero, %six) %d = Mul(%x, %c) %y = Div(%d, %six)",
    "constant %a: float32[1,1,1,1] [1.4142135] %b = Div(%x, %a) %e = Erf(%b) %f = Add(%e, %o) %g = Mul(%x, %f) %y = Mul(%g, %h)",
    "constant %a: float32[1,1,1,1] [0.044715] %b = Pow(%x, %three) %c = Mul(%b, %a) %d = Add(%x, %c) %i = Mul(%d, %q) %e = Tanh(%i) %f = Add(%e, %o) %g = Mul(%x, %h) %y = Mul(%g, %f)",
    "constant %l: int64[1] [-1] constant %a: float32[1,1,1,1] [2.0] %m = ReduceMean(%x, %l) %d = Sub(%x, %m) %p = Pow(%d, %a) %v = ReduceMean(%p, %l) %e = Add(%v, %h) %s = Sqrt(%e) %y = Div(%d, %s)",
  ])
  func constantsThatAddAxesStay(_ statements: String) throws { try expect(Self.constants + statements, nil) }

  @Test func mish() throws { try expect("%s = Softplus(%x) %t = Tanh(%s) %y = Mul(%x, %t)", "Mish(%x)") }

  @Test(arguments: [
    "%a = Add(%x, %three) %b = Clip(%a, %zero, %six) %c = Div(%b, %six) %y = Mul(%x, %c)",
    "%a = Add(%x, %three) %b = Clip(%a, %zero, %six) %c = Mul(%x, %b) %y = Div(%c, %six)",
    "%a = HardSigmoid(%x) {alpha = 0.16666667, beta = 0.5} %y = Mul(%a, %x)",
  ])
  func hardSwish(_ statements: String) throws { try expect(Self.constants + statements, "HardSwish(%x)") }

  @Test func hardSigmoid() throws {
    try expect(
      Self.constants + "%a = Add(%x, %three) %b = Clip(%a, %zero, %six) %y = Div(%b, %six)",
      "HardSigmoid(%x) {alpha = 0.16666667, beta = 0.5}")
  }

  /// Integers divide otherwise, and where the lower bound lies above the upper one, Clip gives the upper one.
  @Test(arguments: [("int64", "3", "0", "6"), ("int32", "3", "0", "6"), ("float32", "3.0", "0.0", "-5.0")])
  func clipsThatAreOthers(_ element: String, _ offset: String, _ low: String, _ high: String) throws {
    for rest in ["%y = Div(%b, %h)", "%d = Mul(%x, %b) %y = Div(%d, %h)"] {
      try expectNoChange(
        OperatorRecognition(),
        "graph {\n  input %x: \(element)[3]\n  constant %o: \(element)[] [\(offset)] constant %l: \(element)[] [\(low)] constant %h: \(element)[] [\(high)]\n"
          + "  %a = Add(%x, %o) %b = Clip(%a, %l, %h) \(rest)\n  output %y\n}")
    }
  }

  @Test(arguments: [
    // The other factor of the product is not x.
    "%n = Neg(%x) %s = Sigmoid(%n) %t = Mul(%s, %x) %y = Mul(%t, %n)",
    "%a = Div(%x, %six) %e = Erf(%a) %f = Add(%e, %o) %g = Mul(%x, %f) %y = Mul(%g, %h)",
    "%a = Div(%x, %r) %e = Erf(%a) %f = Add(%e, %o) %y = Mul(%x, %f)",
    "%a = Add(%x, %six) %b = Clip(%a, %zero, %six) %c = Mul(%x, %b) %y = Div(%c, %six)",
  ])
  func others(_ statements: String) throws {
    let text = "graph {\n  input %x: float32[2,3,4]\n  \(Self.constants)\(statements)\n  output %y\n}"
    let before = try parse(text)
    var after = before
    while try OperatorRecognition().run(&after, try passContext()) {}
    #expect(!after.nodes.contains { ["Gelu", "HardSwish"].contains($0.schema.name) })
    try expectSameResults(before, after, tolerance: 1e-5)
  }

  private static let vectors = """
    constant %s: float32[4] [1.0, 2.0, -1.0, 0.5]
      constant %b: float32[4] [0.0, 1.0, 2.0, 3.0]
      constant %last: int64[1] [-1]
      constant %two: float32[] [2.0]
      constant %e: float32[] [1e-05]
      constant %one: float32[] [1.0]

    """

  private func expectNormalization(_ statements: String, _ call: String, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let head = "graph {\n  input %x: float32[N,?,4]\n  "
    let used = ["%s", "%b"].filter { call.contains($0) }.map { name in
      Self.vectors.split(separator: "\n").first { $0.contains("constant \(name):") } ?? ""
    }
    try PinionPassesTests.expect(
      OperatorRecognition(), "\(head)\(Self.vectors)\(statements)\n  output %y\n}",
      "\(head)\(used.joined(separator: "\n"))\n  %y = \(call)\n  output %y\n}", tolerance: 1e-5, sourceLocation: sourceLocation)
  }

  @Test(arguments: [
    "%p = Pow(%d, %two) %v = ReduceMean(%p, %last) %w = Add(%v, %e) %r = Sqrt(%w) %n = Div(%d, %r) %t = Mul(%n, %s) %y = Add(%t, %b)",
    "%p = Mul(%d, %d) %v = ReduceMean(%p, %last) %w = Add(%e, %v) %r = Sqrt(%w) %i = Reciprocal(%r) %n = Mul(%d, %i) %t = Mul(%s, %n) %y = Add(%b, %t)",
    "%p = Mul(%d, %d) %v = ReduceMean(%p, %last) %w = Add(%e, %v) %r = Sqrt(%w) %i = Div(%one, %r) %n = Mul(%i, %d) %t = Mul(%s, %n) %y = Add(%b, %t)",
  ])
  func layerNormalization(_ statements: String) throws {
    try expectNormalization(
      "%m = ReduceMean(%x, %last) %d = Sub(%x, %m) " + statements, "LayerNormalization(%x, %s, %b) {axis = -1, epsilon = 1e-05}")
  }

  @Test func rmsNormalization() throws {
    try expectNormalization(
      "%p = Pow(%x, %two) %v = ReduceMean(%p, %last) %w = Add(%v, %e) %r = Sqrt(%w) %i = Reciprocal(%r) %n = Mul(%x, %i) %y = Mul(%s, %n)",
      "RMSNormalization(%x, %s) {axis = -1, epsilon = 1e-05}")
  }

  @Test func normalizationOverOtherAxes() throws {
    let text = """
      graph {
        input %x: float32[2,3,4]
        \(Self.vectors)constant %axis: int64[1] [1]
        %m = ReduceMean(%x, %axis)
        %d = Sub(%x, %m)
        %p = Pow(%d, %two)
        %v = ReduceMean(%p, %axis)
        %w = Add(%v, %e)
        %r = Sqrt(%w)
        %n = Div(%d, %r)
        %y = Mul(%n, %s)
        output %y
      }
      """
    var graph = try parse(text)
    #expect(try !OperatorRecognition().run(&graph, try passContext()))
  }
}
