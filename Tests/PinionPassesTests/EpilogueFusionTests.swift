import PinionGraph
import PinionTensor
import Testing

@testable import PinionPasses

@Suite struct EpilogueFusionTests {
  /// Replaces the one-element constants %w, %b ... by tensors of random numbers of the given extents.
  private func graph(_ text: String, _ weights: [(String, [Int])]) throws -> Graph {
    var graph = try parse(text)
    var generator = Generator()
    for (name, dims) in weights {
      let id = try #require(graph.constants.keys.first { graph[$0].name == name })
      graph[id].type = .tensor(.float32, dims: dims.map(Dimension.known))
      graph.constants[id] = try generator.value(graph[id].type).asTensor()
    }
    return graph
  }

  private func check(
    _ text: String, _ weights: [(String, [Int])] = [], operators: [String], sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let before = try graph(text, weights)
    var after = before
    while try EpilogueFusion().run(&after, try passContext()) {}
    after = after.compacted()
    try after.verify()
    #expect(after.nodes.map(\.schema.qualifiedName) == operators, "\(after)", sourceLocation: sourceLocation)
    try expectSameResults(before, after, tolerance: 1e-4, sourceLocation: sourceLocation)
  }

  private static let weights = [("w", [8, 4, 3, 3]), ("b", [8])]

  private func conv(_ rest: String, input: String = "float32[2,4,6,6]") -> String {
    """
    graph {
      input %x: \(input)
      constant %w: float32[1] [0.0]
      constant %b: float32[1] [0.0]
      %c = Conv(%x, %w, %b) {pads = [1, 1, 1, 1]}
      \(rest)
      output %y
    }
    """
  }

  @Test(arguments: [
    "Relu(%c)", "LeakyRelu(%c) {alpha = 0.2}", "Sigmoid(%c)", "Tanh(%c)", "HardSigmoid(%c) {alpha = 0.3, beta = 0.4}", "HardSwish(%c)",
    "Swish(%c) {alpha = 1.5}", "Gelu(%c)", "Gelu(%c) {approximate = \"tanh\"}", "Clip(%c, %lo, %hi)", "Clip(%c, _, %hi)",
  ])
  func activations(_ activation: String) throws {
    let bounds = "constant %lo: float32[] [-0.5]\n  constant %hi: float32[] [1.5]\n"
    try check(conv("\(bounds)  %y = \(activation)"), Self.weights, operators: ["pinion::FusedConv"])
  }

  @Test func onlyWhatIsReadOnce() throws {
    try check(conv("%r = Relu(%c)\n  %y = Add(%r, %c)"), Self.weights, operators: ["Conv", "Relu", "Add"])
    try check(conv("%y = Relu(%c)\n  output %c"), Self.weights, operators: ["Conv", "Relu"])
    // A bound that a run decides stays outside.
    try check(conv("input %hi: float32[]\n  %y = Clip(%c, _, %hi)"), Self.weights, operators: ["Conv", "Clip"])
  }

  /// Sums of branches over one tensor, of kernels of other extents and of the tensor itself scaled, are one convolution.
  @Test func branches() throws {
    func net(_ rest: String, group: Int = 1, dilation: Int = 1) -> String {
      """
      graph {
        input %x: float32[2,4,7,6]
        constant %w: float32[1] [0.0]
        constant %v: float32[1] [0.0]
        constant %b: float32[1] [0.0]
        constant %s: float32[4] [1.0, -0.5, 0.25, 2.0]
        constant %m: float32[4] [0.5, 0.0, 1.0, -1.0]
        constant %u: float32[4] [1.0, 4.0, 0.25, 2.0]
        %c = Conv(%x, %w) {group = \(group), pads = [\(dilation), \(dilation), \(dilation), \(dilation)], dilations = [\(dilation), \(dilation)]}
        \(rest)
        output %y
      }
      """
    }
    let constants = [("w", [4, 4, 3, 3]), ("v", [4, 4, 1, 1]), ("b", [4])], scaled = "%n = BatchNormalization(%x, %s, %m, %m, %u)"
    try check(net("%d = Conv(%x, %v, %b)\n  %y = Add(%d, %c)"), constants, operators: ["Conv"])
    try check(net("%d = Conv(%x, %v, %b)\n  \(scaled)\n  %e = Add(%n, %d)\n  %a = Add(%e, %c)\n  %y = Relu(%a)"), constants, operators: ["pinion::FusedConv"])
    for group in [2, 4] {
      let grouped = [("w", [4, 4 / group, 3, 3]), ("v", [4, 4 / group, 1, 3]), ("b", [4])]
      try check(
        net("%d = Conv(%x, %v, %b) {group = \(group), pads = [0, 2, 0, 2], dilations = [1, 2]}\n  \(scaled)\n  %e = Add(%c, %d)\n  %y = Add(%e, %n)", group: group, dilation: 2),
        grouped, operators: ["Conv"])
    }
    // A kernel that reads elsewhere, one of other groups, and one with other steps stay apart.
    let apart = [("w", [4, 4, 3, 3]), ("v", [4, 4, 2, 2]), ("b", [4])]
    try check(net("%d = Conv(%x, %v) {pads = [0, 0, 1, 1]}\n  %y = Add(%d, %c)"), apart, operators: ["Conv"])
    try check(net("%d = Conv(%x, %v) {pads = [1, 1, 1, 1], dilations = [2, 2]}\n  %y = Add(%d, %c)"), apart, operators: ["Conv", "pinion::FusedConv"])
    try check(
      net("%d = Conv(%x, %v) {group = 4}\n  %y = Add(%d, %c)"), [("w", [4, 4, 3, 3]), ("v", [4, 1, 1, 1]), ("b", [4])],
      operators: ["Conv", "pinion::FusedConv"])
  }

  @Test func residuals() throws {
    for activation in ["%y = Relu(%a)", "%y = Identity(%a)"] {
      let last = activation.contains("Identity") ? ["Identity"] : []
      try check(
        conv("input %z: float32[2,8,6,6]\n  %n = Neg(%z)\n  %a = Add(%n, %c)\n  \(activation)"), Self.weights,
        operators: ["Neg", "pinion::FusedConv"] + last)
    }
    // A residual that broadcasts.
    try check(
      conv("input %z: float32[1,8,6,6]\n  %n = Neg(%z)\n  %a = Add(%n, %c)\n  %y = Relu(%a)"), Self.weights,
      operators: ["Conv", "Neg", "Add", "Relu"])
    // The residual is the convolution's own input, and is read by nobody afterwards.
    let text = """
      graph {
        input %x: float32[N,4,8,8]
        constant %w: float32[1] [0.0]
        constant %v: float32[1] [0.0]
        %r = Relu(%x)
        %c = Conv(%r, %w) {pads = [1, 1, 1, 1]}
        %d = Relu(%c)
        %e = Conv(%d, %v) {pads = [1, 1, 1, 1]}
        %f = Add(%e, %r)
        %g = Relu(%f)
        output %g
      }
      """
    try check(
      text, [("w", [4, 4, 3, 3]), ("v", [4, 4, 3, 3])], operators: ["Relu", "pinion::FusedConv", "pinion::FusedConv"])
    try check(
      text.replacing("[1, 1, 1, 1]", with: "[0, 0, 0, 0]"), [("w", [4, 4, 1, 1]), ("v", [4, 4, 1, 1])],
      operators: ["Relu", "pinion::FusedConv", "pinion::FusedConv"])
    try check(
      text.replacing("float32[N,4,8,8]", with: "float32[N,64,14,14]"), [("w", [64, 64, 3, 3]), ("v", [64, 64, 3, 3])],
      operators: ["Relu", "pinion::FusedConv", "pinion::FusedConv"])
  }

  @Test func channelsAreScaledAndShiftedInTheWeights() throws {
    let normalization = """
      constant %s: float32[8] [1.0, 2.0, -1.0, 0.5, 1.0, 1.5, 0.1, 1.0]
        constant %t: float32[8] [0.0, 1.0, 2.0, 3.0, -1.0, -2.0, 0.5, 0.0]
        constant %m: float32[8] [0.5, 0.0, 1.0, -1.0, 0.0, 0.2, 0.3, 0.4]
        constant %v: float32[8] [1.0, 4.0, 0.25, 2.0, 1.0, 0.5, 0.0, 9.0]
        %y = BatchNormalization(%c, %s, %t, %m, %v) {epsilon = 0.01}
      """
    try check(conv(normalization), Self.weights, operators: ["Conv"])
    try check(
      conv(normalization).replacing("Conv(%x, %w, %b) {", with: "ConvTranspose(%x, %w) {group = 2, "), [("w", [4, 4, 3, 3])],
      operators: ["ConvTranspose"])
    let column = "constant %k: float32[8,1,1] [1.0, 2.0, -1.0, 0.5, 1.0, 1.5, 0.1, 1.0]\n  "
    for operation in ["Mul(%c, %k)", "Div(%c, %k)", "Add(%k, %c)", "Sub(%c, %k)", "Sub(%k, %c)"] {
      try check(conv(column + "%y = " + operation), Self.weights, operators: ["Conv"])
    }
    // More axes than the convolution has.
    let deeper = """
      constant %s: int64[5] [2, 8, 2, 3, 6]
        constant %k: float32[2,3,1] [1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
        %d = Reshape(%c, %s)
        %y = Mul(%d, %k)
      """
    try check(conv(deeper), Self.weights, operators: ["Conv", "Reshape", "Mul"])
  }

  private func product(_ rest: String, _ input: String = "float32[2,3,4]") -> String {
    """
    graph {
      input %x: \(input)
      constant %w: float32[1] [0.0]
      constant %b: float32[1] [0.0]
      %c = MatMul(%x, %w)
      \(rest)
      output %y
    }
    """
  }

  @Test func products() throws {
    let weights = [("w", [4, 5]), ("b", [5])]
    try check(product("%y = Add(%b, %c)"), weights, operators: ["pinion::FusedMatMul"])
    try check(product("%a = Add(%c, %b)\n  %y = Gelu(%a)"), weights, operators: ["pinion::FusedMatMul"])
    try check(product("%a = Add(%c, %b)\n  %y = Gelu(%a)", "float32[4]"), weights, operators: ["pinion::FusedMatMul"])
    try check(product("%y = Relu(%c)"), weights, operators: ["pinion::FusedMatMul"])
    try check(product("constant %k: float32[] [0.25]\n  %y = Mul(%k, %c)"), weights, operators: ["MatMul"])
    try check(product("%y = Div(%c, %b)"), weights, operators: ["MatMul"])
    // A bias that adds an axis, and one that is no vector.
    try check(product("%y = Add(%c, %b)", "float32[4]"), [("w", [4, 5]), ("b", [1, 5])], operators: ["MatMul", "Add"])
    try check(product("%y = Add(%c, %b)", "float32[3,4]"), [("w", [4, 5]), ("b", [3, 5])], operators: ["MatMul", "Add"])
    try check(
      """
      graph {
        input %q: float32[2,3,4,5]
        input %k: float32[2,3,6,5]
        constant %s: float32[1] [2.0]
        %t = Transpose(%k) {perm = [0, 1, 3, 2]}
        %p = MatMul(%q, %t)
        %y = Div(%p, %s)
        output %y
      }
      """, operators: ["pinion::FusedMatMul"])
    try check(
      """
      graph {
        input %a: float32[3,4]
        input %b: float32[3,5]
        constant %c: float32[5] [1.0, 2.0, 3.0, 4.0, 5.0]
        %p = Gemm(%a, %b, %c) {alpha = 0.5, beta = 2.0, transA = 1}
        %y = Relu(%p)
        output %y
      }
      """, operators: ["pinion::FusedGemm"])
  }
}
