import Testing

@testable import PinionImport

@Suite struct SymbolExpressionTests {
  @Test(arguments: [
    ("Symbol('s0', positive=True, integer=True)", "s0"),
    ("Add(Symbol('s0', integer=True), Integer(-1))", "(s0+-1)"),
    ("Mul(Integer(2), Add(Symbol('s0'), Integer(1)))", "2*(s0+1)"),
    ("FloorDiv(Symbol('s0'), Integer(4))", "FloorDiv(s0,4)"),
    ("Pow(Symbol('s0'), Integer(2))", "s0^2"),
  ])
  func reads(text: String, name: String) { #expect(SymbolExpression.name(of: text) == name) }

  @Test(arguments: ["", "(", "Add(", "Add(Symbol('a')", "Add(Symbol('a'))x", ")", ",", "Integer(1),"])
  func refuses(text: String) { #expect(SymbolExpression.name(of: text) == nil) }

  @Test func refusesDepth() {
    let deep = String(repeating: "Add(", count: 10_000) + "Integer(1)" + String(repeating: ")", count: 10_000)
    #expect(SymbolExpression.name(of: deep) == nil)
  }
}
