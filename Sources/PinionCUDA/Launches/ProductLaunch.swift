import PinionBase

/// What is done to a product's elements on the way out.
package enum ProductActivation: Int32, Sendable, CaseIterable { case none, relu, gelu, silu, sigmoid, geluTanh }

/// Row-major products y[m, n] = activation(alpha * a[m, k] b[k, n] + bias[n]) + residual[m, n] of a batch of matrices.
package struct ProductSizes: Sendable {
  package var m, n, k: Int
  package var batch = 1
  /// Elements from one matrix to the next; nil where they lie one behind the other, 0 where all share one.
  package var aStep: Int?
  package var bStep: Int?

  package init(m: Int, n: Int, k: Int, batch: Int = 1, aStep: Int? = nil, bStep: Int? = nil) {
    self.m = m
    self.n = n
    self.k = k
    self.batch = batch
    self.aStep = aStep
    self.bStep = bStep
  }

  /// Steps of a and b, where every side and matrix is within what kernels count.
  func steps() throws(PinionError) -> (a: Int, b: Int) {
    guard m > 0, n > 0, k > 0, batch > 0 else { throw .internal("a product of \(m) x \(n) x \(k), \(batch) of them") }
    // Rows and columns are counted in 32 bits beyond the last tile.
    for extent in [m, n, k] { _ = try kernelCount(extent, "a product's side") }
    let aSize = try m.multiplied(by: k), bSize = try k.multiplied(by: n)
    return (aStep ?? aSize, bStep ?? bSize)
  }

  /// The structures `Product`, `Int8Product` and `SkinnyProduct` of the kernels.
  func structure(_ activation: ProductActivation) throws(PinionError) -> [Int32] {
    let (a, b) = try steps()
    return [Int32(m), Int32(n), Int32(k), activation.rawValue] + words(a) + words(b) + words(try m.multiplied(by: n))
  }

  private func words(_ value: Int) -> [Int32] { [Int32(truncatingIfNeeded: value), Int32(truncatingIfNeeded: value >> 32)] }
}

/// The operands that every product has beside its factors.
package struct ProductOperands: Sendable {
  package var bias: DeviceAddress?
  package var residual: DeviceAddress?
  package var activation: ProductActivation

  package init(bias: DeviceAddress? = nil, residual: DeviceAddress? = nil, activation: ProductActivation = .none) {
    self.bias = bias
    self.residual = residual
    self.activation = activation
  }
}

/// The tiles of matrix.cuh.
enum ProductTiles {
  /// Three stages of the rows and columns of a tile, 80 bytes each.
  static func ringBytes(_ side: Int) -> Int { 3 * 80 * 2 * side }

  static func shape(m: Int, n: Int, batch: Int = 1, side: Int = 64) throws(PinionError) -> LaunchShape {
    try LaunchShape(x: try blocks(m: m, n: n, batch: batch, rows: side, columns: side), threads: side * 2, sharedBytes: ringBytes(side))
  }

  /// How many blocks of `rows` x `columns` cover the matrices; `place_of` of matrix.cuh counts them.
  static func blocks(m: Int, n: Int, batch: Int, rows: Int, columns: Int) throws(PinionError) -> Int {
    try [(n + columns - 1) / columns, (m + rows - 1) / rows, batch].checkedProduct()
  }

  /// The capability from which on the matrix units multiply the type.
  static func capability(_ element: KernelElement) -> Int { element == .f16 || element == .i8 ? 75 : 80 }
}

extension KernelCall {
  /// A product with sums in float32: of float16 and bfloat16 on the matrix units; of float32 on the plain units, or with `allowsTF32` on
  /// the matrix units, which see 10 bits of fraction. Few rows go to kernels that are made for reading b.
  /// - Parameter isTransposed: b is given as [n, k]; for the matrix units, with k in whole pieces of 16 bytes and a, b on 16 bytes.
  package static func product(
    _ element: KernelElement, _ sizes: ProductSizes, a: DeviceAddress, b: DeviceAddress, bias: DeviceAddress? = nil,
    residual: DeviceAddress? = nil, y: DeviceAddress, activation: ProductActivation = .none, alpha: Float = 1, allowsTF32: Bool = false,
    isTransposed: Bool = false
  ) throws(PinionError) -> KernelCall {
    try requireFloat(element, "products")
    let (aStep, bStep) = try sizes.steps()
    var arguments = LaunchArguments()
    for address in [a, b, bias ?? DeviceAddress(0), residual ?? DeviceAddress(0), y] { arguments.add(address) }
    arguments.add(structure: try sizes.structure(activation))
    arguments.add(alpha)
    if sizes.m <= 4, !isTransposed {
      let rows = sizes.m == 1 ? 1 : 4
      let blocks = try ProductTiles.blocks(m: sizes.m, n: sizes.n, batch: sizes.batch, rows: rows, columns: 64)
      let shape = try LaunchShape(x: blocks, threads: 256)
      return KernelCall(try KernelProgram(named: "skinny.cu"), "skinny_\(rows)_\(element.rawValue)", shape, arguments)
    }
    let program = try KernelProgram(named: "gemm.cu")
    let piece = 16 / element.byteCount
    let isAligned =
      [sizes.k, aStep, bStep].allSatisfy { $0 % piece == 0 } && (isTransposed || sizes.n % piece == 0) && [a, b].allSatisfy { $0.bits % 16 == 0 }
    if isTransposed {
      guard isAligned, element != .f32 || allowsTF32 else {
        throw .unsupported("no CUDA kernel for a product of \(element.rawValue) with b of [\(sizes.n), \(sizes.k)]; it has to be transposed before")
      }
    } else if element == .f32, !allowsTF32 {
      let blocks = try ProductTiles.blocks(m: sizes.m, n: sizes.n, batch: sizes.batch, rows: 64, columns: 64)
      let shape = try LaunchShape(x: blocks, threads: 256)
      return KernelCall(program, "gemm_f32", shape, arguments)
    }
    // Large tiles read less, where there are enough of them to go round.
    let isWide = isAligned && !isTransposed && sizes.m >= 512 && sizes.n >= 512
    let kind = isTransposed ? "columns" : isWide ? "wide" : isAligned ? "aligned" : "any"
    let shape = try ProductTiles.shape(m: sizes.m, n: sizes.n, batch: sizes.batch, side: isWide ? 128 : 64)
    let name = element == .f32 ? "tf32" : element.rawValue
    return KernelCall(program, "gemm_\(name)_\(kind)", shape, arguments, leastCapability: ProductTiles.capability(element))
  }
}
