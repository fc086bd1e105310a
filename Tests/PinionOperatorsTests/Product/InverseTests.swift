import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct InverseTests {
  /// A matrix times its inverse is the identity; rows that are out of order make every column look for its pivot.
  @Test(arguments: [1, 2, 3, 7, 20]) func timesItself(_ size: Int) throws {
    let count = size * size
    let x = (0..<3 * count).map { index in
      let (row, column) = (index % count / size, index % size)
      return Double(index * 37 % 19 - 9) / 20 + ((row + 1 + index / count) % size == column ? Double(size) : 0)
    }
    let y = try evaluate("Inverse", domain: "com.microsoft", [try tensor(x, [3, size, size])])
    let single = try evaluate("Inverse", domain: "com.microsoft", [try tensor(x.map(Float.init), [3, size, size])])
    let inverse = Array(try y.elements(as: Double.self))
    for (a, b) in zip(try single.elements(as: Float.self), inverse) { #expect(abs(Double(a) - b) < 1e-5) }
    for matrix in 0..<3 {
      for row in 0..<size {
        for column in 0..<size {
          let start = matrix * count
          let sum = (0..<size).reduce(0.0) { $0 + x[start + row * size + $1] * inverse[start + $1 * size + column] }
          #expect(abs(sum - (row == column ? 1 : 0)) < 1e-10)
        }
      }
    }
  }

  @Test func noInverse() throws {
    let y = try evaluate("Inverse", domain: "com.microsoft", [try tensor([0, 0, 0, 0] as [Float], [2, 2])])
    #expect(try y.elements(as: Float.self).allSatisfy { !$0.isFinite })
    #expect(throws: PinionError.self) { try evaluate("Inverse", domain: "com.microsoft", [try tensor([1, 2] as [Float], [1, 2])]) }
  }
}

/// Products with weights of 4 bits by the tables of bitsandbytes.
@Suite struct MatMulBnb4Tests {
  private let tables: [[Float]] = [
    [0, 0.0052083333, 0.6666667, 1, 0.33333333, 0.5, 0.16666667, 0.25, 0, -0.0052083333, -0.6666667, -1, -0.33333333, -0.5, -0.16666667, -0.25],
    [
      -1, -0.6961928, -0.52507305, -0.3949175, -0.28444138, -0.18477343, -0.091050036, 0, 0.0795803, 0.1609302, 0.2461123, 0.33791524, 0.44070983,
      0.562617, 0.72295684, 1,
    ],
  ]

  @Test(arguments: [0, 1], [1, 4, 70]) func products(kind: Int, rows: Int) throws {
    for (n, k) in [(1, 1), (3, 21), (40, 33)] {
      let codes = (0..<n * k).map { $0 * 7 % 16 }, scales = (0..<(n * k + 15) / 16).map { Float($0 % 5 + 1) / 4 }
      var bytes = [UInt8](repeating: 0, count: (n * k + 1) / 2)
      for (index, code) in codes.enumerated() { bytes[index / 2] |= UInt8(index % 2 == 0 ? code << 4 : code) }
      let a = (0..<rows * k).map { Float($0 * 5 % 13 - 6) / 8 }
      let expected = (0..<rows).flatMap { row in
        (0..<n).map { column in
          (0..<k).reduce(Float(0)) { sum, depth in
            let index = column * k + depth
            return sum + a[row * k + depth] * tables[kind][codes[index]] * scales[index / 16]
          }
        }
      }
      let y = try evaluate(
        "MatMulBnb4", domain: "com.microsoft",
        attributes: ["K": .int(Int64(k)), "N": .int(Int64(n)), "block_size": .int(16), "quant_type": .int(Int64(kind))],
        [try tensor(a, [rows, k]), try tensor(bytes, [bytes.count]), try tensor(scales, [scales.count])], constants: [1, 2])
      try expect(y, near: expected, [rows, n])
    }
  }

  @Test func operandsAreChecked() throws {
    let a = try tensor([1, 2] as [Float], [1, 2]), b = try tensor([1, 2] as [UInt8], [2]), scale = try tensor([1] as [Float], [1])
    let attributes: [String: AttributeValue] = ["K": .int(2), "N": .int(2), "block_size": .int(16), "quant_type": .int(1)]
    #expect(try evaluate("MatMulBnb4", domain: "com.microsoft", attributes: attributes, [a, b, scale]).shape.dims == [1, 2])
    for (name, value) in [("K", 3), ("N", 3), ("block_size", 24), ("quant_type", 2), ("transB", 0)] as [(String, Int64)] {
      #expect(throws: PinionError.self) {
        try evaluate("MatMulBnb4", domain: "com.microsoft", attributes: attributes.merging([name: .int(value)]) { $1 }, [a, b, scale])
      }
    }
  }
}
