import PinionBase

/// What an axis is reduced to.
package enum Reduction: Sendable, CaseIterable {
  case sum, mean, maximum, minimum

  fileprivate var name: String {
    switch self {
    case .sum, .mean: "sum"
    case .maximum: "max"
    case .minimum: "min"
    }
  }
}

extension KernelCall {
  /// y[outer, inner] = the reduction of x[outer, extent, inner] over its middle axis, for float32, float16 and bfloat16.
  package static func reduction(
    _ reduction: Reduction, _ element: KernelElement, x: DeviceAddress, y: DeviceAddress, outer: Int, extent: Int, inner: Int
  ) throws(PinionError) -> KernelCall {
    try requireFloat(element, "reductions")
    _ = try kernelCount(try [outer, extent, inner].checkedProduct(), "a reduction")
    guard outer > 0, extent > 0, inner > 0 else { throw .internal("a reduction of [\(outer), \(extent), \(inner)]") }
    let factor = reduction == .mean ? 1 / Float(extent) : 1
    var arguments = LaunchArguments()
    arguments.add(x)
    arguments.add(y)
    arguments.add(Int32(extent))
    let suffix = "\(reduction.name)_\(element.rawValue)"
    if inner == 1 {
      arguments.add(factor)
      let shape = try LaunchShape(x: outer, threads: min(256, warps(extent) * 32))
      return KernelCall(try KernelProgram(named: "reduction.cu"), "reduce_rows_\(suffix)", shape, arguments)
    }
    arguments.add(Int32(inner))
    arguments.add(factor)
    let shape = try LaunchShape(x: (inner + 255) / 256 * outer, threads: 256)
    return KernelCall(try KernelProgram(named: "reduction.cu"), "reduce_columns_\(suffix)", shape, arguments)
  }

  /// The softmax, or its logarithm, of each row, for float32, float16 and bfloat16.
  package static func softmax(
    _ element: KernelElement, x: DeviceAddress, y: DeviceAddress, rows: Int, columns: Int, isLogarithm: Bool = false
  ) throws(PinionError) -> KernelCall {
    try requireFloat(element, "softmax")
    _ = try kernelCount(try rows.multiplied(by: columns), "a softmax")
    guard rows > 0, columns > 0 else { throw .internal("a softmax of [\(rows), \(columns)]") }
    var arguments = LaunchArguments()
    arguments.add(x)
    arguments.add(y)
    let program = try KernelProgram(named: "reduction.cu")
    if columns <= 1024 {
      // A warp holds the row in its registers.
      arguments.add(Int32(rows))
      arguments.add(Int32(columns))
      arguments.add(Int32(isLogarithm ? 1 : 0))
      let name = columns <= 128 ? "softmax_128" : "softmax_1024"
      return KernelCall(program, "\(name)_\(element.rawValue)", try LaunchShape(x: (rows + 3) / 4, threads: 128), arguments)
    }
    arguments.add(Int32(columns))
    arguments.add(Int32(isLogarithm ? 1 : 0))
    return KernelCall(program, "softmax_any_\(element.rawValue)", try LaunchShape(x: rows, threads: 512), arguments)
  }

  /// y = (x - mean) / sqrt(variance + epsilon) * scale + bias of each row, for float32, float16 and bfloat16.
  package static func layerNorm(
    _ element: KernelElement, x: DeviceAddress, scale: DeviceAddress, bias: DeviceAddress?, y: DeviceAddress, rows: Int, columns: Int,
    epsilon: Float
  ) throws(PinionError) -> KernelCall {
    var arguments = LaunchArguments()
    arguments.add(x)
    arguments.add(scale)
    arguments.add(bias ?? DeviceAddress(0))
    return try normalization("layer_norm", element, arguments, y, rows, columns, epsilon)
  }

  /// y = x / sqrt(mean of squares + epsilon) * scale of each row, for float32, float16 and bfloat16.
  package static func rmsNorm(
    _ element: KernelElement, x: DeviceAddress, scale: DeviceAddress, y: DeviceAddress, rows: Int, columns: Int, epsilon: Float
  ) throws(PinionError) -> KernelCall {
    var arguments = LaunchArguments()
    arguments.add(x)
    arguments.add(scale)
    return try normalization("rms_norm", element, arguments, y, rows, columns, epsilon)
  }

  /// The mean of each row, or 0 without `isCentred`, and 1 / sqrt(variance + epsilon), both float32: what `normalizedProduct` takes.
  package static func rowStatistics(
    _ element: KernelElement, x: DeviceAddress, means: DeviceAddress, inverses: DeviceAddress, rows: Int, columns: Int, epsilon: Float,
    isCentred: Bool
  ) throws(PinionError) -> KernelCall {
    try requireFloat(element, "normalisation")
    _ = try kernelCount(try rows.multiplied(by: columns), "a normalisation")
    guard rows > 0, columns > 0 else { throw .internal("a normalisation of [\(rows), \(columns)]") }
    var arguments = LaunchArguments()
    for address in [x, means, inverses] { arguments.add(address) }
    arguments.add(Int32(columns))
    arguments.add(epsilon)
    arguments.add(Int32(isCentred ? 1 : 0))
    let shape = try LaunchShape(x: rows, threads: min(256, warps(columns) * 32))
    return KernelCall(try KernelProgram(named: "reduction.cu"), "row_statistics_\(element.rawValue)", shape, arguments)
  }

  private static func normalization(
    _ name: String, _ element: KernelElement, _ operands: LaunchArguments, _ y: DeviceAddress, _ rows: Int, _ columns: Int, _ epsilon: Float
  ) throws(PinionError) -> KernelCall {
    try requireFloat(element, "normalisation")
    _ = try kernelCount(try rows.multiplied(by: columns), "a normalisation")
    guard rows > 0, columns > 0 else { throw .internal("a normalisation of [\(rows), \(columns)]") }
    var arguments = operands
    arguments.add(y)
    arguments.add(Int32(columns))
    arguments.add(epsilon)
    let shape = try LaunchShape(x: rows, threads: min(256, warps(columns) * 32))
    return KernelCall(try KernelProgram(named: "reduction.cu"), "\(name)_\(element.rawValue)", shape, arguments)
  }

  private static func warps(_ count: Int) -> Int { max(1, (count + 31) / 32) }

  static func requireFloat(_ element: KernelElement, _ what: StaticString) throws(PinionError) {
    guard element == .f32 || element == .f16 || element == .bf16 else { throw .unsupported("no CUDA kernels for \(what) of \(element.rawValue)") }
  }
}
