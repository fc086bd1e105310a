import PinionTensor
import Testing

@testable import PinionGraph

/// A table does what a dictionary does, in an order of its own.
@Suite struct ConstantTableTests {
  @Test func doesWhatADictionaryDoes() throws {
    var random = SystemRandomNumberGenerator()
    var table = ConstantTable(), reference: [ValueID: Int64] = [:]
    for step in 0..<4000 {
      let value = ValueID(index: Int.random(in: 0..<60, using: &random))
      if Bool.random(using: &random) {
        table[value] = try Tensor([Int64(step)], Shape([1]))
        reference[value] = Int64(step)
      } else {
        table[value] = nil
        reference[value] = nil
      }
      #expect(table.count == reference.count)
      #expect(table.contains(value) == (reference[value] != nil))
      for index in 0..<70 {
        let value = ValueID(index: index)
        try #require(try table[value]?.integers().first == reference[value])
      }
      try #require(Dictionary(uniqueKeysWithValues: try table.map { ($0.key, try $0.value.integers()[0]) }) == reference)
      try #require(Array(table.keys) == table.map(\.key))
      try #require(table.values.count == table.count)
    }
  }

  @Test func keepsTheOrderOfWhatCame() throws {
    var table: ConstantTable = [:]
    for index in [5, 2, 9, 4] { table[ValueID(index: index)] = try Tensor([Int64(index)], Shape([1])) }
    table[ValueID(index: 2)] = try Tensor([Int64(7)], Shape([1]))
    #expect(table.keys.map(\.index) == [5, 2, 9, 4])
    // The last takes the place of the one that goes.
    table[ValueID(index: 5)] = nil
    #expect(table.keys.map(\.index) == [4, 2, 9])
  }

  @Test func aCopyStaysAsItIs() throws {
    var table = ConstantTable()
    table[ValueID(index: 3)] = try Tensor([Int64(1)], Shape([1]))
    let copy = table
    table[ValueID(index: 3)] = nil
    table[ValueID(index: 1)] = try Tensor([Int64(2)], Shape([1]))
    #expect(copy.count == 1 && copy.contains(ValueID(index: 3)) && !copy.contains(ValueID(index: 1)))
  }
}
