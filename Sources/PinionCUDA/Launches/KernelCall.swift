import PinionBase

/// An element type that kernels are written for.
package enum KernelElement: String, Sendable, CaseIterable {
  case f32, f16, bf16, i8, u8, i32, i64, bool

  package var byteCount: Int {
    switch self {
    case .f32, .i32: 4
    case .f16, .bf16: 2
    case .i64: 8
    case .i8, .u8, .bool: 1
    }
  }

  /// The type's name in kernel texts.
  var text: String {
    switch self {
    case .f32: "F32"
    case .f16: "F16"
    case .bf16: "BF16"
    case .i8: "I8"
    case .u8: "U8"
    case .i32: "I32"
    case .i64: "I64"
    case .bool: "Bool"
    }
  }
}

/// A launch that is ready but for the stream: which kernel of which text, on what.
package struct KernelCall: Sendable {
  package let program: KernelProgram
  package let kernel: String
  package let shape: LaunchShape
  package let arguments: LaunchArguments
  /// The compute capability that the kernel's instructions need; 80 for 8.0.
  package let leastCapability: Int

  init(_ program: KernelProgram, _ kernel: String, _ shape: LaunchShape, _ arguments: LaunchArguments, leastCapability: Int = 75) {
    self.program = program
    self.kernel = kernel
    self.shape = shape
    self.arguments = arguments
    self.leastCapability = leastCapability
  }
}

extension KernelLoader {
  /// Compiles what is needed and queues the launch.
  /// - Throws: `unsupported` where the device lacks instructions of the kernel.
  package func launch(_ call: KernelCall, in stream: DeviceStream) throws(PinionError) {
    let device = context.device
    guard device.capability >= call.leastCapability else {
      throw .unsupported(
        "kernel \(call.kernel) needs compute capability \(call.leastCapability / 10).\(call.leastCapability % 10), \(device.name) has "
          + "\(device.capability / 10).\(device.capability % 10)")
    }
    let kernel = try module(call.program).kernel(call.kernel)
    try kernel.reserve(sharedBytes: call.shape.sharedBytes)
    try kernel.launch(call.shape, call.arguments, in: stream)
  }
}

/// What fits kernels that count in 32 bits; a grid's worth of steps beyond the last element must still fit.
func kernelCount(_ count: Int, _ what: StaticString) throws(PinionError) -> Int32 {
  guard (0...(1 << 30)).contains(count) else { throw .unsupported("\(what) of \(count) elements; kernels take up to \(1 << 30)") }
  return Int32(count)
}

/// Steps from one element of an axis to the next, as kernels take them.
func kernelSteps(_ steps: [Int], _ what: StaticString) throws(PinionError) -> [Int32] {
  var result: [Int32] = []
  for step in steps {
    guard (0...Int(Int32.max)).contains(step) else { throw .unsupported("\(what) with steps of \(step) elements; kernels take up to \(Int32.max)") }
    result.append(Int32(step))
  }
  return result
}

/// Blocks of a loop in which each thread takes every so-many-th of `count` items.
func loopShape(_ count: Int, threads: Int = 256) throws(PinionError) -> LaunchShape {
  try LaunchShape(x: min(max(1, (count + threads - 1) / threads), 4096), threads: threads)
}
