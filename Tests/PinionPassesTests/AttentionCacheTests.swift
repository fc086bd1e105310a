import PinionGraph
import PinionOperators
import PinionTensor
import Testing

@testable import PinionPasses

/// Runs the recognition until it changes nothing more.
private func recognised(_ text: String, sourceLocation: SourceLocation = #_sourceLocation) throws -> Graph {
  let before = try parse(text)
  var after = before
  while try OperatorRecognition().run(&after, try passContext()) {}
  after = after.compacted()
  try after.verify()
  try expectSameResults(before, after, tolerance: 1e-4, sourceLocation: sourceLocation)
  return after
}

extension Graph {
  fileprivate var operators: [String] { nodes.map(\.schema.qualifiedName) }
  fileprivate var attention: Node? { nodes.first { $0.schema.name == "Attention" } }
}

@Suite struct SharedHeadsTests {
  /// Keys of two heads of 8 and values of two heads of 5, each repeated for three query heads.
  private func text(
    axis: Int = 2, keys: String = "%b, %c2, %c3, %t, %c8", values: String = "%b, %c2, %c3, %t, %c5", valueHeads: Int = 2
  ) -> String {
    """
    graph {
      input %q: float32[B,6,S,8]
      input %k: float32[B,2,T,8]
      input %v: float32[B,\(valueHeads),T,5]
      constant %axis: int64[1] [\(axis)]
      constant %vaxis: int64[1] [2]
      constant %c2: int64[1] [2]
      constant %c3: int64[1] [3]
      constant %c5: int64[1] [5]
      constant %c6: int64[1] [6]
      constant %c8: int64[1] [8]
      constant %scale: float32[] [0.5]
      %b = Shape(%k) {start = 0, end = 1}
      %t = Shape(%k) {start = 2, end = 3}
      %kshape = Concat(\(keys)) {axis = 0}
      %vshape = Concat(\(values)) {axis = 0}
      %kmerged = Concat(%b, %c6, %t, %c8) {axis = 0}
      %vmerged = Concat(%b, %c6, %t, %c5) {axis = 0}
      %ku = Unsqueeze(%k, %axis)
      %ke = Expand(%ku, %kshape)
      %k6 = Reshape(%ke, %kmerged)
      %vu = Unsqueeze(%v, %vaxis)
      %ve = Expand(%vu, %vshape)
      %v6 = Reshape(%ve, %vmerged)
      %kt = Transpose(%k6) {perm = [0, 1, 3, 2]}
      %ks = Mul(%kt, %scale)
      %qs = Mul(%q, %scale)
      %m = MatMul(%qs, %ks)
      %p = Softmax(%m)
      %y = MatMul(%p, %v6)
      output %y
    }
    """
  }

  @Test func repeatedHeadsAreTakenOnce() throws {
    let graph = try recognised(text())
    #expect(graph.operators == ["Attention"], "\(graph)")
    #expect(graph.attention?.attributes["scale"] == .float(0.25))
  }

  @Test func headsInAnotherOrderStay() throws {
    let graph = try recognised(text(axis: 1, keys: "%b, %c3, %c2, %t, %c8"))
    #expect(graph.operators.filter { $0 == "Expand" }.count == 2, "\(graph)")
  }

  @Test func otherGroupsOfValuesStay() throws {
    let graph = try recognised(text(values: "%b, %c3, %c2, %t, %c5", valueHeads: 3))
    #expect(graph.operators.filter { $0 == "Expand" }.count == 2, "\(graph)")
  }
}

@Suite struct AttentionOverPastTests {
  private func text(
    axis: Int = -2, pastValue: String = "float32[B,3,P,5]", value: String = "float32[B,3,S,5]", more: String = ""
  ) -> String {
    """
    graph {
      input %q: float32[B,3,S,8]
      input %pk: float32[B,3,P,8]
      input %k: float32[B,3,S,8]
      input %pv: \(pastValue)
      input %v: \(value)
      %keys = Concat(%pk, %k) {axis = \(axis)}
      %values = Concat(%pv, %v) {axis = \(axis)}
      %t = Transpose(%keys) {perm = [0, 1, 3, 2]}
      %m = MatMul(%q, %t)
      %p = Softmax(%m)
      %y = MatMul(%p, %values)
      output %y
      output %keys
      \(more)
    }
    """
  }

  @Test func pastAndNewAreOneNode() throws {
    let both = try recognised(text(more: "output %values"))
    #expect(both.operators == ["Attention"], "\(both)")
    #expect(both.attention?.inputs.count == 6 && both.attention?.outputs.count == 3, "\(both)")
    let keys = try recognised(text(axis: 2))
    #expect(keys.operators == ["Attention"], "\(keys)")
    #expect(keys.attention?.outputs.count == 2, "\(keys)")
  }

  @Test func othersStay() throws {
    // Somebody else reads the values.
    let read = try recognised(text().replacing("%t = Tr", with: "%z = Neg(%values)\n%t = Tr").replacing("output %keys", with: "output %z"))
    #expect(read.operators.filter { $0 == "Concat" }.count == 2, "\(read)")
    // Pasts whose lengths are not known to be the same.
    let lengths = try recognised(text(pastValue: "float32[B,3,R,5]"))
    #expect(lengths.operators.filter { $0 == "Concat" }.count == 2, "\(lengths)")
    // Heads put together.
    let heads = try recognised(text(axis: 1).replacing("%q: float32[B,3,", with: "%q: float32[B,6,"))
    #expect(heads.operators.filter { $0 == "Concat" }.count == 2, "\(heads)")
  }
}

@Suite struct CausalMaskTests {
  /// Attention under a mask over the positions of past and new keys.
  private func text(
    _ scores: String, queries: String = "%qs = Add(%qr, %p)", order: String = "%le = LessOrEqual(%ku, %qu)", hidden: String = "-inf"
  ) -> String {
    """
    graph {
      input %q: float32[B,3,S,8]
      input %pk: float32[B,3,P,8]
      input %k: float32[B,3,S,8]
      input %pv: float32[B,3,P,5]
      input %v: float32[B,3,S,5]
      input %attended: bool[B,9]
      input %biases: float32[3,9]
      input %column: bool[B,1,1,1]
      constant %i0: int64[] [0]
      constant %i1: int64[] [1]
      constant %none: float32[] [0.0]
      constant %hidden: float32[] [\(hidden)]
      constant %a12: int64[2] [1, 2]
      constant %a02: int64[2] [0, 2]
      constant %a012: int64[3] [0, 1, 2]
      constant %a013: int64[3] [0, 1, 3]
      %p1 = Shape(%pk) {start = 2, end = 3}
      %p = Squeeze(%p1)
      %s1 = Shape(%q) {start = 2, end = 3}
      %s = Squeeze(%s1)
      %all = Add(%s, %p)
      %kr = Range(%i0, %all, %i1)
      %qr = Range(%i0, %s, %i1)
      \(queries)
      %ku = Unsqueeze(%kr, %a012)
      %qu = Unsqueeze(%qs, %a013)
      \(order)
      %pad1 = Gather(%attended, %kr) {axis = 1}
      %pad = Unsqueeze(%pad1, %a12)
      %bias1 = Gather(%biases, %kr) {axis = 1}
      %bias = Unsqueeze(%bias1, %a02)
      %keys = Concat(%pk, %k) {axis = 2}
      %values = Concat(%pv, %v) {axis = 2}
      %t = Transpose(%keys) {perm = [0, 1, 3, 2]}
      %m = MatMul(%q, %t)
      \(scores)
      %y = MatMul(%w, %values)
      output %y
    }
    """
  }

  private static let guarded = "%a = Add(%m, %mask) %x = Softmax(%a) %n = IsNaN(%x) %w = Where(%n, %none, %x)"

  @Test(arguments: [
    ("%mask = Where(%le, %none, %hidden) ", 2), ("%mask = Where(%le, %bias, %hidden) ", 4),
    ("%f = And(%le, %pad) %mask = Where(%f, %none, %hidden) ", 4), ("%f = And(%pad, %le) %mask = Where(%f, %bias, %hidden) ", 4),
  ])
  func orderIsTheAttentions(_ mask: String, inputs: Int) throws {
    let graph = try recognised(text(mask + CausalMaskTests.guarded))
    #expect(graph.attention?.attributes["is_causal"] == .int(1), "\(graph)")
    #expect((graph.attention?.inputs[3] != nil) == (inputs == 4), "\(graph)")
    #expect(!graph.operators.contains("LessOrEqual") && !graph.operators.contains("Concat"), "\(graph)")
  }

  /// The lowest finite number hides as well; a row without any other key is told where flags may leave one.
  @Test(arguments: [
    ("%mask = Where(%le, %none, %hidden) ", false), ("%f = And(%le, %pad) %mask = Where(%f, %none, %hidden) ", true),
  ])
  func theLowestNumberHides(_ mask: String, isTold: Bool) throws {
    let graph = try recognised(text(mask + "%a = Add(%m, %mask) %w = Softmax(%a)", hidden: "-3.4028235e+38"))
    #expect(graph.attention?.attributes["is_causal"] == .int(1), "\(graph)")
    #expect(graph.attention?.attributes[Attention.hiddenBias] == (isTold ? .float(-.greatestFiniteMagnitude) : nil), "\(graph)")
  }

  /// Beside a bias of other numbers a row's keys may all be as low.
  @Test func theLowestNumberBesideABiasStays() throws {
    let graph = try recognised(text("%mask = Where(%le, %bias, %hidden) %a = Add(%m, %mask) %w = Softmax(%a)", hidden: "-3.4028235e+38"))
    #expect(graph.attention != nil && graph.attention?.attributes["is_causal"] == nil, "\(graph)")
  }

  @Test func orderTheOtherWayRound() throws {
    let scores = "%mask = Where(%le, %none, %hidden) " + CausalMaskTests.guarded
    let graph = try recognised(text(scores, order: "%le = GreaterOrEqual(%qu, %ku)"))
    #expect(graph.attention?.attributes["is_causal"] == .int(1), "\(graph)")
  }

  @Test(arguments: [
    // Positions from elsewhere, a strict order, a mask that is not minus infinity, one that does not name every key.
    ("%mask = Where(%le, %none, %hidden) ", "%qs = Add(%qr, %i1)", "%le = LessOrEqual(%ku, %qu)", "-inf"),
    ("%mask = Where(%le, %none, %hidden) ", "%qs = Add(%qr, %p)", "%le = Less(%ku, %qu)", "-inf"),
    ("%mask = Where(%le, %none, %hidden) ", "%qs = Add(%qr, %p)", "%le = LessOrEqual(%ku, %qu)", "-9.0"),
    ("%f = And(%le, %column) %mask = Where(%f, %none, %hidden) ", "%qs = Add(%qr, %p)", "%le = LessOrEqual(%ku, %qu)", "-inf"),
  ])
  func othersStay(_ mask: String, queries: String, order: String, hidden: String) throws {
    let graph = try recognised(text(mask + CausalMaskTests.guarded, queries: queries, order: order, hidden: hidden))
    #expect(graph.attention != nil && graph.attention?.attributes["is_causal"] == nil, "\(graph)")
  }
}
