import PinionBase

extension KernelCall {
  /// y[m, n] = a[m, k] b[n, k]' of int8 with sums in int32; b by columns.
  package static func integerProduct(_ sizes: ProductSizes, a: DeviceAddress, b: DeviceAddress, y: DeviceAddress) throws(PinionError) -> KernelCall {
    var arguments = LaunchArguments()
    for address in [a, b, y] { arguments.add(address) }
    arguments.add(structure: try sizes.structure(.none))
    return try integer("gemm_i8_i32", sizes, a, b, arguments)
  }

  /// y[m, n] = activation((a - zero)[m, k] b[n, k]' * scale * columnScale[n] + bias[n]) + residual[m, n], a and b int8, all else float32 but
  /// `columnSums`, int32: the sums of b's columns, which a `zero` other than 0 needs.
  package static func scaledIntegerProduct(
    _ sizes: ProductSizes, a: DeviceAddress, b: DeviceAddress, columnScale: DeviceAddress? = nil, columnSums: DeviceAddress? = nil, y: DeviceAddress,
    scale: Float, zero: Int32 = 0, _ operands: ProductOperands = ProductOperands()
  ) throws(PinionError) -> KernelCall {
    guard zero == 0 || columnSums != nil else { throw .internal("a product of int8 with a zero point and without sums of columns") }
    var arguments = LaunchArguments()
    let none = DeviceAddress(0)
    for address in [a, b, columnScale ?? none, columnSums ?? none, operands.bias ?? none, operands.residual ?? none, y] { arguments.add(address) }
    arguments.add(structure: try sizes.structure(operands.activation))
    arguments.add(scale)
    arguments.add(zero)
    return try integer("gemm_i8_f32", sizes, a, b, arguments)
  }

  private static func integer(
    _ name: String, _ sizes: ProductSizes, _ a: DeviceAddress, _ b: DeviceAddress, _ arguments: LaunchArguments
  ) throws(PinionError) -> KernelCall {
    let (aStep, bStep) = try sizes.steps()
    // Sums of 2^17 products of -128 and -128 still fit.
    guard sizes.k <= 1 << 16 else { throw .unsupported("a product of int8 that is \(sizes.k) deep; kernels take up to \(1 << 16)") }
    let isAligned = [sizes.k, aStep, bStep].allSatisfy { $0 % 16 == 0 } && [a, b].allSatisfy { $0.bits % 16 == 0 }
    let shape = try ProductTiles.shape(m: sizes.m, n: sizes.n, batch: sizes.batch)
    return KernelCall(try KernelProgram(named: "gemm_int8.cu"), "\(name)_\(isAligned ? "aligned" : "any")", shape, arguments)
  }
}
