import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct BatchNormalizationTests {
  private let x = [-0.81, -0.03, 0.88, -0.58, -0.11, 0.11, 0.06, -1.23, 0.08, 1.36, -1.55, 0.86] as [Float]

  private func inputs() throws -> [Value?] {
    [
      .tensor(try tensor(x, [2, 3, 2])), .tensor(try tensor([0.12, -0.64, 2] as [Float], [3])), .tensor(try tensor([0.76, -1.2,
        0.07] as [Float], [3])),
      .tensor(try tensor([0.58, -0.19, 0.68] as [Float], [3])), .tensor(try tensor([0.07, 0.67, 1.44] as [Float], [3])),
    ]
  }

  @Test func givenStatistics() throws {
    let y = try evaluate("BatchNormalization", try inputs(), constants: [1, 2, 3, 4])[0].asTensor()
    try expect(
      y, near: [0.1296003, 0.4833498, -2.03661, -0.8950673, -1.246662, -0.8799967, 0.524167, -0.0608802, -1.411107, -2.411912, -3.646654,
        0.369999],
      [2, 3, 2], tolerance: 1e-4)
  }

  @Test func training() throws {
    let outputs = try evaluate(
      "BatchNormalization", attributes: ["training_mode": .int(1), "momentum": .float(0.75)], try inputs(), outputCount: 3)
    try expect(
      try outputs[0].asTensor(),
      near: [0.691582, 0.8651301, -1.58316, -0.3260516, 0.2132126, 0.7173211, 0.8851549, 0.598133, -0.8943333, -1.996455, -3.086406,
        2.435873],
      [2, 3, 2], tolerance: 1e-4)
    try expect(try outputs[1].asTensor(), near: [0.309375, -0.03375, 0.466875], [3])
    try expect(try outputs[2].asTensor(), near: [0.1252172, 0.6406188, 1.270455], [3])
  }

  /// Without training the running and saved statistics are those that were given (opset 1 to 13 name them so).
  @Test(arguments: 2...5) func statisticsStayAsTheyAre(count: Int) throws {
    let inputs = try inputs()
    let outputs = try evaluate("BatchNormalization", inputs, outputCount: count)
    for index in 1..<count {
      let given = try #require(inputs[index % 2 == 1 ? 3 : 4]).asTensor()
      #expect(try outputs[index].asTensor().elements(as: Float.self) == given.elements(as: Float.self))
    }
  }

  @Test func wrongNumberOfChannels() throws {
    var inputs = try inputs()
    inputs[1] = .tensor(try tensor([1] as [Float], [1]))
    #expect(throws: PinionError.self) { try evaluate("BatchNormalization", inputs) }
  }
}
