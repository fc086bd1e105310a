import Testing

@testable import PinionRuntime

@Suite struct SharedTableTests {
  private func base() -> SharedTable<String> {
    var table = SharedTable((0..<8).map { "b\($0)" })
    table.share()
    return table
  }

  @Test func aVersionDiffersWhereItWasWritten() {
    let base = base()
    var version = base
    version[2] = "x"
    version[5] = "y"
    version[2] = "z"
    #expect(version.indices.map { version[$0] } == ["b0", "b1", "z", "b3", "b4", "y", "b6", "b7"])
    #expect(base.indices.map { base[$0] } == (0..<8).map { "b\($0)" })
    #expect(version.sharesBase(with: base))
    var own: [Int: String] = [:]
    version.forEachOwn { own[$0] = $1 }
    #expect(own == [2: "z", 5: "y"])
    #expect(version.shared(at: 2) == "b2")
  }

  @Test func versionsOfAVersionAreApart() {
    var first = base()
    first[1] = "x"
    first.share()
    var second = first
    second[1] = "y"
    second[3] = "z"
    #expect(first[1] == "x" && first[3] == "b3")
    #expect(second[1] == "y" && second[3] == "z")
  }

  /// Elements that differ are among those that either version has of its own, whichever of them has it.
  @Test func differencesAreThoseOfEither() {
    var first = base(), second = base()
    #expect(!first.sharesBase(with: second))
    second = first
    first[1] = "x"
    second[6] = "y"
    first[4] = "same"
    second[4] = "same"
    var seen: [Int] = []
    _ = first.differences(from: second) {
      seen.append($0)
      return true
    }
    #expect(seen.sorted() == [1, 4, 6])
    #expect(!first.differences(from: second) { $0 != 6 })
    #expect(first.differences(from: base()) { $0 < 8 })
  }

  @Test func aVersionWithLittleInCommonGetsABaseOfItsOwn() {
    let base = base()
    var version = base
    for index in 0..<5 { version[index] = "x" }
    version.share()
    #expect(!version.sharesBase(with: base))
    #expect(version.indices.map { version[$0] } == ["x", "x", "x", "x", "x", "b5", "b6", "b7"])
    #expect(base[0] == "b0")
  }

  @Test func whatSharesNothingIsWrittenInPlace() {
    var table = SharedTable<Int>()
    for number in 0..<4 { table.append(number) }
    table[2] = 7
    #expect(table.count == 4 && table[2] == 7)
    table.forEachOwn { index, _ in Issue.record("\(index) is beside the base") }
    let copy = table
    #expect(!table.sharesBase(with: copy))
  }
}

@Suite struct PositionSetTests {
  @Test(arguments: [1, 63, 64, 65, 200]) func numbersComeInOrder(limit: Int) {
    var set = PositionSet(limit: limit)
    let numbers = [limit - 1, 0, limit / 2, limit - 1, min(63, limit - 1), min(64, limit - 1)]
    for number in numbers { set.insert(number) }
    var found: [Int] = []
    var start = 0
    while let next = set.first(from: start) {
      found.append(next)
      set.remove(next)
      start = next
    }
    #expect(found == Set(numbers).sorted())
  }

  /// What comes in behind the number at hand is found in the same walk, in the same word and in later ones.
  @Test func numbersAddedOnTheWayAreFound() {
    var set = PositionSet(limit: 400)
    set.insert(3)
    var found: [Int] = []
    var start = 0
    while let next = set.first(from: start) {
      found.append(next)
      set.remove(next)
      if next < 200 { set.insert(next * 2) }
      start = next
    }
    #expect(found == [3, 6, 12, 24, 48, 96, 192, 384])
  }

  @Test func nothingIsThere() {
    #expect(PositionSet(limit: 0).first(from: 0) == nil)
    #expect(PositionSet(limit: 64).first(from: 64) == nil)
  }
}
