import PinionBase

extension KernelCall {
  /// y = activation(norm(a) b + bias) + residual, where norm(a) = (a - means[row]) * inverses[row] * scale[k] + shift[k], which is never
  /// in memory. `rowStatistics` gives means and inverses; without means it is an RMS norm. float16 and bfloat16, n a multiple of 8.
  package static func normalizedProduct(
    _ element: KernelElement, m: Int, n: Int, k: Int, a: DeviceAddress, means: DeviceAddress?, inverses: DeviceAddress, scale: DeviceAddress,
    shift: DeviceAddress?, b: DeviceAddress, y: DeviceAddress, _ operands: ProductOperands = ProductOperands()
  ) throws(PinionError) -> KernelCall {
    var arguments = LaunchArguments()
    for address in [a, means ?? DeviceAddress(0), inverses, scale, shift ?? DeviceAddress(0), b] { arguments.add(address) }
    return try made("gemm_normalized", element, m, n, k, arguments, b, y, operands)
  }

  /// y = activation((silu(gate) * up) b + bias) + residual, a being [m, 2 k]: a row's k gates and then its k ups. float16 and bfloat16,
  /// n a multiple of 8.
  package static func gatedProduct(
    _ element: KernelElement, m: Int, n: Int, k: Int, a: DeviceAddress, b: DeviceAddress, y: DeviceAddress,
    _ operands: ProductOperands = ProductOperands()
  ) throws(PinionError) -> KernelCall {
    var arguments = LaunchArguments()
    arguments.add(a)
    arguments.add(b)
    return try made("gemm_gated", element, m, n, k, arguments, b, y, operands)
  }

  private static func made(
    _ name: String, _ element: KernelElement, _ m: Int, _ n: Int, _ k: Int, _ factors: LaunchArguments, _ b: DeviceAddress,
    _ y: DeviceAddress, _ operands: ProductOperands
  ) throws(PinionError) -> KernelCall {
    guard element == .f16 || element == .bf16, n % 8 == 0, b.bits % 16 == 0 else {
      throw .unsupported("no CUDA kernel for a product of \(element.rawValue), \(m) x \(n) x \(k), whose left factor is made on the way")
    }
    var arguments = factors
    for address in [operands.bias ?? DeviceAddress(0), operands.residual ?? DeviceAddress(0), y] { arguments.add(address) }
    arguments.add(structure: try ProductSizes(m: m, n: n, k: k).structure(operands.activation))
    arguments.add(Float(1))
    return KernelCall(
      try KernelProgram(named: "gemm.cu"), "\(name)_\(element.rawValue)", try ProductTiles.shape(m: m, n: n), arguments,
      leastCapability: ProductTiles.capability(element))
  }
}
