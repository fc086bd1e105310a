import PinionGraph
import PinionOperators
import PinionTensor
import Testing

@testable import PinionPasses

@Suite struct QuantizedFusionTests {
  /// Expects the operators, and codes that differ by one at most, as rounding may.
  private func check(_ text: String, operators: [String], tolerance: Int = 1, sourceLocation: SourceLocation = #_sourceLocation) throws {
    let before = try parse(text)
    var after = before
    while try QuantizedFusion().run(&after, try passContext()) {}
    after = after.compacted()
    try after.verify()
    #expect(after.nodes.map(\.schema.qualifiedName) == operators, "\(after)", sourceLocation: sourceLocation)
    let expected = try codes(before), found = try codes(after)
    #expect(expected.count == found.count, sourceLocation: sourceLocation)
    for (a, b) in zip(expected, found) { #expect(abs(a - b) <= tolerance, sourceLocation: sourceLocation) }
  }

  private func codes(_ graph: Graph) throws -> [Int] {
    let result = try results(graph)[0].asTensor()
    return try result.elements(as: UInt8.self).map { Int($0) }
  }

  private static let constants = """
    constant %xs: float32[] [0.02]
      constant %xz: uint8[] [100]
      constant %ys: float32[] [0.05]
      constant %yz: uint8[] [0]
      constant %ws: float32[2] [0.01, 0.02]
      constant %w: int8[2,1,1,2] [50, -100, 127, -1]
      constant %b: int32[2] [1000, -500]
      constant %bs: float32[2] [0.0002, 0.0004]
      constant %f: float32[2] [0.1, -0.2]
    """

  private func convolution(_ bias: String, _ activation: String) -> String {
    """
    graph {
      input %x: uint8[1,1,3,4]
      \(Self.constants)
      %d = DequantizeLinear(%x, %xs, %xz)
      %v = DequantizeLinear(%w, %ws) {axis = 0}
      \(bias)
      %c = Conv(%d, %v, %u)
      \(activation)
      %q = QuantizeLinear(%r, %ys, %yz)
      output %q
    }
    """
  }

  @Test(arguments: ["%u = DequantizeLinear(%b, %bs) {axis = 0}", "%u = Identity(%f)", "constant %u: float32[2] [0.1, -0.2]"])
  func convolutions(_ bias: String) throws {
    let isConstant = !bias.contains("Identity")
    let relu = "%r = Relu(%c)"
    try check(
      convolution(bias, relu),
      operators: isConstant ? ["QLinearConv"] : ["DequantizeLinear", "DequantizeLinear", "Identity", "Conv", "Relu", "QuantizeLinear"])
  }

  /// A channel whose weights are nothing has a bias that no code says; it must be nothing in the result, too.
  @Test(arguments: [("1e-6", true), ("0.5", false)])
  func biasesOfDeadChannels(_ bias: String, isNothing: Bool) throws {
    let text = convolution("constant %u: float32[2] [0.1, \(bias)]", "%r = Relu(%c)").replacing("[0.01, 0.02]", with: "[0.01, 1e-23]")
    try check(
      text,
      operators: isNothing ? ["QLinearConv"] : ["DequantizeLinear", "DequantizeLinear", "Conv", "Relu", "QuantizeLinear"], tolerance: 0)
  }

  /// Relu goes only where the codes cannot say less than 0.
  @Test func activationsThatTheCodesDoNotMake() throws {
    let text = convolution("constant %u: float32[2] [0.1, -0.2]", "%r = Relu(%c)").replacing("%yz: uint8[] [0]", with: "%yz: uint8[] [7]")
    try check(text, operators: ["DequantizeLinear", "DequantizeLinear", "Conv", "Relu", "QuantizeLinear"])
  }

  @Test func movementsAndSums() throws {
    try check(
      """
      graph {
        input %x: uint8[2,3]
        \(Self.constants)
        %d = DequantizeLinear(%x, %xs, %xz)
        %t = Transpose(%d) {perm = [1, 0]}
        %q = QuantizeLinear(%t, %xs, %xz)
        output %q
      }
      """, operators: ["Transpose"], tolerance: 0)
    try check(
      """
      graph {
        input %x: uint8[2,3]
        input %z: uint8[3]
        \(Self.constants)
        %d = DequantizeLinear(%x, %xs, %xz)
        %e = DequantizeLinear(%z, %ys, %yz)
        %s = Add(%d, %e)
        %q = QuantizeLinear(%s, %ys, %yz)
        output %q
      }
      """, operators: ["com.microsoft::QLinearAdd"])
    try check(
      """
      graph {
        input %x: uint8[2,3]
        constant %m: uint8[3,2] [1, 200, 30, 4, 50, 255]
        constant %g: float32[2] [1.0, -0.5]
        \(Self.constants)
        %d = DequantizeLinear(%x, %xs, %xz)
        %e = DequantizeLinear(%m, %xs, %xz)
        %s = Gemm(%d, %e, %g)
        %q = QuantizeLinear(%s, %ys, %yz)
        output %q
      }
      """, operators: ["com.microsoft::QGemm"])
  }

  private static let weights = """
    constant %xs: float32[] [0.02]
      constant %xz: uint8[] [100]
      constant %ys: float32[] [0.05]
      constant %yz: uint8[] [60]
      constant %ws: float32[2] [0.01, 0.02]
      constant %w: int8[3,2] [50, -100, 127, -1, 3, 77]
      constant %v: int8[2,3] [50, 127, 3, -100, -1, 77]
      constant %g: float32[2] [1.0, -0.5]
    """

  /// A scale for each column of constant weights; one for each row, or for each column of weights that are not known, stays as it is.
  @Test func productsWithAScaleForEachColumn() throws {
    func product(_ axis: Int, _ weights: String) -> String {
      """
      graph {
        input %x: uint8[4,\(axis == 0 ? 2 : 3)]
        \(Self.weights)
        %d = DequantizeLinear(%x, %xs, %xz)
        %e = DequantizeLinear(\(weights), %ws) {axis = \(axis)}
        %m = MatMul(%d, %e)
        %q = QuantizeLinear(%m, %ys, %yz)
        output %q
      }
      """
    }
    try check(product(1, "%w"), operators: ["QLinearMatMul"])
    try check(product(-1, "%w"), operators: ["QLinearMatMul"])
    try check(product(0, "%v"), operators: ["DequantizeLinear", "DequantizeLinear", "MatMul", "QuantizeLinear"])
  }

  /// Products whose result stays float32, with what is added to them.
  @Test(arguments: [
    ("%e = DequantizeLinear(%w, %ws) {axis = 1}", "%m = MatMul(%d, %e)"), ("%e = DequantizeLinear(%w, %xs)", "%m = MatMul(%d, %e)"),
    ("%e = DequantizeLinear(%v, %ws) {axis = 0}", "%m = Gemm(%d, %e) {transB = 1}"),
  ])
  func productsThatStayNumbers(_ weights: String, _ product: String) throws {
    for sum in ["%y = Add(%g, %m)", "%y = Identity(%m)"] {
      let before = try parse(
        """
        graph {
          input %x: uint8[4,3]
          \(Self.weights)
          %d = DequantizeLinear(%x, %xs, %xz)
          \(weights)
          \(product)
          \(sum)
          output %y
        }
        """)
      var after = before
      while try QuantizedProducts().run(&after, try passContext()) {}
      after = after.compacted()
      try after.verify()
      let names = after.nodes.map(\.schema.name).filter { $0 != "DequantizeLinear" }
      #expect(names == (sum.contains("Add") ? ["MatMulIntegerToFloat"] : ["MatMulIntegerToFloat", "Identity"]), "\(after)")
      try expectSameResults(before, after, tolerance: 1e-5)
    }
  }

  /// A bias of Gemm goes along; what Gemm scales does not.
  @Test func gemmThatStaysNumbers() throws {
    func gemm(_ attributes: String) throws -> Graph {
      try parse(
        """
        graph {
          input %x: uint8[4,3]
          \(Self.weights)
          %d = DequantizeLinear(%x, %xs, %xz)
          %e = DequantizeLinear(%v, %ws) {axis = 0}
          %y = Gemm(%d, %e, %g) {\(attributes)}
          output %y
        }
        """)
    }
    let before = try gemm("transB = 1")
    var after = before
    while try QuantizedProducts().run(&after, try passContext()) {}
    #expect(after.compacted().nodes.contains { $0.schema.name == "MatMulIntegerToFloat" })
    try expectSameResults(before, after.compacted(), tolerance: 1e-5)
    for attributes in ["transB = 1, alpha = 0.5", "transB = 1, beta = 2.0"] {
      var graph = try gemm(attributes)
      #expect(try !QuantizedProducts().run(&graph, try passContext()))
    }
  }

  @Test func productsOfCodesMadeAtRunTime() throws {
    let text = """
      graph {
        input %x: float32[2,3]
        constant %m: uint8[3,2] [1, 200, 30, 4, 50, 255]
        constant %z: uint8[] [128]
        constant %s: float32[] [0.02]
        constant %b: float32[2] [1.0, -0.5]
        %q, %qs, %qz = DynamicQuantizeLinear(%x)
        %p = MatMulInteger(%q, %m, %qz, %z)
        %c = Cast(%p) {to = 1}
        %t = Mul(%qs, %s)
        %r = Mul(%c, %t)
        %y = Add(%b, %r)
        output %y
      }
      """
    let before = try parse(text)
    var after = before
    while try QuantizedFusion().run(&after, try passContext()) {}
    after = after.compacted()
    try after.verify()
    #expect(after.nodes.map(\.schema.name) == ["DynamicQuantizeLinear", "MatMulIntegerToFloat"])
    try expectSameResults(before, after, tolerance: 1e-5)
  }
}

/// Weights of 4 bits stay so.
@Suite struct BlockQuantizedWeightsTests {
  /// x · DequantizeLinear(codes) over [32, 6] codes.
  private func graph(_ element: ElementType, block: Int, scales: [Int], hasZero: Bool) throws -> Graph {
    let resolver = OperatorCatalog()
    var graph = Graph()
    let x = graph.addValue("x", type: .tensor(.float32, dims: [.known(7), .known(32)]))
    let y = graph.addValue("y"), w = graph.addValue("w")
    let low = element == .int4 ? -8 : 0, count = scales.reduce(1, *)
    func codes(_ dims: [Int], _ factor: Int) throws -> Tensor {
      let numbers = (0..<dims.reduce(1, *)).map { UInt8(truncatingIfNeeded: low + $0 * factor % 16) }
      let bytes = try Tensor(numbers, try Shape(dims))
      return Tensor(TensorType(element, bytes.shape), data: bytes.data, owner: bytes.owner)
    }
    var inputs: [ValueID?] = [graph.addConstant(try codes([32, 6], 7))]
    inputs.append(graph.addConstant(try Tensor((0..<count).map { 0.25 + Float($0) / 8 }, try Shape(scales))))
    if hasZero { inputs.append(graph.addConstant(try codes(scales, 5))) }
    graph.nodes = [
      try resolver.node(
        "DequantizeLinear", attributes: ["axis": .int(block > 0 ? 0 : 1), "block_size": .int(Int64(block))], inputs: inputs, outputs: [w]),
      try resolver.node("MatMul", inputs: [x, w], outputs: [y]),
    ]
    graph.inputs = [x]
    graph.outputs = [y]
    return graph
  }

  @Test(arguments: [ElementType.int4, .uint4], [(16, [2, 6]), (32, [1, 6]), (0, [6]), (0, [])]) func becomesMatMulNBits(
    element: ElementType, form: (block: Int, scales: [Int])
  ) throws {
    for hasZero in [false, true] {
      let original = try graph(element, block: form.block, scales: form.scales, hasZero: hasZero)
      var rewritten = original
      _ = try QuantizedFusion().run(&rewritten, try passContext())
      try rewritten.verify()
      rewritten = rewritten.compacted()
      #expect(rewritten.nodes.map(\.schema.name) == ["MatMulNBits"])
      #expect(rewritten.constants.values.contains { $0.element == .uint8 && $0.count == 32 * 6 / 2 })
      try expectSameResults(original, rewritten, tolerance: 1e-5)
    }
  }

  @Test func otherLayoutsStay() throws {
    for (block, scales) in [(8, [4, 6])] {
      var graph = try graph(.int4, block: block, scales: scales, hasZero: false)
      #expect(try !QuantizedFusion().run(&graph, try passContext()))
    }
  }
}
