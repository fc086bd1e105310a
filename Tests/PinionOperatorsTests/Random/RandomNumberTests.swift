import PinionGraph
import PinionTensor
import Testing

/// The specification fixes the distributions only, so these look at moments, ranges and seeds.
@Suite struct RandomNumberTests {
  @Test func normalNumbersHaveTheirMeanAndSpread() throws {
    let attributes: [String: AttributeValue] = [
      "shape": .ints([100, 200]), "mean": .float(3), "scale": .float(2), "seed": .float(1),
    ]
    let numbers = try evaluate("RandomNormal", attributes: attributes, []).elements(as: Float.self)
    let mean = numbers.reduce(0, +) / Float(numbers.count)
    let variance = numbers.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Float(numbers.count)
    #expect(numbers.count == 20_000 && abs(mean - 3) < 0.1 && abs(variance - 4) < 0.3)
  }

  @Test func uniformNumbersStayInTheirRange() throws {
    let attributes: [String: AttributeValue] = ["low": .float(-1), "high": .float(5), "seed": .float(2)]
    let like = try tensor([Float](repeating: 0, count: 10_000), [100, 100])
    let result = try evaluate("RandomUniformLike", attributes: attributes, [like])
    let numbers = try result.elements(as: Float.self)
    #expect(result.type == like.type && numbers.allSatisfy { $0 >= -1 && $0 < 5 })
    #expect(abs(numbers.reduce(0, +) / 10_000 - 2) < 0.1)
  }

  @Test func aSeedGivesTheSameNumbersAgain() throws {
    let attributes: [String: AttributeValue] = ["shape": .ints([16]), "seed": .float(7)]
    let first = try evaluate("RandomNormal", attributes: attributes, []).elements(as: Float.self)
    #expect(try evaluate("RandomNormal", attributes: attributes, []).elements(as: Float.self) == first)
  }
}
