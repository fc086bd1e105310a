import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct GraphTextTests {
  @Test(arguments: [
    // Every kind of attribute, absent operands, an opset other than the schema's, a node name.
    #"""
    graph "main \"graph\"" {
      input %x: float32[N,3,"batch size",?]
      input %y: optional(seq(float32[...]))
      %z, _, %w: int64[] = test.domain::Any@2(%x, _, %y) {empty = ints [], float = 1.0, floats = [0.5, -inf], int = -7, ints = [1, 2], "odd name" = floats [], string = "a\\b\n\x01é", strings = ["", "b"], tensor = float32[2] [1.0, nan], tensors = tensors [int8[1] [-3]], type = type seq(string[?])} "a node"
      output %z
      output %x
    }

    """#,
    // Element types.
    #"""
    graph {
      constant %a: bfloat16[2] [1.5, -2.503395e-05]
      constant %b: float16[2] [0.1, -65504.0]
      constant %c: int4[3] [-8, 7, 0]
      constant %d: float8e4m3fn[2] [0x7f, 0x0]
      constant %e: string[2] ["x", "\xff\x00"]
      constant %f: complex64[2] [1.0, 2.0, 3.0, 4.0]
      constant %g: bool[2] [true, false]
      constant %h: uint64[] [18446744073709551615]
      constant %i: float32[2] [0x7f800001, 1e-45]
      constant %j: float64[0,4] []
    }

    """#,
    // Values without a name, with a name that is taken, with an odd name; subgraphs in subgraphs.
    #"""
    graph {
      input %#1: float32[...]
      input %x
      input %x#2
      input %12
      input %"a b:0"
      %#2 = test.domain::Any(%#1, %x#2) {body = graph "inner" {
        input %i
        capture %x: float32[...] = %x#2
        capture %u = %#1
        %v = test.domain::Any(%i, %x) {body = graph {
          capture %#1 = %i
          output %#1
        }}
        output %v
      }, other = graph {
        constant %q: int32[] [1]
        output %q
      }}
      test.domain::Any(%#2)
      output %#2
    }

    """#,
  ])
  func readsBackWhatItWrites(_ text: String) throws {
    let graph = try parse(text)
    #expect(graph.description == text)
    #expect(try parse(graph.description).description == graph.description)
  }

  @Test func largeConstantsAreHashedUnlessAskedFor() throws {
    var graph = Graph()
    let value = graph.addConstant(try Tensor(vector: (0..<100).map(Float.init)), name: "w")
    graph.outputs = [value]
    #expect(graph.description.contains("constant %w: float32[100] #"))
    #expect(throws: PinionError.self) { try parse(graph.description) }
    let read = try parse(graph.text(elementLimit: 100))
    let constant = try #require(read.constants[read.outputs[0]])
    #expect(Array(try constant.elements(as: Float.self)) == (0..<100).map(Float.init))
  }

  @Test func commentsAndBlanksAreSkipped() throws {
    let graph = try parse("graph{// nothing\n input %x:float32[2]\n\n output%x}")
    #expect(graph.inputs == graph.outputs)
  }

  @Test(arguments: [
    ("", "line 1, column 1: expected 'graph'"),
    ("graph {", "line 1, column 8: expected an operator, found the end"),
    ("graph {\n  output %y\n}", "line 2, column 10: '%y' is not defined"),
    ("graph {\n  input %y\n  input %y\n}", "line 3, column 9: '%y' is defined twice"),
    ("graph {\n  %y = Nothing()\n}", "line 2, column 3: operator Nothing is not known"),
    ("graph {\n  %y = test.domain::Any() {wrong = 1}\n}", "unknown attribute 'wrong'"),
    ("graph {\n  constant %c: float32[2] [1.0]\n}", "1 elements do not fill"),
    ("graph {\n  constant %c: int4[1] [8]\n}", "'8' is no element of int4[1]"),
    ("graph {\n  constant %c: float32[99999999999999999999] []\n}", "expected an extent"),
    ("graph {\n  constant %c: float32[9999999999999,99999999] []\n}", "too many elements"),
    ("graph {\n  constant %c: float32[-1] []\n}", "negative extent"),
    ("graph {\n  input %x: what[1]\n}", "'what' is no element type"),
    ("graph {\n  %y = test.domain::Any() {string = \"abc\n", "has no end"),
    ("graph {\n  %y = test.domain::Any() {ints = []}\n}", "an empty list needs its kind"),
    ("graph {\n  capture %x = %y\n}", "only a subgraph captures"),
    ("graph { } x", "expected the end, found 'x'"),
  ])
  func errorsSayWhere(_ text: String, _ message: String) {
    do {
      _ = try parse(text)
      Issue.record("no error")
    } catch { #expect(error.message.contains(message), "\(error.message)") }
  }

  /// Whatever is cut off or replaced, the parser throws or reads: it does not trap.
  @Test func damagedTextIsRefused() throws {
    let text = """
      graph "g" {
        input %x: float32[N,3]
        constant %c: float32[2] [1.0, nan]
        %y: int64[] = test.domain::Any@2(%x, _) {body = graph { capture %i = %x output %i }, int = 1, string = "\\x41"} "n"
        output %y
      }
      """
    let bytes = Array(text.utf8)
    for cut in bytes.indices {
      _ = try? parse(String(decoding: bytes[..<cut], as: UTF8.self))
      for sign in "{}[](),:=%#\"\\_ 0-" {
        var changed = bytes
        changed[cut] = sign.utf8.first ?? 0
        _ = try? parse(String(decoding: changed, as: UTF8.self))
      }
    }
    let deep = String(repeating: "test.domain::Any() {body = graph {", count: 1000)
    #expect(throws: PinionError.self) { try parse("graph {" + deep) }
    #expect(throws: PinionError.self) { try parse("graph { input %x: " + String(repeating: "seq(", count: 100_000)) }
  }
}
