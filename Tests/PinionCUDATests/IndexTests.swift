import PinionBase
import Testing

@testable import PinionCUDA

extension WithFakeDriver {
  /// That the host's descriptions of kernels that move, choose and turn elements are what the kernels take.
  @Suite struct Indices {
    typealias Bench = Kernels.Bench
    let fake = FakeDriver.shared

    @Test func elementsAndTuples() throws {
      let bench = try Bench(fake)
      let data: [UInt32] = (0..<12).map { UInt32($0) }  // [2, 3, 2]
      let indices: [Int64] = [2, -3, 0, 1]  // [2, 1, 2]
      let x = try bench.place(data), y = try bench.place([UInt32](repeating: 0, count: 4)), fault = try bench.place([Int32.max])
      try bench.run(
        try .elements(.gather, elementBytes: 4, from: x, indices: try bench.place(indices), y: y, fault: fault, outer: 2, extent: 3, inner: 2, picked: 1))
      #expect(try bench.stream.read(y, 4, as: UInt32(0)) == [4, 1, 6, 9])
      try bench.run(
        try .elements(
          .scatter, elementBytes: 4, from: try bench.place([UInt32](arrayLiteral: 70, 71, 72, 73)), indices: try bench.place(indices), y: x,
          fault: fault, outer: 2, extent: 3, inner: 2, picked: 1))
      #expect(try bench.stream.read(x, 12, as: UInt32(0)) == [0, 71, 2, 3, 70, 5, 72, 7, 8, 73, 10, 11])
      let z = try bench.place((0..<12).map { Float($0) })
      try bench.run(
        try .tuples(
          .scatterAdd, elementBytes: 4, from: try bench.place([Float](repeating: 100, count: 4)), indices: try bench.place([Int64](arrayLiteral: 1, -1, 1, 2)),
          y: z, fault: fault, extents: [2, 3], inner: 2, tuples: 2))
      #expect(try bench.stream.read(z, 12, as: Float(0)) == [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 210, 211])
      #expect(try bench.stream.read(fault, 1, as: Int32(0)) == [.max])
      try bench.run(
        try .tuples(.gather, elementBytes: 4, from: z, indices: try bench.place([Int64](arrayLiteral: 0, 0, 2, 0)), y: y, fault: fault, extents: [2, 3], inner: 2, tuples: 2))
      #expect(try bench.stream.read(fault, 1, as: Int32(0)) == [1])
      #expect(throws: PinionError.self) {
        try KernelCall.tuples(.scatterAdd, elementBytes: 2, from: x, indices: x, y: x, fault: fault, extents: [2], inner: 1, tuples: 1)
      }
    }

    @Test func theGreatestAndTheLeast() throws {
      let bench = try Bench(fake)
      let values: [Float] = [3, .nan, 1, 3, -2, 7, 0, -0.0]
      let x = try bench.place(values), y = try bench.place([Float](repeating: 0, count: 4)), indices = try bench.place([Int64](repeating: 0, count: 4))
      try bench.run(try .topK(.f32, rows: 1, columns: 8, k: 4, x: x, y: y, indices: indices))
      #expect(try bench.stream.read(indices, 4, as: Int64(0)) == [1, 5, 0, 3])
      try bench.run(try .topK(.f32, rows: 1, columns: 8, k: 4, isLeast: true, x: x, y: y, indices: indices))
      #expect(try bench.stream.read(indices, 4, as: Int64(0)) == [4, 6, 7, 2])
      #expect(try bench.stream.read(y, 4, as: Float(0)) == [-2, 0, 0, 1])
      #expect(throws: PinionError.self) { try KernelCall.topK(.f32, rows: 1, columns: 5000, k: 2000, x: x, y: y, indices: indices) }
    }

    @Test func paddingAndSlices() throws {
      let bench = try Bench(fake)
      let x = try bench.place([UInt16](arrayLiteral: 1, 2, 3, 4, 5, 6))  // [2, 3]
      let y = try bench.place([UInt16](repeating: 0, count: 21))
      let wanted: [(PaddingMode, [UInt16])] = [
        (.constant, [258, 258, 258, 258, 258, 258, 258, 258, 258, 1, 2, 3, 258, 258, 258, 258, 4, 5, 6, 258, 258]),
        (.edge, [1, 1, 1, 2, 3, 3, 3, 1, 1, 1, 2, 3, 3, 3, 4, 4, 4, 5, 6, 6, 6]),
        (.reflect, [6, 5, 4, 5, 6, 5, 4, 3, 2, 1, 2, 3, 2, 1, 6, 5, 4, 5, 6, 5, 4]),
        (.wrap, [5, 6, 4, 5, 6, 4, 5, 2, 3, 1, 2, 3, 1, 2, 5, 6, 4, 5, 6, 4, 5]),
      ]
      for (mode, elements) in wanted {
        try bench.run(try .padding(elementBytes: 2, mode, x: x, y: y, shape: [2, 3], begin: [1, 2], end: [0, 2], value: [2, 1]))
        #expect(try bench.stream.read(y, 21, as: UInt16(0)) == elements, "\(mode)")
      }
      try bench.run(try .padding(elementBytes: 2, .constant, x: x, y: y, shape: [2, 3], begin: [0, -1], end: [0, 1], value: [0, 0]))
      #expect(try bench.stream.read(y, 6, as: UInt16(0)) == [2, 3, 0, 5, 6, 0])
      // What is cut off is not repeated.
      let repeated: [(PaddingMode, [UInt16])] = [
        (.constant, [2, 3, 9, 9, 5, 6, 9, 9]), (.edge, [2, 3, 3, 3, 5, 6, 6, 6]), (.reflect, [2, 3, 2, 3, 5, 6, 5, 6]), (.wrap, [2, 3, 2, 3, 5, 6, 5, 6]),
      ]
      for (mode, elements) in repeated {
        try bench.run(try .padding(elementBytes: 2, mode, x: x, y: y, shape: [2, 3], begin: [0, -1], end: [0, 2], value: [9, 0]))
        #expect(try bench.stream.read(y, 8, as: UInt16(0)) == elements, "\(mode)")
      }
      // As many before as are cut off behind, between axes that stay; rows of which nothing is left.
      try bench.run(try .padding(elementBytes: 2, .constant, x: x, y: y, shape: [1, 2, 1, 3], begin: [0, 1, 0, 0], end: [0, -1, 0, 0], value: [9, 0]))
      #expect(try bench.stream.read(y, 6, as: UInt16(0)) == [9, 9, 9, 1, 2, 3])
      try bench.run(try .padding(elementBytes: 2, .edge, x: x, y: y, shape: [2, 1, 3], begin: [-1, 0, 0], end: [0, 1, 0], value: [9, 0]))
      #expect(try bench.stream.read(y, 6, as: UInt16(0)) == [4, 5, 6, 4, 5, 6])
      try bench.run(try .padding(elementBytes: 2, .constant, x: x, y: y, shape: [2, 3], begin: [0, 4], end: [0, -3], value: [9, 0]))
      #expect(try bench.stream.read(y, 8, as: UInt16(0)) == [9, 9, 9, 9, 9, 9, 9, 9])
      #expect(throws: PinionError.self) {
        try KernelCall.padding(elementBytes: 2, .reflect, x: x, y: y, shape: [2, 3], begin: [0, 4], end: [0, -3], value: [9, 0])
      }
      try bench.run(try .slice(elementBytes: 2, x: x, y: y, shape: [2, 3], start: [1, 2], extents: [2, 2], step: [-1, -2]))
      #expect(try bench.stream.read(y, 4, as: UInt16(0)) == [6, 4, 3, 1])
      #expect(throws: PinionError.self) { try KernelCall.slice(elementBytes: 2, x: x, y: y, shape: [2, 3], start: [0, 2], extents: [1, 2], step: [1, 1]) }
    }

    @Test func castsAndQuantisation() throws {
      let bench = try Bench(fake)
      let x = try bench.place([Float](arrayLiteral: 1.5, -2.75, 300, 0, -129)), y = try bench.place([Int64](repeating: 0, count: 5))
      try bench.run(try .cast(.f32, to: .i64, x: x, y: y, count: 5))
      #expect(try bench.stream.read(y, 5, as: Int64(0)) == [1, -2, 300, 0, -129])
      try bench.run(try .cast(.f32, to: .f16, x: x, y: y, count: 5))
      #expect(try bench.stream.read(y, 5, as: Float16(0)) == [1.5, -2.75, 300, 0, -129])
      try bench.run(try .cast(.f32, to: .bool, x: x, y: y, count: 5))
      #expect(try bench.stream.read(y, 5, as: UInt8(0)) == [1, 1, 1, 0, 1])
      var chain = ElementwiseChain(inputs: [.f32])
      try chain.addOutput(try chain.addQuantization(0, scale: 0.5, zero: 10, to: .u8), as: .u8)
      try bench.run(try .elementwise(chain, shapes: [[5]], output: [5], x: [x], y: [y]))
      // 1.5 / 0.5 + 10; -2.75 / 0.5 = -5.5, to the even -6; beyond both ends.
      #expect(try bench.stream.read(y, 5, as: UInt8(0)) == [13, 4, 255, 10, 0])
    }

    @Test func rotaryPlaces() throws {
      let bench = try Bench(fake)
      // Turned by a right angle at place 1, not at place 0.
      let cosine: [Float] = [1, 1, 0, 0], sine: [Float] = [0, 0, 1, 1]
      let x = try bench.place([Float](arrayLiteral: 1, 2, 3, 4, 9, 1, 2, 3, 4, 9)), y = try bench.place([Float](repeating: 0, count: 10))
      let fault = try bench.place([Int32.max])
      func rows(_ address: DeviceAddress) -> AttentionOperand { AttentionOperand(address, batchStep: 10, headStep: 10, rowStep: 5) }
      var sizes = RotarySizes(batch: 1, heads: 1, rows: 2, size: 5, turned: 4, tableRows: 2)
      let c = try bench.place(cosine), s = try bench.place(sine)
      try bench.run(try .rotary(.f32, sizes, x: rows(x), cosine: c, sine: s, y: rows(y), fault: fault))
      #expect(try bench.stream.read(y, 10, as: Float(0)) == [1, 2, 3, 4, 9, -3, -4, 1, 2, 9])
      sizes.isInterleaved = true
      try bench.run(
        try .rotary(.f32, sizes, x: rows(x), cosine: c, sine: s, positions: try bench.place([Int64](arrayLiteral: 1, 5)), positionStep: 2, y: rows(y), fault: fault))
      #expect(try bench.stream.read(y, 5, as: Float(0)) == [-2, 1, -4, 3, 9])
      #expect(try bench.stream.read(fault, 1, as: Int32(0)) == [1])
    }
  }
}
