import PinionBase

extension KernelCall {
  /// The k greatest, or least, of each row in order, of equal ones the first; NaN counts as the greatest. y is [rows, k] of the type,
  /// `indices` [rows, k] of int64. float32, float16 and bfloat16, k up to 1024.
  package static func topK(
    _ element: KernelElement, rows: Int, columns: Int, k: Int, isLeast: Bool = false, x: DeviceAddress, y: DeviceAddress, indices: DeviceAddress
  ) throws(PinionError) -> KernelCall {
    try requireFloat(element, "top-k")
    guard rows > 0, k > 0, k <= columns else { throw .internal("the \(k) greatest of \(columns), \(rows) times") }
    guard k <= 1024 else { throw .unsupported("the \(k) greatest of a row; CUDA kernels take up to 1024") }
    _ = try kernelCount(try rows.multiplied(by: columns), "top-k")
    var size = 1
    while size < k { size *= 2 }
    var arguments = LaunchArguments()
    for address in [x, y, indices] { arguments.add(address) }
    for number in [columns, k, size, isLeast ? 1 : 0] { arguments.add(Int32(truncatingIfNeeded: number)) }
    // A key of 8 bytes for each that is chosen.
    let shape = try LaunchShape(x: rows, threads: min(1024, max(256, size / 2)), sharedBytes: size * 8)
    return KernelCall(try KernelProgram(named: "selection.cu"), "top_k_\(element.rawValue)", shape, arguments)
  }
}
