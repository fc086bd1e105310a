import CCUDA
import PinionBase

/// Compiled kernels, loaded into a context.
// Unchecked: a handle of the driver's, which any thread may use, set once.
package final class DeviceModule: @unchecked Sendable {
  package let context: DeviceContext
  private let handle: UnsafeMutableRawPointer

  /// - Throws: `unsupported` where the image is for another kind of GPU.
  package init(_ context: DeviceContext, image: [UInt8]) throws(PinionError) {
    guard !image.isEmpty else { throw .unsupported("an empty image holds no kernels") }
    self.context = context
    var module: UnsafeMutableRawPointer?
    try context.call("cuModuleLoadData") { api in image.withUnsafeBytes { api.cuModuleLoadData(&module, $0.baseAddress) } }
    guard let module else { throw .internal("cuModuleLoadData gave no module") }
    handle = module
  }

  deinit { context.dispose { $0.cuModuleUnload(handle) } }

  package func kernel(_ name: String) throws(PinionError) -> DeviceKernel {
    var function: UnsafeMutableRawPointer?
    let status = try context.result { $0.cuModuleGetFunction(&function, handle, name) }
    if status == Int32(CC_ERROR_NOT_FOUND) { throw PinionError(.internal, "the compiled kernels have no '\(name)'") }
    if status != 0 { throw context.failure(status, "cuModuleGetFunction") }
    guard let function else { throw .internal("cuModuleGetFunction gave no kernel '\(name)'") }
    return DeviceKernel(self, function, name)
  }
}

/// One kernel; keeps its module.
// Unchecked: a handle of the driver's, set once.
package final class DeviceKernel: @unchecked Sendable {
  package let module: DeviceModule
  package let name: String
  private let handle: UnsafeMutableRawPointer

  init(_ module: DeviceModule, _ handle: UnsafeMutableRawPointer, _ name: String) {
    self.module = module
    self.handle = handle
    self.name = name
  }

  /// What a launch gets without asking.
  static let plainSharedBytes = 48 << 10

  /// Lets launches ask for so much dynamic shared memory.
  package func reserve(sharedBytes: Int) throws(PinionError) {
    guard sharedBytes > DeviceKernel.plainSharedBytes else { return }
    let limit = module.context.device.sharedBytesPerBlock
    guard sharedBytes <= limit else {
      throw .unsupported("kernel \(name) needs \(sharedBytes) bytes of shared memory, a block of \(module.context.device.name) has \(limit)")
    }
    try module.context.call("cuFuncSetAttribute") {
      $0.cuFuncSetAttribute(handle, Int32(CC_FUNCTION_MAX_DYNAMIC_SHARED), Int32(sharedBytes))
    }
  }

  package func registers() throws(PinionError) -> Int {
    var value: Int32 = 0
    try module.context.call("cuFuncGetAttribute") { $0.cuFuncGetAttribute(&value, Int32(CC_FUNCTION_REGISTERS), handle) }
    return Int(value)
  }

  /// How many blocks of `shape` a multiprocessor holds at once.
  package func blocksPerMultiprocessor(_ shape: LaunchShape) throws(PinionError) -> Int {
    var blocks: Int32 = 0
    try module.context.call("cuOccupancyMaxActiveBlocksPerMultiprocessor") {
      $0.cuOccupancyMaxActiveBlocksPerMultiprocessor(&blocks, handle, Int32(shape.threads), shape.sharedBytes)
    }
    return Int(blocks)
  }

  /// Queues a launch. The arguments are copied before the call returns.
  package func launch(_ shape: LaunchShape, _ arguments: LaunchArguments, in stream: DeviceStream) throws(PinionError) {
    try arguments.withPointers { pointers throws(PinionError) in
      try module.context.call("cuLaunchKernel") {
        $0.cuLaunchKernel(
          handle, UInt32(shape.blocks.x), UInt32(shape.blocks.y), UInt32(shape.blocks.z), UInt32(shape.threads), 1, 1,
          UInt32(shape.sharedBytes), stream.handle, pointers, nil)
      }
    }
  }
}
