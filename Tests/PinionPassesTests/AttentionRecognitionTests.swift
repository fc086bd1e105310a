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
  ])
  func scoresBecomeAttention(_ scores: String) throws { try check(byHead(scores), operators: ["Attention"]) }

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
