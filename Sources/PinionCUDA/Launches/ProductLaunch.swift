import PinionBase

/// What is done to a product's elements on the way out.
public enum ProductActivation: Int32, Sendable, CaseIterable { case none, relu, gelu, silu, sigmoid }

/// Row-major products y[m, n] = activation(alpha * a[m, k] b[k, n] + bias[n]) + residual[m, n] of a batch of matrices.
public struct ProductSizes: Sendable {
  public var m, n, k: Int
  public var batch = 1
  /// Elements from one matrix to the next; nil where they lie one behind the other, 0 where all share one.
  public var aStep: Int?
  public var bStep: Int?

  public init(m: Int, n: Int, k: Int, batch: Int = 1, aStep: Int? = nil, bStep: Int? = nil) {
    self.m = m
    self.n = n
    self.k = k
    self.batch = batch
    self.aStep = aStep
    self.bStep = bStep
  }
}

extension KernelCall {
  /// A product of float32 on the plain units, or of float16 on the matrix units, with sums in float32.
  public static func product(
    _ element: KernelElement, _ sizes: ProductSizes, a: DeviceAddress, b: DeviceAddress, bias: DeviceAddress? = nil,
    residual: DeviceAddress? = nil, y: DeviceAddress, activation: ProductActivation = .none, alpha: Float = 1
  ) throws(PinionError) -> KernelCall {
    try requireFloat(element, "products")
    guard sizes.m > 0, sizes.n > 0, sizes.k > 0, sizes.batch > 0 else {
      throw .internal("a product of \(sizes.m) x \(sizes.n) x \(sizes.k), \(sizes.batch) of them")
    }
    // Rows and columns are counted in 32 bits beyond the last tile.
    for extent in [sizes.m, sizes.n, sizes.k] { _ = try kernelCount(extent, "a product's side") }
    let yStep = try sizes.m.multiplied(by: sizes.n)
    let aSize = try sizes.m.multiplied(by: sizes.k), bSize = try sizes.k.multiplied(by: sizes.n)
    let aStep = sizes.aStep ?? aSize, bStep = sizes.bStep ?? bSize
    var arguments = LaunchArguments()
    arguments.add(a)
    arguments.add(b)
    arguments.add(bias ?? DeviceAddress(0))
    arguments.add(residual ?? DeviceAddress(0))
    arguments.add(y)
    arguments.add(
      structure: [Int32(sizes.m), Int32(sizes.n), Int32(sizes.k), activation.rawValue] + words(aStep) + words(bStep) + words(yStep))
    arguments.add(alpha)
    let program = try KernelProgram(named: "gemm.cu")
    let columns = (sizes.n + 63) / 64, rows = (sizes.m + 63) / 64
    if element == .f32 {
      return KernelCall(program, "gemm_f32", try LaunchShape(x: columns, y: rows, z: sizes.batch, threads: 256), arguments)
    }
    let isAligned = [sizes.k, sizes.n, aStep, bStep].allSatisfy { $0 % 8 == 0 } && [a, b].allSatisfy { $0.bits % 16 == 0 }
    let shape = try LaunchShape(x: columns, y: rows, z: sizes.batch, threads: 128, sharedBytes: halfRingBytes)
    return KernelCall(program, isAligned ? "gemm_f16_aligned" : "gemm_f16_any", shape, arguments)
  }

  /// The stages of gemm.cu: three of a 64 x 32 and a 32 x 64 tile with 8 elements of padding a row.
  private static let halfRingBytes = 3 * (64 * (32 + 8) + 32 * (64 + 8)) * 2

  private static func words(_ value: Int) -> [Int32] {
    [Int32(truncatingIfNeeded: value), Int32(truncatingIfNeeded: value >> 32)]
  }
}
