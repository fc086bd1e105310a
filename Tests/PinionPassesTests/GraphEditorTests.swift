import PinionBase
import PinionGraph
import Testing

@testable import PinionPasses

/// One editor for all passes, which keeps its books and infers only what has changed, against a new one for each pass.
@Suite struct GraphEditorTests {
  private static let block = """
    graph {
      input %x: float32[N,L,8]
      constant %w: float32[8,8] #1
      constant %two: float32[] [2.0]
      constant %one: float32[] [1.0]
      constant %small: float32[] [0.001]
      constant %last: int64[1] [-1]
      constant %scale: float32[8] [1.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0, 1.0]
      constant %zero: int64[] [0]
      constant %first: int64[] [1]
      constant %front: int64[1] [0]
      constant %heads: int64[1] [2]
      constant %size: int64[1] [4]
      constant %flat: int64[3] [0, 0, 8]
      %mean = ReduceMean(%x, %last) {keepdims = 1}
      %centred = Sub(%x, %mean)
      %square = Pow(%centred, %two)
      %variance = ReduceMean(%square, %last) {keepdims = 1}
      %sum = Add(%variance, %small)
      %root = Sqrt(%sum)
      %quotient = Div(%centred, %root)
      %normal = Mul(%quotient, %scale)
      %q = MatMul(%normal, %w)
      %k = MatMul(%normal, %w)
      %shape = Shape(%q)
      %n = Gather(%shape, %zero) {axis = 0}
      %l = Gather(%shape, %first) {axis = 0}
      %n1 = Unsqueeze(%n, %front)
      %l1 = Unsqueeze(%l, %front)
      %target = Concat(%n1, %l1, %heads, %size) {axis = 0}
      %q4 = Reshape(%q, %target)
      %k4 = Reshape(%k, %target)
      %qt = Transpose(%q4) {perm = [0, 2, 1, 3]}
      %kt = Transpose(%k4) {perm = [0, 2, 3, 1]}
      %vt = Transpose(%k4) {perm = [0, 2, 1, 3]}
      %scores = MatMul(%qt, %kt)
      %scaled = Div(%scores, %two)
      %weights = Softmax(%scaled) {axis = -1}
      %mixed = MatMul(%weights, %vt)
      %back = Transpose(%mixed) {perm = [0, 2, 1, 3]}
      %rows = Reshape(%back, %flat)
      %y = Add(%x, %rows)
      output %y
    }
    """

  /// What follows the If is known once its branch has taken its place.
  private static let branches = """
    graph {
      input %x: float32[2,3]
      constant %yes: bool[] [true]
      constant %a: float32[3] [1.0, 2.0, 3.0]
      constant %b: float32[3] [1.0, 2.0, 3.0]
      %p = Add(%x, %a)
      %q = Add(%x, %b)
      %z = If(%yes) {else_branch = graph {
        capture %in1 = %p
        %neg = Neg(%in1)
        output %neg
      }, then_branch = graph {
        capture %in2 = %p
        capture %in3 = %b
        %product = Mul(%in2, %in3)
        %same = Identity(%product)
        output %same
      }}
      %s = Sum(%z, %q)
      %i = Identity(%s)
      %c = Cast(%i) {to = 1}
      %r = Relu(%c)
      %t = Neg(%s)
      %extents = Shape(%t)
      output %r
      output %q
      output %extents
    }
    """

  @Test(arguments: [block.replacing("#1", with: GraphEditorTests.numbers), branches], [1, 2])
  func oneEditorDoesWhatNewOnesDo(text: String, level: Int) throws {
    let context = try passContext()
    var together = try parse(text), apart = together
    try PassPipeline.run(&together, level: level, context)
    for phase in PassPipeline.phases(level: level) {
      for _ in 0..<phase.rounds {
        var hasChanged = false
        for pass in phase.passes where try pass.run(&apart, context) { hasChanged = true }
        guard hasChanged else { break }
      }
    }
    #expect(together.text() == apart.compacted().text())
  }

  @Test(arguments: [block.replacing("#1", with: GraphEditorTests.numbers), branches])
  func keepsItsBooks(text: String) throws {
    let context = try passContext()
    var editor = try GraphEditor(try parse(text))
    let before = editor.graph.nodes.count
    for phase in PassPipeline.phases(level: 2) {
      for pass in phase.passes {
        _ = try pass.run(&editor, context)
        #expect(editor.isConsistent, "after \(pass.name)")
        try editor.graph.verify()
      }
    }
    #expect(editor.graph.nodes.count < before)
    #expect(editor.revision > 2)
  }

  /// What is known of very many values is not found out to the end once a limit is reached.
  @Test func learningFactsPolls() throws {
    let count = 20_000
    var text = "graph {\n  input %x: float32[1]\n"
    for index in 0..<count { text += "  constant %c\(index): float32[1] [1.0]\n" }
    text += "  %y = Sum(%x, \((0..<count).map { "%c\($0)" }.joined(separator: ", ")))\n  output %y\n}"
    let graph = try parse(text)
    var limits = RunLimits()
    let token = CancelToken()
    limits.token = token
    var editor = try GraphEditor(graph, control: RunControl(limits))
    token.cancel()
    #expect(editor.fact(graph.outputs[0], at: 1).element == nil)
    token.reset()
    #expect(throws: PinionError.self) { try editor.visit(0) }
    limits.token = nil
    limits.deadline = 1
    #expect(throws: PinionError.self) { _ = try GraphEditor(graph, control: RunControl(limits)) }
  }

  private static let numbers = "[" + (0..<64).map { "\($0 % 7).5" }.joined(separator: ", ") + "]"
}
