import PinionBase
import PinionGraph
import PinionTensor
import Testing

@testable import PinionPasses

/// Which inputs of a graph are appended to where they lie.
@Suite struct HeldInputsTests {
  /// Holds pairs by the names of their values; the graph's outputs are what is wanted besides.
  private func held(_ text: String, _ pairs: [(String, String)]) throws -> (graph: Graph, isHeld: [Bool]) {
    var graph = try parse(text)
    func value(_ name: String) throws -> ValueID { ValueID(index: try #require(graph.values.firstIndex { $0.name == name })) }
    let found = try pairs.map { (past: try value($0.0), present: try value($0.1)) }
    let isHeld = try graph.hold(found)
    try graph.verify()
    #expect(graph.inputs.count == (try parse(text)).inputs.count + graph.held.count)
    return (graph, isHeld)
  }

  private func operators(_ graph: Graph) -> [String] { graph.nodes.map(\.schema.qualifiedName) }

  private func concat(_ type: String = "float32[2,P,3]", new: String = "float32[2,N,3]", inputs: String = "%p, %x", axis: Int = 1, more: String = "")
    -> String
  {
    """
    graph {
      input %p: \(type)
      input %x: \(new)
      %o = Concat(\(inputs)) {axis = \(axis)}
      %y = Neg(%x)
      \(more)
      output %y
    }
    """
  }

  @Test func concatAppends() throws {
    let (graph, isHeld) = try held(concat(axis: -2), [("p", "o")])
    #expect(isHeld == [true] && operators(graph) == ["pinion::AppendToState", "Neg"])
    #expect(graph.nodes[0].outputs.allSatisfy { $0 == nil } && graph.held.map(\.axis) == [1] && graph.outputs.count == 1)
    // Others read all rows, or the earlier ones; a shape is no reading.
    let (read, _) = try held(
      concat(more: "%s = Shape(%p)\n%a = Abs(%p)\n%b = Abs(%o)\noutput %s\noutput %a\noutput %b\noutput %o\noutput %p"), [("p", "o")])
    #expect(operators(read) == ["pinion::ReadState", "pinion::AppendToState", "Neg", "Shape", "Abs", "Abs"])
    #expect(read.nodes[1].outputs == [read.nodes[5].inputs[0]] && read.nodes[3].inputs[0] == read.inputs[0])
    #expect(read.nodes[4].inputs == [read.nodes[0].outputs[0]] && read.nodes[0].outputs.allSatisfy { $0.map(read.outputs.contains) == true } && !read.outputs.contains(read.inputs[0]))
  }

  @Test func othersAreReplaced() throws {
    for text in [
      concat(inputs: "%x, %p"), concat(inputs: "%p, %x, %x"), concat("float32[2,4,3]"),
      concat("string[2,P,3]", new: "string[2,N,3]").replacing("Neg", with: "Identity"),
    ] {
      let (graph, isHeld) = try held(text, [("p", "o")])
      #expect(isHeld == [false] && graph.held.isEmpty && operators(graph)[0] == "Concat" && graph.outputs.count == 2, "\(graph)")
    }
    // The same rows for two values.
    let (twice, isHeld) = try held(concat(more: "%q = Concat(%p, %x) {axis = 1}"), [("p", "o"), ("p", "q")])
    #expect(isHeld == [false, false] && twice.outputs.count == 3)
    // Another node appends to the same rows: it gets a copy.
    let (both, one) = try held(concat(more: "%q = Concat(%p, %x) {axis = 1}\noutput %q"), [("p", "o")])
    #expect(one == [true] && operators(both) == ["pinion::ReadState", "pinion::AppendToState", "Neg", "Concat"])
  }

  /// - Parameter before: what makes the caches of %hk and %hv in half precision.
  private func attention(
    _ element: String = "float32", past: String = "P", outputs: String = "%y, %ok, %ov", before: String = "", after: String = ""
  ) -> String {
    let (key, value, cache) = before.isEmpty ? ("%pk", "%pv", element) : ("%hk", "%hv", "float16")
    return """
    graph {
      input %q: \(element)[B,2,S,8]
      input %k: \(element)[B,2,S,8]
      input %v: \(element)[B,2,S,8]
      input \(key): \(cache)[B,2,\(past),8]
      input \(value): \(cache)[B,2,\(past),8]
      \(before)
      \(outputs) = Attention(%q, %k, %v, _, %pk, %pv)
      \(after)
      output %y
    }
    """
  }

  @Test func attentionAppends() throws {
    let pairs = [("pk", "ok"), ("pv", "ov")]
    let (graph, isHeld) = try held(attention(), pairs)
    #expect(isHeld == [true, true] && operators(graph) == ["pinion::AttentionOverState"] && graph.nodes[0].outputs.count == 1)
    // In half precision by itself, and where the node computes in float32 between conversions, which the state takes the place of.
    for text in [
      attention("float16"), attention("bfloat16"),
      attention("float32", outputs: "%y, %wk, %wv", before: "%pk = Cast(%hk) {to = 1}\n%pv = Cast(%hv) {to = 1}", after: "%ok = Cast(%wk) {to = 10}\n%ov = Cast(%wv) {to = 10}"),
    ] {
      let pairs = text.contains("%hk") ? [("hk", "ok"), ("hv", "ov")] : pairs
      let (graph, isHeld) = try held(text, pairs)
      #expect(isHeld == [true, true] && operators(graph) == ["pinion::AttentionOverState"] && graph.nodes[0].outputs.count == 1, "\(graph)")
    }
    // Concat before it, which stays where somebody else reads what it gives.
    for (cast, more) in [("", ""), ("%wk = Cast(%ok) {to = 1}\n%wv = Cast(%ov) {to = 1}", ""), ("", "%n = Neg(%ok)\noutput %n")] {
      let (q, k, v) = cast.isEmpty ? ("%q", "%ok", "%ov") : ("%w", "%wk", "%wv")
      let (graph, isHeld) = try held(
        """
        graph {
          input %q: float16[B,2,S,8]
          input %k: float16[B,2,S,8]
          input %v: float16[B,2,S,8]
          input %pk: float16[B,2,P,8]
          input %pv: float16[B,2,P,8]
          input %h: float32[2]
          %r = Cast(%h) {to = 10}
          %w = Cast(%q) {to = 1}
          %ok = Concat(%pk, %k) {axis = 2}
          %ov = Concat(%pv, %v) {axis = -2}
          \(cast)
          %y = Attention(\(q), \(k), \(v))
          \(more)
          output %y
          output %ok
        }
        """, pairs + [("h", "r")])
      #expect(isHeld == [true, true, false] && graph.held.count == 2 && graph.outputs.count == (more.isEmpty ? 3 : 4))
      #expect(graph.nodes.contains { $0.outputs == [graph.outputs.last] }, "\(graph)")
      let names = operators(graph)
      #expect(names.contains("pinion::AttentionOverState") == more.isEmpty && names.contains("pinion::AppendToState") == !more.isEmpty, "\(graph)")
      #expect(!more.isEmpty || names.count { $0 == "Cast" } == (cast.isEmpty ? 1 : 4), "\(graph)")
    }
    // Somebody else reads the past in float32, and somebody what comes out before it is rounded.
    let (past, isPastHeld) = try held(
      attention("float32", outputs: "%y, %wk, %wv", before: "%pk = Cast(%hk) {to = 1}\n%pv = Cast(%hv) {to = 1}\n%n = Neg(%pk)", after: "%ok = Cast(%wk) {to = 10}\n%ov = Cast(%wv) {to = 10}\noutput %n"),
      [("hk", "ok"), ("hv", "ov")])
    #expect(isPastHeld == [true, true] && operators(past) == ["pinion::ReadState", "Cast", "Neg", "pinion::AttentionOverState"], "\(past)")
    let (rounded, isHeldToo) = try held(
      attention("float32", outputs: "%y, %wk, %wv", before: "%pk = Cast(%hk) {to = 1}\n%pv = Cast(%hv) {to = 1}", after: "%ok = Cast(%wk) {to = 10}\n%ov = Cast(%wv) {to = 10}\n%n = Neg(%wk)\noutput %n"),
      [("hk", "ok"), ("hv", "ov")])
    #expect(isHeldToo == [false, false] && rounded.held.isEmpty)
    for (text, pairs) in [
      (attention(past: "7"), pairs), (attention(outputs: "%y, %ok, %ov, %scores") + "", pairs),
      (attention(), [("pk", "ov"), ("pv", "ok")]), (attention(), [("pk", "ok")]),
    ] {
      let (graph, isHeld) = try held(text, pairs)
      #expect(isHeld.allSatisfy { !$0 } && operators(graph) == ["Attention"] && graph.outputs.count == 1 + pairs.count, "\(graph)")
    }
  }
}
