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

  @Test(arguments: [
    ("Add(Symbol('s'), Integer(-1))", 6), ("Mul(Integer(2), Add(Symbol('s'), Integer(1)))", 16), ("FloorDiv(Symbol('s'), Integer(4))", 1),
    ("FloorDiv(Mul(Integer(-1), Symbol('s')), Integer(4))", -2), ("Mod(Symbol('s'), Integer(4))", 3), ("PythonMod(Integer(-1), Symbol('s'))", 6),
    ("Pow(Symbol('s'), Integer(2))", 49), ("Max(Symbol('s'), Integer(9))", 9), ("Min(Symbol('s'), Integer(9))", 7),
  ])
  func computes(text: String, value: Int64) { #expect(SymbolExpression(text)?.value { $0 == "s" ? 7 : nil } == value) }

  @Test(arguments: [
    "Mul(Symbol('s'), Integer(9223372036854775807))", "Add(Symbol('s'), Integer(9223372036854775807))", "FloorDiv(Symbol('s'), Integer(0))",
    "Pow(Symbol('s'), Integer(63))", "Symbol('t')", "Surprise(Symbol('s'), Integer(1))", "FloorDiv(Integer(-9223372036854775808), Integer(-1))",
  ])
  func hasNoValue(text: String) throws { #expect(try #require(SymbolExpression(text)).value { $0 == "s" ? 7 : nil } == nil) }

  @Test func solvesWhatIsLinear() throws {
    let text = "Add(Mul(Integer(2), Symbol('s')), Symbol('t'))"
    let expression = try #require(SymbolExpression(text))
    let t: (String) -> Int64? = { $0 == "t" ? 3 : nil }
    #expect(expression.solution(for: "s", total: 13, t) == .some(5))
    #expect(expression.solution(for: "s", total: 14, t) == .some(.none))
    #expect(expression.solution(for: "s", total: 13) { _ in nil } == nil)
    #expect(try #require(SymbolExpression("Pow(Symbol('s'), Integer(2))")).solution(for: "s", total: 9) { _ in nil } == nil)
    #expect(try #require(SymbolExpression("Mul(Symbol('s'), Symbol('s'))")).solution(for: "s", total: 9) { _ in nil } == nil)
  }

  @Test func refusesDepth() {
    let deep = String(repeating: "Add(", count: 10_000) + "Integer(1)" + String(repeating: ")", count: 10_000)
    #expect(SymbolExpression.name(of: deep) == nil)
  }
}
