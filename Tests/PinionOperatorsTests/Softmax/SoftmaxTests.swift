import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct SoftmaxTests {
  @Test func lastAxisWithoutOverflow() throws {
    try expect(try evaluate("Softmax", [try tensor([1, 2, 3, 1000, 1001, 999] as [Float], [2, 3])]), near: [0.09003057, 0.2447285,
      0.665241, 0.2447285, 0.665241, 0.09003057], [2, 3])
  }

  @Test func firstAxis() throws {
    let y = try evaluate("Softmax", attributes: ["axis": .int(0)], [try tensor([0, 1, 2, 0, 1, 1] as [Float], [3, 2])])
    try expect(y, near: [0.09003057, 0.4223188, 0.665241, 0.1553624, 0.2447285, 0.4223188], [3, 2])
  }

  @Test func doublePrecision() throws {
    let y = try evaluate("Softmax", [try tensor([0, 0] as [Double], [2])])
    try expect(y, [0.5, 0.5] as [Double], [2])
  }

  @Test func axisOutOfRange() throws {
    #expect(throws: PinionError.self) { try evaluate("Softmax", attributes: ["axis": .int(2)], [try tensor([1, 2, 3, 1000, 1001,
      999] as [Float], [2, 3])]) }
  }
}

@Suite struct LogSoftmaxTests {
  @Test func lastAxisWithoutOverflow() throws {
    try expect(try evaluate("LogSoftmax", [try tensor([1, 2, 3, 1000, 1001, 999] as [Float], [2, 3])]), near: [-2.407606, -1.407606,
      -0.407606, -1.407606, -0.407606, -2.407606], [2, 3])
  }

  @Test func firstAxis() throws {
    let y = try evaluate("LogSoftmax", attributes: ["axis": .int(0)], [try tensor([0, 1, 2, 0, 1, 1] as [Float], [3, 2])])
    try expect(y, near: [-2.407606, -0.8619948, -0.407606, -1.861995, -1.407606, -0.8619948], [3, 2])
  }

  @Test func doublePrecision() throws {
    let y = try evaluate("LogSoftmax", [try tensor([0, 0] as [Double], [2])])
    try expect(y, [-0.6931471805599453, -0.6931471805599453] as [Double], [2])
  }

  @Test func axisOutOfRange() throws {
    #expect(throws: PinionError.self) { try evaluate("LogSoftmax", attributes: ["axis": .int(2)], [try tensor([1, 2, 3, 1000, 1001,
      999] as [Float], [2, 3])]) }
  }
}
