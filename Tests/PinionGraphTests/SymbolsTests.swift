import PinionGraph
import Testing

@Suite struct SymbolsTests {
  private let symbols = Symbols()

  @Test func sumsAreTheSameWhereverTheSameIsAdded() throws {
    let past = symbols.named("past"), new = symbols.named("new")
    let total = try #require(symbols.sum(of: [past, new]))
    #expect(symbols.sum(of: [new, past]) == total)
    #expect(symbols.sum(of: [new, 2, past, 3]) == symbols.sum(of: [5, total]))
    #expect(symbols.sum(of: [past, past]) == symbols.product(of: [2, past]))
    #expect(symbols.difference(total, past) == new)
    #expect(symbols.difference(past, total) == nil)
    #expect(symbols.remainder(total, behind: new) == past)
    #expect(symbols.extent(symbols.extent(past, plus: 3), plus: -3) == past)
    #expect(symbols.extent(past, plus: -3) == nil)
    #expect(symbols.sum(of: [past, nil]) == nil)
  }

  @Test func productsAreTakenApart() throws {
    let batch = symbols.named("batch"), rows = symbols.named("rows")
    let all = try #require(symbols.product(of: [batch, rows, 8]))
    #expect(symbols.product(of: [8, rows, batch]) == all)
    #expect(symbols.rest(of: [all], without: [batch, 2]) == symbols.product(of: [4, rows]))
    #expect(symbols.quotient(all, by: 8) == symbols.product(of: [rows, batch]))
    #expect(symbols.product(of: [0, nil]) == 0)
    #expect(symbols.rest(of: [batch], without: [rows]) == nil)
  }

  @Test func expressionsHaveTheNumbersOfTheirParts() throws {
    let names = ["a": 7, "b": 3]
    let a = symbols.named("a"), b = symbols.named("b")
    let cases: [(Int?, Int)] = [
      (symbols.sum(of: [a, b, 4]), 14), (symbols.product(of: [a, 2, b]), 42), (symbols.quotient(a, by: 2), 3),
      (symbols.quotient(a, roundedUpBy: 2), 4), (symbols.quotient(b, roundedUpBy: 3), 1), (symbols.minimum(a, 5), 5), (symbols.minimum(a, b), 3),
      (symbols.remainder(a, behind: b), 4), (symbols.remainder(b, behind: a), 0),
      (symbols.windows(over: a, reach: 3, stride: 2, padding: 1), 3),
      (symbols.rest(of: [symbols.sum(of: [a, b]), b], without: [b]), 10),
    ]
    for (extent, number) in cases { #expect(symbols.number(try #require(extent), where: names) == number) }
    #expect(symbols.number(a, where: [:]) == nil)
  }

  @Test func theSmallerOfTwoIsBroadcastToTheOther() throws {
    let rows = symbols.named("rows"), columns = symbols.named("columns")
    let cut = try #require(symbols.minimum(rows, 1024))
    #expect(Fact.broadcast([[cut], [rows]], symbols) == [rows])
    // A bound that may be 0 leaves nothing of a single element.
    #expect(Fact.broadcast([[symbols.minimum(rows, columns)], [rows]], symbols) == [nil])
  }
}
