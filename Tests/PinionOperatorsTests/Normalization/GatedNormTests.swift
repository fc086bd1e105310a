import Foundation
import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct GatedNormTests {
  private func normalized(_ row: ArraySlice<Float>, _ epsilon: Float) -> [Float] {
    let mean = row.reduce(0) { $0 + $1 * $1 } / Float(row.count)
    return row.map { $0 / (mean + epsilon).squareRoot() }
  }

  /// x / sqrt(mean(x^2) + epsilon) * scale * f(gate), in groups as long as the scale.
  @Test(arguments: ["silu", "swish", "sigmoid"]) func gated(_ function: String) throws {
    let x = (0..<24).map { Float($0 * 7 % 11) - 5 }, gate = (0..<24).map { Float($0 * 5 % 13) / 3 - 2 }, scale: [Float] = [1, -2, 0.5, 3]
    let expected = (0..<6).flatMap { row in
      normalized(x[row * 4..<row * 4 + 4], 0.1).enumerated().map { index, value in
        let z = gate[row * 4 + index], s = 1 / (1 + exp(-z))
        return value * scale[index] * (function == "sigmoid" ? s : z * s)
      }
    }
    let y = try evaluate(
      "GatedRMSNorm", domain: "com.microsoft", attributes: ["epsilon": .float(0.1), "activation": .string(function)],
      [try tensor(x, [3, 8]), try tensor(scale, [4]), try tensor(gate, [3, 8])])
    try expect(y, near: expected, [3, 8])
  }

  @Test func branches() throws {
    let x = (0..<24).map { Float($0 * 7 % 11) - 5 }, scale = (0..<8).map { Float($0) / 4 - 1 }
    for (count, dims) in [(0, [8]), (4, [4]), (8, [8]), (8, [2, 4])] as [(Int, [Int])] {
      let expected = (0..<6).flatMap { row in
        normalized(x[row * 4..<row * 4 + 4], 1e-5).enumerated().map { index, value in
          value * (count == 0 ? 1 : scale[count == 4 ? index : row % 2 * 4 + index])
        }
      }
      let factors = count == 0 ? nil : try tensor(Array(scale[..<count]), dims)
      let grouped = try evaluate("BranchwiseRMSNorm", domain: "com.microsoft", [try tensor(x, [3, 2, 4]), factors])
      try expect(grouped, near: expected, [3, 2, 4])
      let flat = try evaluate("BranchwiseRMSNorm", domain: "com.microsoft", attributes: ["num_branches": .int(2)], [try tensor(x, [3, 8]), factors])
      try expect(flat, near: expected, [3, 8])
    }
  }

  @Test func operandsAreChecked() throws {
    let x = try tensor([Float](repeating: 1, count: 6), [2, 3]), two = try tensor([1, 1] as [Float], [2])
    #expect(throws: PinionError.self) { try evaluate("GatedRMSNorm", domain: "com.microsoft", [x, two, x]) }
    #expect(throws: PinionError.self) { try evaluate("GatedRMSNorm", domain: "com.microsoft", [x, try tensor([1] as [Float], [1]), two]) }
    #expect(throws: PinionError.self) { try evaluate("BranchwiseRMSNorm", domain: "com.microsoft", [x, two]) }
    #expect(throws: PinionError.self) { try evaluate("BranchwiseRMSNorm", domain: "com.microsoft", attributes: ["num_branches": .int(2)], [x]) }
  }
}
