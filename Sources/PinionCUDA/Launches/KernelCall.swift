import PinionBase

/// An element type that kernels are written for.
public enum KernelElement: String, Sendable, CaseIterable {
  case f32, f16, bf16, i32, i64, bool

  public var byteCount: Int {
    switch self {
    case .f32, .i32: 4
    case .f16, .bf16: 2
    case .i64: 8
    case .bool: 1
    }
  }

  /// The type's name in kernel texts.
  var text: String {
    switch self {
    case .f32: "F32"
    case .f16: "F16"
    case .bf16: "BF16"
    case .i32: "I32"
    case .i64: "I64"
    case .bool: "Bool"
    }
  }
}

/// A launch that is ready but for the stream: which kernel of which text, on what.
public struct KernelCall: Sendable {
  public let program: KernelProgram
  public let kernel: String
  public let shape: LaunchShape
  public let arguments: LaunchArguments

  init(_ program: KernelProgram, _ kernel: String, _ shape: LaunchShape, _ arguments: LaunchArguments) {
    self.program = program
    self.kernel = kernel
    self.shape = shape
    self.arguments = arguments
  }
}

extension KernelLoader {
  /// Compiles what is needed and queues the launch.
  public func launch(_ call: KernelCall, in stream: DeviceStream) throws(PinionError) {
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

/// Blocks of a loop in which each thread takes every so-many-th of `count` items.
func loopShape(_ count: Int, threads: Int = 256) throws(PinionError) -> LaunchShape {
  try LaunchShape(x: min(max(1, (count + threads - 1) / threads), 4096), threads: threads)
}
