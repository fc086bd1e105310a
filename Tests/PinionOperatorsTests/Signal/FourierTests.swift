import Glibc
import PinionGraph
import PinionOperators
import PinionTensor
import Testing

@Suite struct DFTTests {
  /// Lengths with every kind of pass: powers of two and four, other small factors, and a prime that needs a convolution.
  @Test(arguments: [1, 2, 4, 8, 12, 30, 49, 64, 37, 97, 100]) func againstTheDefinition(_ length: Int) throws {
    let x = (0..<(2 * length)).map { Double(($0 * 5) % 7) - 3 }
    for isInverse in [false, true] {
      var expected: [Double] = []
      for k in 0..<length {
        var re = 0.0, im = 0.0
        for n in 0..<length {
          let angle = (isInverse ? 2 : -2) * Double.pi * Double(k * n % length) / Double(length)
          re += x[2 * n] * cos(angle) - x[2 * n + 1] * sin(angle)
          im += x[2 * n] * sin(angle) + x[2 * n + 1] * cos(angle)
        }
        expected += isInverse ? [re / Double(length), im / Double(length)] : [re, im]
      }
      let y = try evaluate(
        "DFT", attributes: ["inverse": .int(isInverse ? 1 : 0)], [try tensor(x, [1, length, 2]), nil, try tensor([1] as [Int64], [])])
      for (a, b) in zip(try y.elements(as: Double.self), expected) { #expect(abs(a - b) < 1e-10 * Double(length), "length \(length)") }
    }
  }

  @Test func oneSidedThereAndBack() throws {
    let x = try tensor([1, 2, -3, 4, 0.5, 6] as [Float], [1, 6, 1]), axis = try tensor([-2] as [Int64], [])
    let spectrum = try evaluate("DFT", attributes: ["onesided": .int(1)], [x, nil, axis])
    #expect(spectrum.shape.dims == [1, 4, 2])
    let back = try evaluate("DFT", attributes: ["onesided": .int(1), "inverse": .int(1)], [spectrum, nil, axis])
    try expect(back, near: [1, 2, -3, 4, 0.5, 6], [1, 6, 1])
  }

  @Test func lengthPadsOrCuts() throws {
    let x = try tensor([1, 2, 3] as [Float], [1, 3, 1])
    let longer = try evaluate("DFT", [x, try tensor([4] as [Int64], [])])
    try expect(longer, near: [6, 0, -2, -2, 2, 0, -2, 2], [1, 4, 2])
    try expect(try evaluate("DFT", [x, try tensor([2] as [Int64], [])]), near: [3, 0, -1, 0], [1, 2, 2])
    #expect(throws: (any Error).self) { try evaluate("DFT", [x, try tensor([0] as [Int64], [])]) }
  }

  @Test func axisOfOldOpsets() throws {
    var draft = NodeDraft(domain: "", name: "DFT", opset: 17, attributes: [:], inputs: [.none])
    try DFT.adapt(&draft)
    guard case .constant(let axis) = draft.inputs[2] else { Issue.record("no axis"); return }
    #expect(try axis.integers() == [1])
  }
}

@Suite struct STFTTests {
  @Test func framesOfAnImpulse() throws {
    // The second sample alone is 1: its transform in the first frame turns with the frequency, in the second it is flat.
    let signal = try tensor([0, 1, 0, 0, 0, 0] as [Float], [1, 6, 1])
    let y = try evaluate(
      "STFT", [signal, try tensor([1] as [Int64], []), try tensor([1, 2, 1, 1] as [Float], [4])])
    try expect(y, near: [2, 0, 0, -2, -2, 0, 1, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0], [1, 3, 3, 2])
  }

  @Test func windowHasToFit() throws {
    let signal = try tensor([Float](repeating: 1, count: 8), [1, 8, 1]), step = try tensor([2] as [Int64], [])
    #expect(throws: (any Error).self) {
      try evaluate("STFT", [signal, step, try tensor([1, 1] as [Float], [2]), try tensor([4] as [Int64], [])])
    }
    let standing = try tensor([0] as [Int64], [])
    #expect(throws: (any Error).self) { try evaluate("STFT", [signal, standing, nil, try tensor([4] as [Int64], [])]) }
  }
}

@Suite struct WindowTests {
  @Test func hann() throws {
    try expect(try evaluate("HannWindow", [try tensor([4] as [Int64], [])]), near: [0, 0.5, 1, 0.5], [4])
    let symmetric = try evaluate("HannWindow", attributes: ["periodic": .int(0)], [try tensor([5] as [Int32], [])])
    try expect(symmetric, near: [0, 0.5, 1, 0.5, 0], [5])
  }

  @Test func othersPeakInTheMiddle() throws {
    for name in ["HammingWindow", "BlackmanWindow"] {
      let y = try evaluate(name, attributes: ["periodic": .int(0), "output_datatype": .int(11)], [try tensor([7] as [Int64], [])])
      let w = Array(try y.elements(as: Double.self))
      #expect(abs(w[3] - 1) < 1e-12)
      for index in 0..<3 { #expect(abs(w[index] - w[6 - index]) < 1e-12) }
    }
    try expect(try evaluate("HannWindow", attributes: ["periodic": .int(0)], [try tensor([1] as [Int64], [])]), near: [1], [1])
    #expect(throws: (any Error).self) { try evaluate("HannWindow", [try tensor([-1] as [Int64], [])]) }
  }
}

@Suite struct MelWeightMatrixTests {
  /// The example of the ONNX specification.
  @Test func example() throws {
    let y = try evaluate(
      "MelWeightMatrix",
      [
        try tensor([8] as [Int64], []), try tensor([16] as [Int64], []), try tensor([8192] as [Int64], []), try tensor([0] as [Float], []),
        try tensor([4096] as [Float], []),
      ])
    #expect(y.shape.dims == [9, 8])
    let w = Array(try y.elements(as: Float.self))
    #expect(w[0] == 1 && w[8] == 1 - 1 && w.allSatisfy { $0 >= 0 && $0 <= 1 })
    for band in 0..<8 { #expect((0..<9).contains { w[$0 * 8 + band] == 1 }) }
  }
}
