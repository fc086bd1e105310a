import PinionBase

/// Weights of 4 or 8 bits, as MatMulNBits lays them out: w[n, k] = (q - zero) * scale, with a scale for each block of places of a row.
package struct PackedWeights: Sendable {
  package var bits: Int
  /// A power of two of 16 or more.
  package var block: Int
  /// [n, blocks, block * bits / 8] bytes.
  package var values: DeviceAddress
  /// [n, blocks] of the product's type.
  package var scales: DeviceAddress
  /// [n, bytes of a row's blocks], packed as the values; nil for the middle.
  package var zeros: DeviceAddress?

  package init(bits: Int, block: Int, values: DeviceAddress, scales: DeviceAddress, zeros: DeviceAddress? = nil) {
    self.bits = bits
    self.block = block
    self.values = values
    self.scales = scales
    self.zeros = zeros
  }
}

extension KernelCall {
  /// y[m, n] = activation(a[m, k] w[n, k]' + bias[n]) + residual[m, n], for float32, float16 and bfloat16. From more than 8 rows on 16-bit
  /// floats go to the matrix units.
  package static func packedProduct(
    _ element: KernelElement, m: Int, n: Int, k: Int, a: DeviceAddress, _ weights: PackedWeights, y: DeviceAddress,
    _ operands: ProductOperands = ProductOperands()
  ) throws(PinionError) -> KernelCall {
    try requireFloat(element, "products")
    _ = try ProductSizes(m: m, n: n, k: k).steps()
    guard weights.bits == 4 || weights.bits == 8, (16...4096).contains(weights.block), weights.block.nonzeroBitCount == 1 else {
      throw .unsupported("no CUDA kernel for weights of \(weights.bits) bits in blocks of \(weights.block)")
    }
    var arguments = LaunchArguments()
    let none = DeviceAddress(0)
    for address in [a, weights.values, weights.scales, weights.zeros ?? none, operands.bias ?? none, operands.residual ?? none, y] {
      arguments.add(address)
    }
    arguments.add(structure: [Int32(m), Int32(n), Int32(k), Int32(weights.block), operands.activation.rawValue])
    let program = try KernelProgram(named: "weight_only.cu"), name = "packed_\(weights.bits)"
    if m > 8, element != .f32 {
      let kind = k % 8 == 0 && a.bits % 16 == 0 ? "aligned" : "any"
      return KernelCall(
        program, "\(name)_tiles_\(element.rawValue)_\(kind)", try ProductTiles.shape(m: m, n: n), arguments,
        leastCapability: ProductTiles.capability(element))
    }
    let rows = m == 1 ? 1 : 4
    // A warp a column.
    let shape = try LaunchShape(x: try ProductTiles.blocks(m: m, n: n, batch: 1, rows: rows, columns: 8), threads: 256)
    return KernelCall(program, "\(name)_\(rows)_\(element.rawValue)", shape, arguments)
  }
}
