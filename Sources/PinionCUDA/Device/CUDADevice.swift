import CCUDA
import PinionBase

/// A GPU that the driver knows, with what is asked of it once.
package struct CUDADevice: Sendable {
  /// The position among the process's devices, as in `cuda:0`.
  package let ordinal: Int
  package let name: String
  /// 90 for compute capability 9.0.
  package let capability: Int
  package let memoryBytes: Int
  package let multiprocessors: Int
  package let cacheBytes: Int
  /// Shared memory that one block may ask for.
  package let sharedBytesPerBlock: Int
  let handle: Int32

  init(_ ordinal: Int, _ driver: Driver) throws(PinionError) {
    self.ordinal = ordinal
    let api = driver.api
    var device: Int32 = 0
    try driver.check(api.cuDeviceGet(&device, Int32(ordinal)), "cuDeviceGet")
    handle = device
    var characters = [CChar](repeating: 0, count: 256)
    try driver.check(api.cuDeviceGetName(&characters, Int32(characters.count), device), "cuDeviceGetName")
    name = text(characters)
    var bytes = 0
    try driver.check(api.cuDeviceTotalMem_v2(&bytes, device), "cuDeviceTotalMem")
    memoryBytes = bytes
    func attribute(_ number: Int) throws(PinionError) -> Int {
      var value: Int32 = 0
      try driver.check(api.cuDeviceGetAttribute(&value, Int32(number), device), "cuDeviceGetAttribute")
      return Int(value)
    }
    capability = try attribute(CC_ATTRIBUTE_CAPABILITY_MAJOR) * 10 + attribute(CC_ATTRIBUTE_CAPABILITY_MINOR)
    multiprocessors = try attribute(CC_ATTRIBUTE_MULTIPROCESSORS)
    cacheBytes = try attribute(CC_ATTRIBUTE_L2_BYTES)
    sharedBytesPerBlock = try attribute(CC_ATTRIBUTE_SHARED_PER_BLOCK_OPTIN)
  }

  /// The oldest capability that kernels are written for: Turing's.
  package static let oldestCapability = 75

  /// `9.0`
  package var capabilityText: String { "\(capability / 10).\(capability % 10)" }

  /// `NVIDIA H100, compute capability 9.0, 132 multiprocessors, 79.6 GiB`
  package var description: String {
    let tenths = memoryBytes / (1 << 20) * 10 / 1024
    return "\(name), compute capability \(capabilityText), \(multiprocessors) multiprocessors, \(tenths / 10).\(tenths % 10) GiB"
  }
}
