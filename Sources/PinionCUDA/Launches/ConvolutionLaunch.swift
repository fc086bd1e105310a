import PinionBase

/// A convolution, or a pooling, of channels-last pictures.
package struct WindowSizes: Sendable {
  package var images, height, width, channels: Int
  package var outHeight, outWidth: Int
  package var kernel, stride, padding, dilation: (Int, Int)

  /// - Parameter padding: at the top and at the left; what is at the other sides follows from the output's extents.
  package init(
    images: Int, height: Int, width: Int, channels: Int, outHeight: Int, outWidth: Int, kernel: (Int, Int), stride: (Int, Int) = (1, 1),
    padding: (Int, Int) = (0, 0), dilation: (Int, Int) = (1, 1)
  ) {
    (self.images, self.height, self.width, self.channels, self.outHeight, self.outWidth) = (images, height, width, channels, outHeight, outWidth)
    (self.kernel, self.stride, self.padding, self.dilation) = (kernel, stride, padding, dilation)
  }

  /// Throws where a kernel could not count places in 32 bits.
  func check(_ what: StaticString) throws(PinionError) {
    let positive = [images, height, width, channels, outHeight, outWidth, kernel.0, kernel.1, stride.0, stride.1, dilation.0, dilation.1]
    guard positive.allSatisfy({ $0 > 0 }), padding.0 >= 0, padding.1 >= 0 else { throw .internal("\(what) of sizes \(positive)") }
    _ = try kernelCount(try [images, height, width, channels].checkedProduct(), what)
    for (out, step, kernel, dilation, padding) in [
      (outHeight, stride.0, kernel.0, dilation.0, padding.0), (outWidth, stride.1, kernel.1, dilation.1, padding.1),
    ] {
      _ = try kernelCount(try out.multiplied(by: step).adding(try kernel.multiplied(by: dilation)).adding(padding), what)
    }
  }

  /// Kernel, stride, padding and dilation as in the kernels' structures; `check` has passed.
  var window: [Int32] { [kernel.0, kernel.1, stride.0, stride.1, padding.0, padding.1, dilation.0, dilation.1].map { Int32(truncatingIfNeeded: $0) } }
}

extension KernelCall {
  /// y[images, outHeight, outWidth, outputs] = activation(x * w + bias) + residual, w being [groups, kernel height, kernel width,
  /// channels / groups, outputs / groups], for float32, float16 and bfloat16. float32 runs on the plain units, or with `allowsTF32` on the matrix
  /// units. With as many groups as channels and outputs it is depthwise, w [kernel height, kernel width, channels].
  package static func convolution(
    _ element: KernelElement, _ sizes: WindowSizes, outputs: Int, groups: Int = 1, x: DeviceAddress, w: DeviceAddress, y: DeviceAddress,
    _ operands: ProductOperands = ProductOperands(), allowsTF32: Bool = false
  ) throws(PinionError) -> KernelCall {
    try requireFloat(element, "convolutions")
    try sizes.check("a convolution")
    guard groups > 0, outputs > 0, sizes.channels % groups == 0, outputs % groups == 0 else {
      throw .internal("a convolution of \(sizes.channels) channels to \(outputs) in \(groups) groups")
    }
    let groupChannels = sizes.channels / groups, groupOutputs = outputs / groups
    let rows = try [sizes.images, sizes.outHeight, sizes.outWidth].checkedProduct()
    _ = try kernelCount(try rows.multiplied(by: outputs), "a convolution")
    _ = try kernelCount(try [sizes.kernel.0, sizes.kernel.1, groupChannels, outputs].checkedProduct(), "a convolution's weights")
    var arguments = LaunchArguments()
    for address in [x, w, operands.bias ?? DeviceAddress(0), operands.residual ?? DeviceAddress(0), y] { arguments.add(address) }
    let extents = [sizes.images, sizes.height, sizes.width, sizes.channels, sizes.outHeight, sizes.outWidth, outputs].map { Int32(truncatingIfNeeded: $0) }
    arguments.add(structure: extents + sizes.window + [Int32(groups), operands.activation.rawValue])
    let program = try KernelProgram(named: "conv.cu")
    if groupChannels == 1, groupOutputs == 1 {
      let addresses = [x, w, y, operands.bias ?? x, operands.residual ?? x]
      let width = groups % 4 == 0 && addresses.allSatisfy { $0.bits % UInt64(4 * element.byteCount) == 0 } ? 4 : 1
      let count = try kernelCount(rows * (groups / width), "a convolution")
      arguments.add(count)
      return KernelCall(program, "depthwise_\(width)_\(element.rawValue)", try loopShape(Int(count)), arguments)
    }
    if element == .f32, !allowsTF32 {
      let shape = try LaunchShape(x: try ProductTiles.blocks(m: rows, n: groupOutputs, batch: groups, rows: 64, columns: 64), threads: 256)
      return KernelCall(program, "conv_f32", shape, arguments)
    }
    let piece = 16 / element.byteCount
    let isAligned = groupChannels % piece == 0 && groupOutputs % piece == 0 && [x, w].allSatisfy { $0.bits % 16 == 0 }
    let name = "conv_\(element == .f32 ? "tf32" : element.rawValue)_\(isAligned ? "aligned" : "any")"
    return KernelCall(
      program, name, try ProductTiles.shape(m: rows, n: groupOutputs, batch: groups), arguments, leastCapability: ProductTiles.capability(element))
  }
}
