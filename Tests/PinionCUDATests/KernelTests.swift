import PinionBase
import Testing

@testable import PinionCUDA

extension WithFakeDriver {
  /// The kernels through their launch descriptions, on emulated threads, against plain loops.
  @Suite struct Kernels {
    let fake = FakeDriver.shared

    /// What a test needs of a device.
    final class Bench {
      let stream: DeviceStream
      let loader: KernelLoader
      private var held: [DeviceMemory] = []

      init(_ fake: FakeDriver) throws {
        let platform = try fake.platform()
        let context = try DeviceContext(0, of: platform)
        stream = try DeviceStream(context)
        loader = KernelLoader(context, platform: platform, cache: ImageCache(folder: nil))
      }

      func place<T>(_ values: [T]) throws -> DeviceAddress {
        let memory = try DeviceMemory(loader.context, bytes: values.count * MemoryLayout<T>.stride)
        held.append(memory)
        try stream.write(values, to: memory.address)
        return memory.address
      }

      func run(_ call: KernelCall) throws { try loader.launch(call, in: stream) }

      deinit { _ = try? stream.synchronize() }
    }

    private func close(_ got: [Float], _ wanted: [Double], within tolerance: Double) -> Bool {
      got.count == wanted.count
        && zip(got, wanted).allSatisfy { got, wanted in
          wanted.isNaN ? got.isNaN : Double(got) == wanted || abs(Double(got) - wanted) <= tolerance * max(1, abs(wanted))
        }
    }

    // MARK: Elementwise

    /// The position in a broadcast operand of `shape` of the output's element `index`.
    private func place(_ index: Int, _ output: [Int], _ shape: [Int]) -> Int {
      var rest = index, place = 0, step = 1
      for axis in output.indices.reversed() {
        let at = rest % output[axis]
        rest /= output[axis]
        let own = axis - (output.count - shape.count)
        guard own >= 0 else { continue }
        if shape[own] != 1 { place += at * step }
        step *= shape[own]
      }
      return place
    }

    static let broadcasts: [([[Int]], [Int])] = [
      ([[7], [7]], [7]), ([[1024], [1024]], [1024]), ([[5, 8], [8]], [5, 8]), ([[5, 7], [7]], [5, 7]), ([[3, 4], []], [3, 4]),
      ([[3, 4], [1, 1]], [3, 4]), ([[2, 1, 5], [3, 1]], [2, 3, 5]), ([[2, 3, 4, 5], [3, 1, 1]], [2, 3, 4, 5]), ([[1], [1]], [1]),
      ([[4, 1, 3, 1, 2], [1, 5, 1, 6, 1]], [4, 5, 3, 6, 2]), ([[], []], []), ([[6, 1], [1, 4]], [6, 4]),
    ]

    @Test func aChainUnderBroadcasting() throws {
      let bench = try Bench(fake)
      var generator = SeededGenerator(1)
      // y = silu(a * b + 0.5), and a > b.
      var chain = ElementwiseChain(inputs: [.f32, .f32])
      let half = chain.addConstant(0.5)
      let product = try chain.add(.multiply, 0, 1)
      let sum = try chain.add(.add, product, half)
      let result = try chain.add(.silu, sum)
      let isGreater = try chain.add(.greater, 0, 1)
      try chain.addOutput(result, as: .f32)
      try chain.addOutput(isGreater, as: .bool)
      for (index, (shapes, output)) in Kernels.broadcasts.enumerated() {
        fake.set("order", index)
        let count = output.reduce(1, *)
        let values = shapes.map { generator.floats($0.reduce(1, *)) }
        let x = try values.map { try bench.place($0) }
        let y = try bench.place([Float](repeating: .nan, count: count)), z = try bench.place([UInt8](repeating: 9, count: count))
        try bench.run(try .elementwise(chain, shapes: shapes, output: output, x: x, y: [y, z]))
        let pairs = (0..<count).map { i in (values[0][place(i, output, shapes[0])], values[1][place(i, output, shapes[1])]) }
        let wanted = pairs.map { a, b in
          let v = Double(a) * Double(b) + 0.5
          return v / (1 + exponential(-v))
        }
        #expect(close(try bench.stream.read(y, count, as: Float(0)), wanted, within: 1e-5), "\(shapes)")
        #expect(try bench.stream.read(z, count, as: UInt8(0)) == pairs.map { $0 > $1 ? 1 : 0 }, "\(shapes)")
      }
    }

    private func exponential(_ x: Double) -> Double {
      // exp by its series, so that no library function stands on both sides: exp(x) = exp(x / 2^10)^(2^10).
      let small = x / 1024
      var term = 1.0, sum = 1.0
      for k in 1...12 {
        term *= small / Double(k)
        sum += term
      }
      for _ in 0..<10 { sum *= sum }
      return sum
    }

    @Test func manyShapesKeepTheirTails() throws {
      let bench = try Bench(fake)
      var generator = SeededGenerator(2)
      var chain = ElementwiseChain(inputs: [.f16, .f16, .f16])
      let scaled = try chain.add(.multiply, 0, 1)
      try chain.addOutput(try chain.add(.add, scaled, 2), as: .f16)
      for trial in 0..<12 {
        fake.set("order", trial)
        let rows = Int.random(in: 1...40, using: &generator), columns = Int.random(in: 1...70, using: &generator)
        let shapes = [[rows, columns], [columns], trial % 2 == 0 ? [rows, columns] : []]
        let values = shapes.map { generator.floats($0.reduce(1, *)).map(Float16.init) }
        let x = try values.map { try bench.place($0) }
        let y = try bench.place([Float16](repeating: .nan, count: rows * columns))
        try bench.run(try .elementwise(chain, shapes: shapes, output: [rows, columns], x: x, y: [y]))
        let got = try bench.stream.read(y, rows * columns, as: Float16(0)).map(Float.init)
        let wanted = (0..<rows * columns).map { i in
          Double(values[0][i]) * Double(values[1][i % columns]) + Double(values[2][trial % 2 == 0 ? i : 0])
        }
        #expect(close(got, wanted, within: 1e-3), "\(shapes)")
      }
    }

    @Test func integersBooleansAndChoices() throws {
      let bench = try Bench(fake)
      var chain = ElementwiseChain(inputs: [.i64, .i64, .bool, .bf16])
      let isLess = try chain.add(.less, 0, 1)
      let both = try chain.add(.and, isLess, 2)
      let least = try chain.add(.minimum, 0, 1)
      let sum = try chain.add(.add, 0, 1)
      try chain.addOutput(try chain.add(.choose, both, least, sum), as: .i64)
      try chain.addOutput(try chain.addConversion(0, to: .i32), as: .i32)
      try chain.addOutput(try chain.add(.negative, 3), as: .bf16)
      let a: [Int64] = [1, -5, 1 << 40, 3, 7], b: [Int64] = [2, -9, 1 << 41, 3, 0], c: [UInt8] = [1, 1, 1, 0, 0]
      let d: [UInt16] = [0x3f80, 0xc000, 0x0000, 0x7f80, 0x4000]
      let x = [try bench.place(a), try bench.place(b), try bench.place(c), try bench.place(d)]
      let y = [try bench.place(a), try bench.place([Int32](repeating: 0, count: 5)), try bench.place(d)]
      try bench.run(try .elementwise(chain, shapes: [[5], [5], [5], [5]], output: [5], x: x, y: y))
      #expect(try bench.stream.read(y[0], 5, as: Int64(0)) == [1, -14, 1 << 40, 6, 7])
      #expect(try bench.stream.read(y[1], 5, as: Int32(0)) == [1, -5, 0, 3, 7])
      #expect(try bench.stream.read(y[2], 5, as: UInt16(0)) == [0xbf80, 0x4000, 0x8000, 0xff80, 0xc000])
    }

    /// Each function of one float, against its definition.
    @Test func everyFunctionOfOneFloat() throws {
      let bench = try Bench(fake)
      let unary = ElementwiseFunction.allCases.filter { $0.operandCount == 1 && $0 != .not }
      var chain = ElementwiseChain(inputs: [.f32])
      for function in unary { try chain.addOutput(try chain.add(function, 0), as: .f32) }
      let values: [Float] = [0.25, 0.5, 1, 1.5, 2, 3]
      let x = try bench.place(values)
      let y = try unary.map { _ in try bench.place([Float](repeating: 0, count: values.count)) }
      try bench.run(try .elementwise(chain, shapes: [[values.count]], output: [values.count], x: [x], y: y))
      func erf(_ x: Double) -> Double {
        // The integral of exp(-t^2) by Simpson's rule.
        let steps = 200, h = x / Double(steps)
        var sum = 1 + exponential(-x * x)
        for k in 1..<steps { sum += (k % 2 == 1 ? 4 : 2) * exponential(-(h * Double(k)) * (h * Double(k))) }
        return sum * h / 3 * 2 / 1.7724538509055160273
      }
      func tanh(_ x: Double) -> Double { 1 - 2 / (exponential(2 * x) + 1) }
      func logarithm(_ x: Double) -> Double {
        var y = 0.0
        for _ in 0..<40 { y += x / exponential(y) - 1 }
        return y
      }
      for (function, address) in zip(unary, y) {
        let wanted = values.map { value -> Double in
          let v = Double(value)
          switch function {
          case .negative: return -v
          case .absolute, .relu: return v
          case .exponential: return exponential(v)
          case .logarithm: return logarithm(v)
          case .squareRoot: return v.squareRoot()
          case .reciprocal: return 1 / v
          case .tanh: return tanh(v)
          case .erf: return erf(v)
          case .sigmoid: return 1 / (1 + exponential(-v))
          case .silu: return v / (1 + exponential(-v))
          case .gelu: return 0.5 * v * (1 + erf(v * 0.5.squareRoot()))
          case .geluTanh: return 0.5 * v * (1 + tanh((2 / 3.14159265358979).squareRoot() * (v + 0.044715 * v * v * v)))
          case .softplus: return logarithm(1 + exponential(v))
          default: return .infinity
          }
        }
        #expect(close(try bench.stream.read(address, values.count, as: Float(0)), wanted, within: 1e-5), "\(function)")
      }
    }

    @Test func whatDoesNotFitIsRefused() throws {
      var chain = ElementwiseChain(inputs: [.f32, .i32])
      #expect(throws: PinionError.self) { try chain.add(.add, 0, 1) }
      #expect(throws: PinionError.self) { try chain.add(.add, 0) }
      #expect(throws: PinionError.self) { try chain.add(.relu, 1) }
      #expect(throws: PinionError.self) { try chain.add(.relu, 5) }
      #expect(throws: PinionError.self) { try chain.add(.choose, 0, 0, 0) }
      #expect(throws: PinionError.self) { try chain.addOutput(0, as: .i32) }
      #expect(throws: PinionError.self) { try chain.addOutput(9, as: .f32) }
      let address = DeviceAddress(256)
      try chain.addOutput(0, as: .f32)
      #expect(throws: PinionError.self) { try KernelCall.elementwise(chain, shapes: [[3], [4]], output: [4], x: [address, address], y: [address]) }
      #expect(throws: PinionError.self) { try KernelCall.elementwise(chain, shapes: [[4]], output: [4], x: [address], y: [address]) }
      #expect(throws: PinionError.self) {
        try KernelCall.elementwise(chain, shapes: [[1 << 20, 1 << 20], []], output: [1 << 20, 1 << 20], x: [address, address], y: [address])
      }
      #expect(throws: PinionError.self) {
        try KernelCall.product(.i64, ProductSizes(m: 1, n: 1, k: 1), a: address, b: address, y: address)
      }
      #expect(throws: PinionError.self) { try KernelCall.product(.f32, ProductSizes(m: 1, n: 0, k: 1), a: address, b: address, y: address) }
      #expect(throws: PinionError.self) {
        try KernelCall.product(.f32, ProductSizes(m: 1 << 40, n: 1, k: 1, batch: 1), a: address, b: address, y: address)
      }
      #expect(throws: PinionError.self) {
        try KernelCall.transpose(elementBytes: 3, x: address, y: address, shape: [2, 2], permutation: [1, 0])
      }
      #expect(throws: PinionError.self) {
        try KernelCall.transpose(elementBytes: 4, x: address, y: address, shape: [2, 2], permutation: [1, 1])
      }
      #expect(throws: PinionError.self) {
        try KernelCall.concatPart(elementBytes: 4, x: address, y: address, outer: 1, width: 3, offset: 2, pitch: 4)
      }
    }

    // MARK: Reductions

    @Test func reductionsOfAnyAxis() throws {
      let bench = try Bench(fake)
      var generator = SeededGenerator(3)
      for (trial, reduction) in (Reduction.allCases + Reduction.allCases).enumerated() {
        fake.set("order", trial)
        let outer = Int.random(in: 1...5, using: &generator), extent = Int.random(in: 1...300, using: &generator)
        let inner = trial < 4 ? 1 : Int.random(in: 2...270, using: &generator)
        let values = generator.floats(outer * extent * inner)
        let x = try bench.place(values), y = try bench.place([Float](repeating: .nan, count: outer * inner))
        try bench.run(try .reduction(reduction, .f32, x: x, y: y, outer: outer, extent: extent, inner: inner))
        let wanted = (0..<outer * inner).map { i -> Double in
          let column = (0..<extent).map { Double(values[(i / inner * extent + $0) * inner + i % inner]) }
          switch reduction {
          case .sum: return column.reduce(0, +)
          case .mean: return column.reduce(0, +) / Double(extent)
          case .maximum: return column.max() ?? 0
          case .minimum: return column.min() ?? 0
          }
        }
        #expect(close(try bench.stream.read(y, outer * inner, as: Float(0)), wanted, within: 1e-4), "\(reduction) \(outer) \(extent) \(inner)")
      }
    }

    @Test func softmaxAndNormalisation() throws {
      let bench = try Bench(fake)
      var generator = SeededGenerator(4)
      for (trial, columns) in [1, 31, 128, 129, 1000, 1024, 1025, 1500].enumerated() {
        fake.set("order", trial)
        let rows = 5
        let values = generator.floats(rows * columns)
        let x = try bench.place(values), y = try bench.place([Float](repeating: .nan, count: values.count))
        try bench.run(try .softmax(.f32, x: x, y: y, rows: rows, columns: columns))
        let wanted = values.indices.map { i -> Double in
          let row = values[(i / columns * columns)..<(i / columns * columns + columns)]
          return exponential(Double(values[i])) / row.reduce(0) { $0 + exponential(Double($1)) }
        }
        #expect(close(try bench.stream.read(y, values.count, as: Float(0)), wanted, within: 1e-5), "softmax of \(columns)")

        let scale = generator.floats(columns), bias = generator.floats(columns)
        let s = try bench.place(scale), b = try bench.place(bias)
        for hasBias in [true, false] {
          try bench.run(
            try .layerNorm(.f32, x: x, scale: s, bias: hasBias ? b : nil, y: y, rows: rows, columns: columns, epsilon: 1e-3))
          let wanted = values.indices.map { i -> Double in
            let row = values[(i / columns * columns)..<(i / columns * columns + columns)].map(Double.init)
            let mean = row.reduce(0, +) / Double(columns)
            let variance = row.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(columns)
            return (Double(values[i]) - mean) / (variance + 1e-3).squareRoot() * Double(scale[i % columns]) + (hasBias ? Double(bias[i % columns]) : 0)
          }
          #expect(close(try bench.stream.read(y, values.count, as: Float(0)), wanted, within: 1e-4), "layer norm of \(columns)")
        }
        try bench.run(try .rmsNorm(.f32, x: x, scale: s, y: y, rows: rows, columns: columns, epsilon: 1e-3))
        let normalised = values.indices.map { i -> Double in
          let row = values[(i / columns * columns)..<(i / columns * columns + columns)].map(Double.init)
          let square = row.reduce(0) { $0 + $1 * $1 } / Double(columns)
          return Double(values[i]) / (square + 1e-3).squareRoot() * Double(scale[i % columns])
        }
        #expect(close(try bench.stream.read(y, values.count, as: Float(0)), normalised, within: 1e-4), "RMS norm of \(columns)")
      }
    }

    // MARK: Products

    @Test func productsOfBothTypes() throws {
      let bench = try Bench(fake)
      var generator = SeededGenerator(5)
      for (trial, (m, n, k)) in [(1, 1, 1), (65, 70, 33), (64, 64, 32), (10, 72, 136), (130, 8, 8), (3, 129, 40)].enumerated() {
        fake.set("order", trial)
        let batch = trial % 2 + 1
        let a = generator.floats(batch * m * k), b = generator.floats(k * n), bias = generator.floats(n), residual = generator.floats(batch * m * n)
        let sizes = ProductSizes(m: m, n: n, k: k, batch: batch, bStep: 0)
        func wanted(_ a: [Double], _ b: [Double], _ bias: [Double], _ residual: [Double]) -> [Double] {
          (0..<batch * m * n).map { i in
            let row = i / n, column = i % n
            var sum = 0.0
            for depth in 0..<k { sum += a[row * k + depth] * b[depth * n + column] }
            return max(0, sum * 0.25 + bias[column]) + residual[i]
          }
        }
        let y = try bench.place([Float](repeating: .nan, count: batch * m * n))
        try bench.run(
          try .product(
            .f32, sizes, a: try bench.place(a), b: try bench.place(b), bias: try bench.place(bias), residual: try bench.place(residual), y: y,
            activation: .relu, alpha: 0.25))
        let exact = wanted(a.map(Double.init), b.map(Double.init), bias.map(Double.init), residual.map(Double.init))
        #expect(close(try bench.stream.read(y, exact.count, as: Float(0)), exact, within: 1e-5), "float32 \(m) x \(n) x \(k)")

        let halves = [a, b, bias, residual].map { $0.map(Float16.init) }
        let places = try halves.map { try bench.place($0) }
        let z = try bench.place([Float16](repeating: .nan, count: batch * m * n))
        let call = try KernelCall.product(
          .f16, sizes, a: places[0], b: places[1], bias: places[2], residual: places[3], y: z, activation: .relu, alpha: 0.25)
        let tiles = k % 8 == 0 && n % 8 == 0 ? "gemm_f16_aligned" : "gemm_f16_any"
        #expect(call.kernel == (m == 1 ? "skinny_1_f16" : m <= 4 ? "skinny_4_f16" : tiles))
        try bench.run(call)
        let rounded = wanted(halves[0].map(Double.init), halves[1].map(Double.init), halves[2].map(Double.init), halves[3].map(Double.init))
        let got = try bench.stream.read(z, rounded.count, as: Float16(0)).map(Float.init)
        #expect(close(got, rounded, within: 2e-3), "float16 \(m) x \(n) x \(k)")
      }
    }

    // MARK: Movement

    @Test func transpositionsOfAnyOrder() throws {
      let bench = try Bench(fake)
      let cases: [([Int], [Int])] = [
        ([5, 7], [1, 0]), ([3, 40, 33], [0, 2, 1]), ([2, 3, 4], [2, 1, 0]), ([2, 3, 4, 5], [0, 2, 3, 1]), ([2, 3, 4, 5], [3, 1, 0, 2]),
        ([6, 1, 4], [2, 1, 0]), ([4], [0]), ([2, 3], [0, 1]), ([2, 3, 2, 2, 3, 2, 2], [6, 4, 2, 0, 1, 3, 5]), ([2, 9, 3, 5], [2, 3, 0, 1]),
      ]
      for (trial, (shape, permutation)) in cases.enumerated() {
        fake.set("order", trial)
        let count = shape.reduce(1, *)
        let values = (0..<count).map { UInt32($0) }
        let x = try bench.place(values), y = try bench.place([UInt32](repeating: .max, count: count))
        let call: KernelCall
        do { call = try .transpose(elementBytes: 4, x: x, y: y, shape: shape, permutation: permutation) } catch {
          // More axes than the kernel takes.
          #expect(shape.count > 6 && error.code == .unsupported)
          continue
        }
        try bench.run(call)
        let output = permutation.map { shape[$0] }
        let wanted = (0..<count).map { index -> UInt32 in
          var rest = index, at = [Int](repeating: 0, count: shape.count)
          for axis in output.indices.reversed() {
            at[permutation[axis]] = rest % output[axis]
            rest /= output[axis]
          }
          return UInt32(zip(at, shape).reduce(0) { $0 * $1.1 + $1.0 })
        }
        #expect(try bench.stream.read(y, count, as: UInt32(0)) == wanted, "\(shape) by \(permutation), \(call.kernel)")
      }
      let swapped = try KernelCall.transpose(elementBytes: 2, x: DeviceAddress(256), y: DeviceAddress(512), shape: [3, 40, 33], permutation: [0, 2, 1])
      #expect(swapped.kernel == "transpose_2")
    }

    @Test func gatherConcatSplit() throws {
      let bench = try Bench(fake)
      for (trial, (outer, extent, inner)) in [(1, 4, 8), (3, 5, 3), (2, 1, 1), (2, 7, 16)].enumerated() {
        fake.set("order", trial)
        let values = (0..<outer * extent * inner).map { UInt16($0) }
        let indices: [Int64] = [0, -1, Int64(extent - 1), Int64(-extent), 0]
        let x = try bench.place(values), y = try bench.place([UInt16](repeating: .max, count: outer * 5 * inner))
        let fault = try bench.place([Int32.max])
        try bench.run(
          try .gather(
            elementBytes: 2, indexElement: .i64, x: x, indices: try bench.place(indices), y: y, fault: fault, outer: outer, extent: extent,
            inner: inner, indexCount: 5))
        let wanted = (0..<outer * 5 * inner).map { i -> UInt16 in
          let index = Int(indices[i / inner % 5])
          return values[(i / (5 * inner) * extent + (index < 0 ? index + extent : index)) * inner + i % inner]
        }
        #expect(try bench.stream.read(y, wanted.count, as: UInt16(0)) == wanted)
        #expect(try bench.stream.read(fault, 1, as: Int32(0)) == [.max])
        try bench.run(
          try .gather(
            elementBytes: 2, indexElement: .i32, x: x, indices: try bench.place([Int32(0), 0, Int32(extent), Int32(-extent - 1)]), y: y,
            fault: fault, outer: outer, extent: extent, inner: inner, indexCount: 4))
        #expect(try bench.stream.read(fault, 1, as: Int32(0)) == [2])
      }
      for (left, right) in [(3, 4), (8, 16), (1, 1), (5, 8)] {
        let outer = 3, pitch = left + right
        let a = (0..<outer * left).map { UInt16($0) }, b = (0..<outer * right).map { UInt16($0 + 500) }
        let x = try bench.place(a), z = try bench.place(b), y = try bench.place([UInt16](repeating: 0, count: outer * pitch))
        try bench.run(try .concatPart(elementBytes: 2, x: x, y: y, outer: outer, width: left, offset: 0, pitch: pitch))
        try bench.run(try .concatPart(elementBytes: 2, x: z, y: y, outer: outer, width: right, offset: left, pitch: pitch))
        var joined: [UInt16] = []
        for row in 0..<outer {
          joined += a[(row * left)..<(row * left + left)]
          joined += b[(row * right)..<(row * right + right)]
        }
        #expect(try bench.stream.read(y, joined.count, as: UInt16(0)) == joined)
        let back = try bench.place([UInt16](repeating: 0, count: outer * right))
        try bench.run(try .splitPart(elementBytes: 2, x: y, y: back, outer: outer, width: right, offset: left, pitch: pitch))
        #expect(try bench.stream.read(back, b.count, as: UInt16(0)) == b)
      }
    }
  }
}
