import PinionBase

/// How a resized picture's elements are made of the input's.
package enum Interpolation: Sendable {
  package enum Rounding: Int32, Sendable, CaseIterable { case halvesDown, halvesUp, down, up }
  case nearest(Rounding)
  case linear
  case cubic(coefficient: Float, excludesOutside: Bool)
}

extension KernelCall {
  /// The greatest or the average of each window of x[images, height, width, channels], for float32, float16 and bfloat16. No window
  /// lies wholly outside.
  /// - Parameter countedPadding: at the bottom and right, where elements of the padding count for an average; nil where they do not.
  package static func pooling(
    _ element: KernelElement, isAverage: Bool, _ sizes: WindowSizes, countedPadding: (Int, Int)? = nil, x: DeviceAddress, y: DeviceAddress
  ) throws(PinionError) -> KernelCall {
    try requireFloat(element, "pooling")
    try sizes.check("a pooling")
    let count = try kernelCount(try [sizes.images, sizes.outHeight, sizes.outWidth, sizes.channels].checkedProduct(), "a pooling")
    var arguments = LaunchArguments()
    arguments.add(x)
    arguments.add(y)
    let extents = [sizes.images, sizes.height, sizes.width, sizes.channels, sizes.outHeight, sizes.outWidth].map { Int32(truncatingIfNeeded: $0) }
    let end = [try kernelCount(countedPadding?.0 ?? 0, "a padding"), try kernelCount(countedPadding?.1 ?? 0, "a padding")]
    arguments.add(structure: extents + sizes.window + [countedPadding == nil ? 0 : 1] + end)
    arguments.add(count)
    let name = "pool_\(isAverage ? "average" : "maximum")_\(element.rawValue)"
    return KernelCall(try KernelProgram(named: "image.cu"), name, try loopShape(Int(count)), arguments)
  }

  /// x[images, height, width, channels] in other extents: an output's place lies at place * scale + shift of the input, by axis. float32,
  /// float16 and bfloat16.
  package static func resizing(
    _ element: KernelElement, _ interpolation: Interpolation, images: Int, height: Int, width: Int, channels: Int, outHeight: Int, outWidth: Int,
    scale: (Float, Float), shift: (Float, Float), x: DeviceAddress, y: DeviceAddress
  ) throws(PinionError) -> KernelCall {
    try requireFloat(element, "resizing")
    let extents = [images, height, width, channels, outHeight, outWidth]
    guard extents.allSatisfy({ $0 > 0 }) else { throw .internal("a resizing of sizes \(extents)") }
    _ = try kernelCount(try [images, height, width, channels].checkedProduct(), "a resizing")
    let count = try kernelCount(try [images, outHeight, outWidth, channels].checkedProduct(), "a resizing")
    // Places are float32, and integers after.
    for (extent, factor, offset) in [(outHeight, scale.0, shift.0), (outWidth, scale.1, shift.1)] {
      guard (abs(Float(extent) * factor) + abs(offset)) < 1e9 else { throw .unsupported("a resizing by \(factor) from \(offset)") }
    }
    let (name, rounding, coefficient, excludes): (String, Int32, Float, Bool) =
      switch interpolation {
      case .nearest(let rounding): ("nearest", rounding.rawValue, 0, false)
      case .linear: ("linear", 0, 0, false)
      case .cubic(let coefficient, let excludes): ("cubic", 0, coefficient, excludes)
      }
    var arguments = LaunchArguments()
    arguments.add(x)
    arguments.add(y)
    let floats = [scale.0, scale.1, shift.0, shift.1].map { Int32(bitPattern: $0.bitPattern) }
    arguments.add(
      structure: extents.map { Int32(truncatingIfNeeded: $0) } + floats + [rounding, Int32(bitPattern: coefficient.bitPattern), excludes ? 1 : 0])
    arguments.add(count)
    return KernelCall(try KernelProgram(named: "image.cu"), "resize_\(name)_\(element.rawValue)", try loopShape(Int(count)), arguments)
  }
}
