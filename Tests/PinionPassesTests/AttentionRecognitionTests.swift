import PinionGraph
import PinionTensor
import Testing

@testable import PinionPasses

@Suite struct AttentionRecognitionTests {
  private func check(_ text: String, operators: [String], sourceLocation: SourceLocation = #_sourceLocation) throws {
    let before = try parse(text)
    var after = before
    while try OperatorRecognition().run(&after, try passContext()) {}
    after = after.compacted()
    try after.verify()
    #expect(after.nodes.map(\.schema.qualifiedName) == operators, "\(after)", sourceLocation: sourceLocation)
    try expectSameResults(before, after, tolerance: 1e-4, sourceLocation: sourceLocation)
  }

  private func byHead(_ scores: String, mask: String = "float32[B,1,1,4]") -> String {
    """
    graph {
      input %q: float32[B,3,4,8]
      input %k: float32[B,3,4,8]
      input %v: float32[B,3,4,5]
      input %mask: \(mask)
      constant %c: float32[] [0.25]
      constant %zero: float32[] [0.0]
      constant %low: float32[] [-inf]
      constant %last: int64[1] [-1]
      constant %rows: int64[1] [2]
      %t = Transpose(%k) {perm = [0, 1, 3, 2]}
      \(scores)
      %y = MatMul(%p, %v)
      output %y
    }
    """
  }

  @Test(arguments: [
    "%s = MatMul(%q, %t) %p = Softmax(%s) {axis = 3}",
    "%m = MatMul(%q, %t) %s = Mul(%m, %c) %p = Softmax(%s)",
    "%m = MatMul(%q, %t) %s = Div(%m, %c) %a = Add(%s, %mask) %p = Softmax(%a)",
    "%r = Mul(%q, %c) %u = Mul(%t, %c) %m = MatMul(%r, %u) %a = Add(%mask, %m) %p = Softmax(%a)",
    "%m = MatMul(%q, %t) %w = Softmax(%m) %n = IsNaN(%w) %p = Where(%n, %zero, %w)",
    // Rows without keys, as PyTorch's files have them: by the largest score, and by whether any is finite.
    "%m = MatMul(%q, %t) %a = Add(%m, %mask) %w = Softmax(%a) %g = ReduceMax(%a, %last) %n = Equal(%g, %low) %p = Where(%n, %zero, %w)",
    """
    %m = MatMul(%q, %t) %a = Add(%m, %mask) %w = Softmax(%a) {axis = 3} %e = Equal(%a, %low) %f = Not(%e) %g = ReduceMax(%f, %last)
    %n = Not(%g) %p = Where(%n, %zero, %w)
    """,
    """
    %m = MatMul(%q, %t) %s = Mul(%m, %c) %w = Softmax(%s) {axis = 3} %e = Equal(%s, %low) %f = Not(%e) %f8 = Cast(%f) {to = 2}
    %g8 = ReduceMax(%f8, %last) %g = Cast(%g8) {to = 9} %n = Not(%g) %p = Where(%n, %zero, %w)
    """,
  ])
  func scoresBecomeAttention(_ scores: String) throws { try check(byHead(scores), operators: ["Attention"]) }

  /// Rows are told apart by these scores alone: other scores, another bound, another axis, a reduction without its axis.
  @Test(arguments: [
    "%m = MatMul(%q, %t) %a = Add(%m, %mask) %w = Softmax(%a) %g = ReduceMax(%m, %last) %n = Equal(%g, %low) %p = Where(%n, %zero, %w)",
    "%m = MatMul(%q, %t) %a = Add(%m, %mask) %w = Softmax(%a) %g = ReduceMax(%a, %last) %n = Equal(%g, %zero) %p = Where(%n, %zero, %w)",
    "%m = MatMul(%q, %t) %a = Add(%m, %mask) %w = Softmax(%a) %g = ReduceMax(%a, %rows) %n = Equal(%g, %low) %p = Where(%n, %zero, %w)",
    "%m = MatMul(%q, %t) %a = Add(%m, %mask) %w = Softmax(%a) %g = ReduceMax(%a, %last) %n = Equal(%g, %low) %p = Where(%n, %c, %w)",
  ])
  func otherRowsStay(_ scores: String) throws {
    var graph = try parse(byHead(scores))
    while try OperatorRecognition().run(&graph, try passContext()) {}
    #expect(!graph.nodes.contains { $0.schema.qualifiedName == "Attention" }, "\(graph)")
  }

  /// A row that is minus infinity throughout is 0 and one with NaN is NaN, recognised or not.
  @Test(arguments: [
    "%g = ReduceMax(%a, %last) %n = Equal(%g, %low)",
    "%e = Equal(%a, %low) %f = Not(%e) %g = ReduceMax(%f, %last) %n = Not(%g)",
  ])
  func rowsWithoutNumbers(_ rows: String) throws {
    let before = try parse(
      """
      graph {
        input %q: float32[1,1,4,2]
        input %v: float32[1,1,4,2]
        constant %k: float32[1,1,4,2] [0.5, 0.25, 1.0, 2.0, 3.0, 4.0, -1.0, 0.0]
        constant %mask: float32[4,4] [-inf, -inf, -inf, -inf, 0.0, nan, 0.0, 0.0, -inf, nan, -inf, -inf, 0.0, -inf, 0.0, 0.0]
        constant %zero: float32[] [0.0]
        constant %low: float32[] [-inf]
        constant %last: int64[1] [3]
        %k2 = Identity(%k)
        %t = Transpose(%k2) {perm = [0, 1, 3, 2]}
        %m = MatMul(%q, %t) %a = Add(%m, %mask) %w = Softmax(%a)
        \(rows) %p = Where(%n, %zero, %w)
        %y = MatMul(%p, %v)
        output %y
      }
      """)
    var after = before
    while try OperatorRecognition().run(&after, try passContext()) {}
    #expect(after.nodes.contains { $0.schema.qualifiedName == "Attention" }, "\(after)")
    for graph in [before, after] {
      let numbers = try results(graph)[0].asTensor().elements(as: Float.self)
      #expect(numbers[0] == 0 && numbers[1] == 0)
      let kinds = numbers.map { $0.isNaN ? "nan" : $0.isFinite ? "finite" : "infinite" }
      #expect(kinds[2...] == ["nan", "nan", "nan", "nan", "finite", "finite"])
    }
  }

  @Test func productsOfMergedAxes() throws {
    let rows = """
      graph {
        input %x: float32[B,T,8]
        input %k: float32[B,4,T,8]
        constant %w: float32[8,3] [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
        constant %b: float32[3] [1.0, -1.0, 0.5]
        constant %m: int64[2] [-1, 8]
        constant %n: int64[1] [3]
        constant %h: int64[3] [-1, 2, 8]
        %r = Reshape(%x, %m)
        %s = Shape(%x) {end = 2}
        %e = Concat(%s, %n) {axis = 0}
        PRODUCT
        %y = Reshape(%p, %e)
        output %y
      }
      """
    try check(rows.replacing("PRODUCT", with: "%p = MatMul(%r, %w)"), operators: ["MatMul"])
    try check(rows.replacing("PRODUCT", with: "%p = Gemm(%r, %w, %b)"), operators: ["MatMul", "Add"])
    // A factor of the product; a product that somebody else reads.
    let scaled = rows.replacing("PRODUCT", with: "%p = Gemm(%r, %w, %b) {alpha = 2.0}")
    try check(scaled, operators: ["Reshape", "Shape", "Concat", "Gemm", "Reshape"])
    let seen = rows.replacing("PRODUCT", with: "%p = MatMul(%r, %w)").replacing("output %y", with: "output %y\n  output %p")
    try check(seen, operators: ["Reshape", "Shape", "Concat", "MatMul", "Reshape"])
  }

  @Test func productsOfMergedBatches() throws {
    let text = """
      graph {
        input %a: float32[2,3,4,5]
        input %b: float32[2,3,5,6]
        constant %m: int64[3] [6, 4, 5]
        constant %n: int64[3] [-1, 5, 6]
        constant %r: int64[4] [2, 3, 4, 6]
        %x = Reshape(%a, %m)
        %z = Reshape(%b, %n)
        %p = MatMul(%x, %z)
        %y = Reshape(%p, %r)
        output %y
      }
      """
    try check(text, operators: ["MatMul"])
    // The batches are split in another way behind the product.
    let other = text.replacing("[2, 3, 4, 6]", with: "[3, 2, 4, 6]")
    try check(other, operators: ["Reshape", "Reshape", "MatMul", "Reshape"])
    let merged = text.replacing("%a: float32[2,3,4,5]", with: "%a: float32[3,2,4,5]")
    try check(merged, operators: ["Reshape", "Reshape", "MatMul", "Reshape"])
  }

  @Test func aFactorWithMergedBatches() throws {
    let text = """
      graph {
        input %a: float32[B,3,4,5]
        input %b: float32[6,5,6]
        constant %m: int64[3] [-1, 4, 5]
        constant %r: int64[4] [-1, 3, 4, 6]
        %x = Reshape(%a, %m)
        %p = MatMul(%x, %b)
        %y = Reshape(%p, %r)
        output %y
      }
      """
    try check(text.replacing("[B,", with: "[2,"), operators: ["Reshape", "MatMul"])
    // Batches that are not known to be as many; one that is broadcast.
    try check(text, operators: ["Reshape", "MatMul", "Reshape"])
    try check(text.replacing("[B,", with: "[2,").replacing("float32[6,5,6]", with: "float32[1,5,6]"), operators: ["Reshape", "MatMul", "Reshape"])
  }

  /// Heads that are merged together with the rows.
  @Test func rowsOfHeads() throws {
    let text = """
      graph {
        input %x: float32[B,T,2,4]
        constant %w: float32[8,3] [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0, 8.0, 7.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0, 0.5, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0]
        constant %b: float32[3] [1.0, -1.0, 0.5]
        constant %m: int64[2] [-1, 8]
        constant %n: int64[1] [3]
        %r = Reshape(%x, %m)
        %s = Shape(%x) {end = 2}
        %e = Concat(%s, %n) {axis = 0}
        %p = Gemm(%r, %w, %b)
        %y = Reshape(%p, %e) {allowzero = 1}
        output %y
      }
      """
    try check(text, operators: ["Shape", "Concat", "Reshape", "MatMul", "Add"])
    // The columns are what is left.
    try check(text.replacing("int64[1] [3]", with: "int64[1] [-1]"), operators: ["Reshape", "Shape", "Concat", "Gemm", "Reshape"])
  }

  @Test func aFactorIsNotRepeated() throws {
    try check(
      """
      graph {
        input %x: float32[B,4,8]
        input %w: float32[8,3]
        constant %e: int64[2] [8, 3]
        %b = Shape(%x) {end = 1}
        %s = Concat(%b, %e) {axis = 0}
        %r = Expand(%w, %s)
        %y = MatMul(%x, %r)
        output %y
      }
      """, operators: ["MatMul"])
  }

  @Test(arguments: ["float32[4]", "float32[4,4]", "float32[1,1,4,4]", "float32[2,3,4,4]"])
  func masksThatDoNotEnlarge(_ mask: String) throws {
    let scores = "%m = MatMul(%q, %t) %a = Add(%m, %mask) %p = Softmax(%a)"
    let text = byHead(scores, mask: mask).replacing("[B,", with: "[2,")
    try check(text, operators: ["Attention"])
  }

  @Test func othersStay() throws {
    // A mask of one column, which Attention would take for a mask of one key; a softmax over another axis; no scores.
    let column = "%m = MatMul(%q, %t) %a = Add(%m, %mask) %p = Softmax(%a)"
    try check(byHead(column, mask: "float32[1,1,4,1]"), operators: ["Transpose", "MatMul", "Add", "Softmax", "MatMul"])
    try check(byHead("%m = MatMul(%q, %t) %p = Softmax(%m) {axis = 2}"), operators: ["Transpose", "MatMul", "Softmax", "MatMul"])
    // Batches that are not known to be the same.
    let text = byHead("%m = MatMul(%q, %t) %p = Softmax(%m)").replacing("%k: float32[B,", with: "%k: float32[1,")
    try check(text, operators: ["Transpose", "MatMul", "Softmax", "MatMul"])
  }

  @Test func headsAreNotTurned() throws {
    try check(
      """
      graph {
        input %q: float32[B,4,24]
        input %k: float32[B,4,24]
        input %v: float32[B,4,24]
        constant %split: int64[4] [0, 0, 3, 8]
        constant %merge: int64[3] [0, 0, 24]
        constant %c: float32[] [0.25]
        %q4 = Reshape(%q, %split)
        %k4 = Reshape(%k, %split)
        %v4 = Reshape(%v, %split)
        %qh = Transpose(%q4) {perm = [0, 2, 1, 3]}
        %kh = Transpose(%k4) {perm = [0, 2, 3, 1]}
        %vh = Transpose(%v4) {perm = [0, 2, 1, 3]}
        %m = MatMul(%qh, %kh)
        %s = Mul(%m, %c)
        %p = Softmax(%s)
        %o = MatMul(%p, %vh)
        %r = Transpose(%o) {perm = [0, 2, 1, 3]}
        %y = Reshape(%r, %merge)
        output %y
      }
      """, operators: ["Attention"])
  }
}
