import PinionBase
import Testing

@testable import PinionCUDA

extension WithFakeDriver {
  /// That the host's descriptions of products, convolutions and attention are what the kernels take, on emulated threads against plain loops.
  @Suite struct Products {
    typealias Bench = Kernels.Bench
    let fake = FakeDriver.shared

    private func close<T: BinaryFloatingPoint>(_ got: [T], _ wanted: [Double], within tolerance: Double) -> Bool {
      got.count == wanted.count && zip(got, wanted).allSatisfy { abs(Double($0) - $1) <= tolerance * max(1, abs($1)) }
    }

    private func product(_ m: Int, _ n: Int, _ k: Int, _ a: (Int, Int) -> Double, _ b: (Int, Int) -> Double) -> [Double] {
      var result: [Double] = []
      for i in 0..<(m * n) {
        var sum = 0.0
        for depth in 0..<k { sum += a(i / n, depth) * b(depth, i % n) }
        result.append(sum)
      }
      return result
    }

    @Test func kindsOfProducts() throws {
      let bench = try Bench(fake)
      var generator = SeededGenerator(11)
      let m = 40, n = 72, k = 48
      // Whole numbers that every type has.
      func whole(_ count: Int) -> [Float] { (0..<count).map { _ in Float(Int.random(in: -4...4, using: &generator)) } }
      let a = whole(m * k), b = whole(k * n)
      let wanted = product(m, n, k, { Double(a[$0 * k + $1]) }, { Double(b[$0 * n + $1]) })
      let turned = (0..<n * k).map { b[$0 % k * n + $0 / k] }
      let sizes = ProductSizes(m: m, n: n, k: k)
      let y = try bench.place([Float](repeating: .nan, count: m * n))
      for (isTransposed, kernel) in [(false, "gemm_tf32_aligned"), (true, "gemm_tf32_columns")] {
        let call = try KernelCall.product(
          .f32, sizes, a: try bench.place(a), b: try bench.place(isTransposed ? turned : b), y: y, allowsTF32: true, isTransposed: isTransposed)
        #expect(call.kernel == kernel && call.leastCapability == 80)
        try bench.run(call)
        #expect(close(try bench.stream.read(y, m * n, as: Float(0)), wanted, within: 0), "\(kernel)")
      }
      let z = try bench.place([UInt16](repeating: .max, count: m * n))
      func bfloat(_ x: Float) -> UInt16 { UInt16(x.bitPattern >> 16) }
      try bench.run(try .product(.bf16, sizes, a: try bench.place(a.map(bfloat)), b: try bench.place(b.map(bfloat)), y: z))
      let got = try bench.stream.read(z, m * n, as: UInt16(0)).map { Float(bitPattern: UInt32($0) << 16) }
      #expect(close(got, wanted, within: 1.0 / 256))
      let wide = try KernelCall.product(.f16, ProductSizes(m: 1024, n: 512, k: 64), a: DeviceAddress(256), b: DeviceAddress(256), y: DeviceAddress(256))
      #expect(wide.kernel == "gemm_f16_wide" && wide.shape.blocks == .init(x: 32, y: 1, z: 1) && wide.shape.threads == 256)
      #expect(throws: PinionError.self) {
        try KernelCall.product(.f32, sizes, a: DeviceAddress(256), b: DeviceAddress(256), y: DeviceAddress(256), isTransposed: true)
      }
    }

    @Test func olderDevicesAreRefused() throws {
      _ = try fake.platform()
      fake.set("capability", 75)
      let platform = CUDAPlatform(fake.search())
      let context = try DeviceContext(0, of: platform)
      let stream = try DeviceStream(context), loader = KernelLoader(context, platform: platform, cache: ImageCache(folder: nil))
      let address = DeviceAddress(256)
      let call = try KernelCall.product(.bf16, ProductSizes(m: 64, n: 64, k: 64), a: address, b: address, y: address)
      do {
        try loader.launch(call, in: stream)
        Issue.record("a kernel for newer devices was launched")
      } catch {
        #expect(error.code == .unsupported && error.message == "kernel gemm_bf16_aligned needs compute capability 8.0, Fake GPU 0 has 7.5")
      }
    }

    @Test func integersAndPackedWeights() throws {
      let bench = try Bench(fake)
      var generator = SeededGenerator(12)
      let m = 20, n = 33, k = 48
      let a = (0..<m * k).map { _ in Int8.random(in: .min ... .max, using: &generator) }, b = (0..<n * k).map { _ in Int8.random(in: .min ... .max, using: &generator) }
      let zero: Int32 = 3
      let exact = product(m, n, k, { Double(a[$0 * k + $1]) }, { Double(b[$1 * k + $0]) })
      let shifted = product(m, n, k, { Double(a[$0 * k + $1]) - Double(zero) }, { Double(b[$1 * k + $0]) })
      let sizes = ProductSizes(m: m, n: n, k: k)
      let x = try bench.place(a), w = try bench.place(b), y = try bench.place([Int32](repeating: 0, count: m * n))
      try bench.run(try .integerProduct(sizes, a: x, b: w, y: y))
      #expect(try bench.stream.read(y, m * n, as: Int32(0)).map(Double.init) == exact)
      let sums = (0..<n).map { column in (0..<k).reduce(Int32(0)) { $0 + Int32(b[column * k + $1]) } }
      let scales = generator.floats(n), bias = generator.floats(n), z = try bench.place([Float](repeating: 0, count: m * n))
      try bench.run(
        try .scaledIntegerProduct(
          sizes, a: x, b: w, columnScale: try bench.place(scales), columnSums: try bench.place(sums), y: z, scale: 0.001, zero: zero,
          ProductOperands(bias: try bench.place(bias), activation: .relu)))
      let scaled = shifted.indices.map { max(0, shifted[$0] * 0.001 * Double(scales[$0 % n]) + Double(bias[$0 % n])) }
      #expect(close(try bench.stream.read(z, m * n, as: Float(0)), scaled, within: 1e-5))
      #expect(throws: PinionError.self) { try KernelCall.scaledIntegerProduct(sizes, a: x, b: w, y: z, scale: 1, zero: 1) }

      // Four bits, in blocks of 16: the first place in the low half.
      let values = (0..<n * k).map { _ in UInt8.random(in: 0...15, using: &generator) }
      let packed = (0..<n * k / 2).map { values[$0 * 2] | values[$0 * 2 + 1] << 4 }
      let factors = (0..<n * 3).map { _ in Float16(Float.random(in: 0.1...0.2, using: &generator)) }
      for rows in [1, 3, 20] {
        let left = generator.floats(rows * k).map(Float16.init), out = try bench.place([Float16](repeating: 0, count: rows * n))
        let call = try KernelCall.packedProduct(
          .f16, m: rows, n: n, k: k, a: try bench.place(left),
          PackedWeights(bits: 4, block: 16, values: try bench.place(packed), scales: try bench.place(factors)), y: out)
        try bench.run(call)
        let wanted = product(rows, n, k, { Double(left[$0 * k + $1]) }, { (Double(values[$1 * k + $0]) - 8) * Double(factors[$1 * 3 + $0 / 16]) })
        #expect(close(try bench.stream.read(out, rows * n, as: Float16(0)), wanted, within: 5e-3), "\(call.kernel)")
      }
    }

    @Test func factorsMadeOnTheWay() throws {
      let bench = try Bench(fake)
      var generator = SeededGenerator(13)
      let m = 9, n = 16, k = 40
      let a = generator.floats(m * k).map(Float16.init), b = generator.floats(k * n).map(Float16.init), scale = generator.floats(k).map(Float16.init)
      let x = try bench.place(a), w = try bench.place(b), y = try bench.place([Float16](repeating: 0, count: m * n))
      let means = try bench.place([Float](repeating: 0, count: m)), inverses = try bench.place([Float](repeating: 0, count: m))
      try bench.run(try .rowStatistics(.f16, x: x, means: means, inverses: inverses, rows: m, columns: k, epsilon: 1e-3, isCentred: true))
      try bench.run(
        try .normalizedProduct(
          .f16, m: m, n: n, k: k, a: x, means: means, inverses: inverses, scale: try bench.place(scale), shift: nil, b: w, y: y))
      func moments(_ row: Int) -> (Double, Double) {
        let line = (0..<k).map { Double(a[row * k + $0]) }, mean = line.reduce(0, +) / Double(k)
        return (mean, 1 / (line.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(k) + 1e-3).squareRoot())
      }
      let all = (0..<m).map(moments)
      let normalized = product(m, n, k, { (Double(a[$0 * k + $1]) - all[$0].0) * all[$0].1 * Double(scale[$1]) }, { Double(b[$0 * n + $1]) })
      #expect(close(try bench.stream.read(y, m * n, as: Float16(0)), normalized, within: 1e-2))
      #expect(throws: PinionError.self) { try KernelCall.gatedProduct(.f32, m: m, n: n, k: k, a: x, b: w, y: y) }
      try bench.run(try .gatedProduct(.f16, m: m, n: n, k: k / 2, a: x, b: w, y: y))
      func silu(_ v: Double) -> Double { v / (1 + exponential(-v)) }
      let gated = product(m, n, k / 2, { silu(Double(a[$0 * k + $1])) * Double(a[$0 * k + k / 2 + $1]) }, { Double(b[$0 * n + $1]) })
      #expect(close(try bench.stream.read(y, m * n, as: Float16(0)), gated, within: 1e-2))
    }

    @Test func convolutionsAndPictures() throws {
      let bench = try Bench(fake)
      var generator = SeededGenerator(14)
      for (channels, outputs, groups, kernel) in [(16, 32, 2, "conv_f16_aligned"), (3, 5, 1, "conv_f16_any"), (8, 8, 8, "depthwise_4_f16"), (5, 5, 5, "depthwise_1_f16")] {
        let sizes = WindowSizes(images: 2, height: 7, width: 6, channels: channels, outHeight: 4, outWidth: 6, kernel: (3, 3), stride: (2, 1), padding: (1, 1))
        let own = channels / groups, each = outputs / groups
        let x = generator.floats(2 * 7 * 6 * channels).map(Float16.init), w = generator.floats(9 * own * outputs).map(Float16.init), bias = generator.floats(outputs).map(Float16.init)
        let y = try bench.place([Float16](repeating: 0, count: 2 * 4 * 6 * outputs))
        let call = try KernelCall.convolution(
          .f16, sizes, outputs: outputs, groups: groups, x: try bench.place(x), w: try bench.place(w), y: y,
          ProductOperands(bias: try bench.place(bias), activation: .relu))
        #expect(call.kernel == kernel)
        try bench.run(call)
        func weight(_ out: Int, _ place: Int, _ c: Int) -> Double {
          if groups == channels { return Double(w[place * channels + out]) }
          let line = (out / each * 9 + place) * own + c
          return Double(w[line * each + out % each])
        }
        func element(_ image: Int, _ row: Int, _ column: Int, _ channel: Int) -> Double {
          guard (0..<7).contains(row), (0..<6).contains(column) else { return 0 }
          let place = (image * 7 + row) * 6 + column
          return Double(x[place * channels + channel])
        }
        var wanted: [Double] = []
        for i in 0..<(48 * outputs) {
          let out = i % outputs, column = i / outputs % 6, row = i / outputs / 6 % 4, image = i / outputs / 24
          var sum = Double(bias[out])
          for place in 0..<9 {
            for c in 0..<own {
              let value: Double = element(image, row * 2 + place / 3 - 1, column + place % 3 - 1, out / each * own + c)
              sum += value * weight(out, place, c)
            }
          }
          wanted.append(max(0, sum))
        }
        #expect(close(try bench.stream.read(y, wanted.count, as: Float16(0)), wanted, within: 5e-3), "\(kernel)")
      }
      let x = generator.floats(5 * 4 * 3), place = try bench.place(x), y = try bench.place([Float](repeating: 0, count: 10 * 8 * 3))
      let window = WindowSizes(images: 1, height: 5, width: 4, channels: 3, outHeight: 4, outWidth: 3, kernel: (2, 2))
      for isAverage in [false, true] {
        try bench.run(try .pooling(.f32, isAverage: isAverage, window, x: place, y: y))
        var wanted: [Double] = []
        for i in 0..<36 {
          let corner = i / 9 * 4 + i / 3 % 3, channel = i % 3
          let four: [Double] = [0, 1, 4, 5].map { step in Double(x[(corner + step) * 3 + channel]) }
          wanted.append(isAverage ? four.reduce(0, +) / 4 : four.max() ?? 0)
        }
        #expect(close(try bench.stream.read(y, 36, as: Float(0)), wanted, within: 1e-6))
      }
      for interpolation in [Interpolation.nearest(.down), .linear, .cubic(coefficient: -0.75, excludesOutside: false)] {
        try bench.run(
          try .resizing(
            .f32, interpolation, images: 1, height: 5, width: 4, channels: 3, outHeight: 10, outWidth: 8, scale: (0.5, 0.5), shift: (0, 0), x: place, y: y))
        // Even places are the input's own under every kind.
        let got = try bench.stream.read(y, 240, as: Float(0))
        for i in 0..<60 {
          let row = i / 12 * 2, column = i / 3 % 4 * 2
          #expect(got[(row * 8 + column) * 3 + i % 3] == x[i])
        }
      }
    }

    @Test func attentionWithACache() throws {
      let bench = try Bench(fake)
      var generator = SeededGenerator(15)
      // [batch, capacity, heads, size], of which lengths are used; two heads share keys.
      let batch = 2, heads = 4, keyHeads = 2, size = 16, capacity = 40, lengths: [Int32] = [33, 20]
      for (queries, kernel) in [(9, "attention_64_f16"), (1, "attention_row_f16")] {
        let count = batch * capacity * keyHeads * size
        var k = generator.floats(count).map(Float16.init), v = generator.floats(count).map(Float16.init)
        let q = generator.floats(batch * heads * queries * size).map(Float16.init)
        let new = generator.floats(batch * keyHeads * queries * size).map(Float16.init)
        let keys = try bench.place(k), values = try bench.place(v), places = try bench.place(lengths), y = try bench.place([Float16](repeating: 0, count: q.count))
        func cache(_ address: DeviceAddress) -> AttentionOperand {
          AttentionOperand(address, batchStep: capacity * keyHeads * size, headStep: size, rowStep: keyHeads * size)
        }
        func rows(_ address: DeviceAddress, _ heads: Int) -> AttentionOperand {
          AttentionOperand(address, batchStep: heads * queries * size, headStep: queries * size, rowStep: size)
        }
        for (address, isKey) in [(keys, true), (values, false)] {
          try bench.run(
            try .cacheAppend(
              elementBytes: 2, batch: batch, heads: keyHeads, rows: queries, size: size, capacity: capacity, lengths: places,
              x: rows(try bench.place(new), keyHeads), y: cache(address)))
          for i in new.indices {
            let d = i % size, row = i / size % queries, head = i / size / queries % keyHeads, z = i / size / queries / keyHeads
            let at = ((z * capacity + Int(lengths[z]) - queries + row) * keyHeads + head) * size + d
            if isKey { k[at] = new[i] } else { v[at] = new[i] }
          }
        }
        var sizes = AttentionSizes(batch: batch, heads: heads, keyHeads: keyHeads, queries: queries, keys: capacity, size: size, valueSize: size, scale: 0.25)
        sizes.isCausal = true
        let call = try KernelCall.attention(.f16, sizes, q: rows(try bench.place(q), heads), k: cache(keys), v: cache(values), lengths: places, y: rows(y, heads))
        #expect(call.kernel == kernel)
        try bench.run(call)
        var wanted: [Double] = []
        for z in 0..<batch {
          for head in 0..<heads {
            for row in 0..<queries {
              let seen = Int(lengths[z]) - queries + row + 1
              let first = ((z * heads + head) * queries + row) * size
              func at(_ key: Int, _ d: Int) -> Int { ((z * capacity + key) * keyHeads + head / 2) * size + d }
              var weights: [Double] = [], total = 0.0
              for key in 0..<seen {
                var score = 0.0
                for d in 0..<size { score += Double(q[first + d]) * Double(k[at(key, d)]) }
                weights.append(exponential(score * 0.25))
                total += weights[key]
              }
              for d in 0..<size {
                var sum = 0.0
                for key in 0..<seen { sum += weights[key] * Double(v[at(key, d)]) }
                wanted.append(sum / total)
              }
            }
          }
        }
        #expect(close(try bench.stream.read(y, wanted.count, as: Float16(0)), wanted, within: 3e-3), "\(kernel)")
      }
    }

    private func exponential(_ x: Double) -> Double {
      var term = 1.0, sum = 1.0
      for k in 1...14 {
        term *= x / 1024 / Double(k)
        sum += term
      }
      for _ in 0..<10 { sum *= sum }
      return sum
    }
  }
}
