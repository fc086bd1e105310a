import PinionGraph
import Testing

@testable import PinionPasses

@Suite struct IdentityRemovalTests {
  /// A graph whose statements lead from %x to %y.
  private func graph(_ statements: String, type: String = "float32[2,3,4]", output: String = "%y") -> String {
    "graph {\n  input %x: \(type)\n\(statements)\n  %z = Neg(\(output))\n  output %z\n}"
  }

  @Test(arguments: [
    "%y = Identity(%x)",
    "%a = Relu(%x) %b = Identity(%a) %y = Identity(%b)",
    "%y = Cast(%x) {to = 1}",
    "%a = Cast(%x) {to = 7} %b = Abs(%a) %c = Cast(%b) {to = 7} %y = Cast(%c) {to = 1}",
    "%y = Transpose(%x) {perm = [0, 1, 2]}",
    "%a = Transpose(%x) %y = Transpose(%a)",
    "%a = Transpose(%x) {perm = [1, 2, 0]} %y = Transpose(%a) {perm = [2, 0, 1]}",
    "constant %s: int64[3] [2, -1, 4] %y = Reshape(%x, %s)",
    "constant %s: int64[3] [0, 0, 0] %y = Reshape(%x, %s)",
    "constant %s: int64[2] [1, -1] %a = Unsqueeze(%x, %s) %y = Squeeze(%a, %s)",
    "constant %s: int64[1] [1] %a = Unsqueeze(%x, %s) %y = Squeeze(%a, %s)",
    "constant %o: float32[] [1.0] %y = Mul(%o, %x)",
    "constant %o: float32[1,1] [1.0] %y = Div(%x, %o)",
    "constant %o: float32[1] [0.0] %y = Sub(%x, %o)",
    "constant %o: int64[] [1] %y = Pow(%x, %o)",
    "constant %s: int64[2] [3, 1] %y = Expand(%x, %s)",
    "constant %p: int64[6] [0, 0, 0, 0, 0, 0] %y = Pad(%x, %p)",
    "constant %s: int64[2] [0, 0] constant %e: int64[2] [9223372036854775807, 3] constant %a: int64[2] [2, 1] %y = Slice(%x, %s, %e, %a)",
    "%y = Concat(%x) {axis = 1}",
    "%y = Sum(%x)",
  ])
  func goes(_ statements: String) throws {
    let relu = statements.contains("Relu"), int = statements.contains("Abs")
    let rest = relu ? graph("  %a = Relu(%x)", output: "%a") : graph("", output: "%x")
    guard !int else {
      return try expect(
        IdentityRemoval(), graph(statements),
        graph("  %a = Cast(%x) {to = 7}\n  %b = Abs(%a)\n  %y = Cast(%b) {to = 1}"))
    }
    let pass = IdentityRemoval()
    var result = try parse(graph(statements))
    while try pass.run(&result, try passContext()) {}
    #expect(result.nodes.count == (relu ? 2 : 1))
    try expect(pass, graph(statements), rest)
  }

  @Test(arguments: [
    "%y = Cast(%x) {to = 7}",
    "%y = Transpose(%x) {perm = [0, 2, 1]}",
    "constant %s: int64[3] [2, 4, 3] %y = Reshape(%x, %s)",
    "constant %s: int64[2] [6, -1] %y = Reshape(%x, %s)",
    "constant %o: float32[1] [0.0] %y = Add(%x, %o)",
    "constant %o: float32[1] [-0.0] %y = Sub(%x, %o)",
    "constant %o: float32[1,1,1,1] [1.0] %y = Mul(%x, %o)",
    "constant %o: float32[2,1,1] [1.0, 1.0] %y = Div(%o, %x)",
    "constant %o: float32[] [3.0] %y = Div(%x, %o)",
    "constant %s: int64[4] [1, 1, 1, 1] %y = Expand(%x, %s)",
    "constant %s: int64[1] [0] constant %e: int64[1] [1] %y = Slice(%x, %s, %e)",
    "constant %p: int64[6] [0, 0, 0, 0, 0, 1] %y = Pad(%x, %p)",
    // These do not run, and have to be there to say so.
    "constant %p: int64[8] [0, 0, 0, 0, 0, 0, 0, 0] %y = Pad(%x, %p)",
    "constant %s: int64[1] [0] constant %e: int64[1] [9223372036854775807] constant %a: int64[1] [3] %y = Slice(%x, %s, %e, %a)",
    "constant %s: int64[2] [0, 0] constant %e: int64[2] [9, 9] constant %a: int64[2] [1, -2] %y = Slice(%x, %s, %e, %a)",
    "constant %s: int64[1] [0] constant %t: int64[1] [1] %a = Unsqueeze(%x, %s) %b = Relu(%a) %y = Squeeze(%b, %s)",
  ])
  func stays(_ statements: String) throws { try expectNoChange(IdentityRemoval(), graph(statements)) }

  @Test func anExtentThatIsOpenIsNotAssumed() throws {
    try expectNoChange(IdentityRemoval(), graph("constant %s: int64[3] [2, 3, 4] %y = Reshape(%x, %s)", type: "float32[N,3,4]"))
    try expectNoChange(IdentityRemoval(), graph("constant %s: int64[1] [4] %y = Expand(%x, %s)", type: "float32[2,N]"))
  }

  /// A run that the inner node refuses has to be refused: 2x6 has no 6 elements, no extent of 1, no axis 5.
  @Test(arguments: [
    "constant %s: int64[1] [6] %a = Reshape(%x, %s) %y = Reshape(%a, %t)",
    "constant %s: int64[2] [4, -1] %a = Reshape(%x, %s) %y = Reshape(%a, %t)",
    "constant %s: int64[1] [0] %a = Squeeze(%x, %s) %y = Reshape(%a, %t)",
    "%a = Flatten(%x) {axis = 5} %y = Reshape(%a, %t)",
    "constant %s: int64[1] [7] %a = Unsqueeze(%x, %s) %y = Reshape(%a, %t)",
    "constant %s: int64[1] [0] %a = Squeeze(%x, %s) %y = Unsqueeze(%a, %s)",
  ])
  func whatMayBeRefusedStays(_ statements: String) throws {
    try expectNoChange(IdentityRemoval(), graph("constant %t: int64[2] [-1, 3]\n" + statements, type: "float32[N,6]"))
  }

  @Test(arguments: [
    "constant %s: int64[2] [3, -1] %a = Reshape(%x, %s) %y = Reshape(%a, %t)",
    "constant %s: int64[3] [0, 2, 3] %a = Reshape(%x, %s) %y = Reshape(%a, %t)",
    "%a = Squeeze(%x) %y = Reshape(%a, %t)",
    "%a = Flatten(%x) {axis = -2} %y = Reshape(%a, %t)",
    "constant %s: int64[1] [-3] %a = Unsqueeze(%x, %s) %y = Reshape(%a, %t)",
  ])
  func whatAlwaysRunsIsMerged(_ statements: String) throws {
    try expect(
      IdentityRemoval(), graph("constant %t: int64[2] [-1, 3]\n" + statements, type: "float32[N,6]"),
      graph("constant %t: int64[2] [-1, 3] %y = Reshape(%x, %t)", type: "float32[N,6]"), runs: false)
  }

  @Test func neighboursAreMerged() throws {
    try expect(
      IdentityRemoval(), graph("%a = Transpose(%x) {perm = [1, 2, 0]} %y = Transpose(%a) {perm = [0, 2, 1]}"),
      graph("%y = Transpose(%x) {perm = [1, 0, 2]}"))
    try expect(
      IdentityRemoval(),
      graph("constant %s: int64[2] [6, 4] constant %t: int64[3] [4, 3, -1] %a = Reshape(%x, %s) %y = Reshape(%a, %t)"),
      graph("constant %t: int64[3] [4, 3, -1] %y = Reshape(%x, %t)"))
  }

  @Test func divisionByPowersOfTwoIsMultiplication() throws {
    try expect(
      IdentityRemoval(), graph("constant %o: float32[2,1,1] [8.0, -0.25] %y = Div(%x, %o)"),
      graph("constant %#1: float32[2,1,1] [0.125, -4.0] %y = Mul(%x, %#1)"))
  }

  /// Kernels with constant operands sum in another order: a value that each run makes does not become a constant.
  @Test func whatARunMakesBecomesNoConstant() throws {
    try expectNoChange(
      IdentityRemoval(), "graph {\n  input %x: float32[]\n  constant %c: float32[2] [1.0, 2.0]\n  %y = Dropout(%c, %x)\n  %z = Neg(%y)\n  output %z\n}")
    try expectNoChange(
      IdentityRemoval(),
      "graph {\n  input %x: int64[1]\n  constant %c: float32[2] [1.0, 2.0]\n  constant %s: int64[2] [1, 2]\n  %a = Reshape(%c, %x)\n"
        + "  %y = Reshape(%a, %s)\n  %z = Neg(%y)\n  output %z\n}")
    // Every plan knows what CastLike makes of a constant.
    try expect(
      IdentityRemoval(), "graph {\n  input %x: float32[1]\n  constant %c: float32[2] [1.0, 2.0]\n  %y = CastLike(%c, %x)\n  %z = Neg(%y)\n  output %z\n}",
      "graph {\n  input %x: float32[1]\n  constant %c: float32[2] [1.0, 2.0]\n  %z = Neg(%c)\n  output %z\n}")
  }

  /// What a run gives out is neither the caller's input nor given out twice.
  @Test func outputsStayApart() throws {
    try expectNoChange(
      IdentityRemoval(), "graph {\n  input %x: float32[1]\n  %y = Identity(%x)\n  %a = Neg(%x)\n  %b = Identity(%a)\n  output %y\n  output %a\n  output %b\n}"
    )
  }
}
