import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct ArgMaxTests {
  private let x = [2, 3, 2, 5, 5, 4] as [Float]

  @Test func firstOfEquals() throws {
    let y = try evaluate("ArgMax", attributes: ["axis": .int(1)], [try tensor(x, [2, 3])])
    try expect(y, [1, 0] as [Int64], [2, 1])
  }

  @Test func lastOfEquals() throws {
    let y = try evaluate(
      "ArgMax", attributes: ["axis": .int(-1), "keepdims": .int(0), "select_last_index": .int(1)], [try tensor(x, [2, 3])])
    try expect(y, [1, 1] as [Int64], [2])
  }

  @Test func outerAxisOfUnsigned() throws {
    let y = try evaluate("ArgMax", [try tensor([2, 3, 2, 5, 5, 4] as [UInt64], [2, 3])])
    try expect(y, [1, 1, 1] as [Int64], [1, 3])
  }

  @Test func emptyAxis() throws {
    #expect(throws: PinionError.self) { try evaluate("ArgMax", [try tensor([] as [Float], [0, 2])]) }
  }
}

@Suite struct ArgMinTests {
  private let x = [1, 2, 1, 5, 4, 4] as [Float]

  @Test func firstOfEquals() throws {
    let y = try evaluate("ArgMin", attributes: ["axis": .int(1)], [try tensor(x, [2, 3])])
    try expect(y, [0, 1] as [Int64], [2, 1])
  }

  @Test func lastOfEquals() throws {
    let y = try evaluate(
      "ArgMin", attributes: ["axis": .int(-1), "keepdims": .int(0), "select_last_index": .int(1)], [try tensor(x, [2, 3])])
    try expect(y, [2, 2] as [Int64], [2])
  }

  @Test func outerAxisOfUnsigned() throws {
    let y = try evaluate("ArgMin", [try tensor([1, 2, 1, 5, 4, 4] as [UInt64], [2, 3])])
    try expect(y, [0, 0, 0] as [Int64], [1, 3])
  }

  @Test func emptyAxis() throws {
    #expect(throws: PinionError.self) { try evaluate("ArgMin", [try tensor([] as [Float], [0, 2])]) }
  }
}
