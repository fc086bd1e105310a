import CCUDA
import PinionBase

/// A device's primary context, retained: the one that other libraries of the process use too, so that pointers pass between them.
///
/// Thread-safe. Each call makes the context current for itself and leaves the thread as it was.
// Unchecked: the driver's handle, set once; each call makes it current for its own thread.
package final class DeviceContext: @unchecked Sendable {
  package let device: CUDADevice
  let driver: Driver
  private let handle: UnsafeMutableRawPointer
  /// The first fault that the device does not recover from; every later call ends with it.
  private let fault = Lock<PinionError?>(nil)

  package init(_ ordinal: Int, of platform: CUDAPlatform) throws(PinionError) {
    guard let driver = platform.driver else { throw platform.absence ?? .internal("a platform without driver and without reason") }
    guard platform.devices.indices.contains(ordinal) else {
      throw platform.whyNot(ordinal) ?? .internal("device \(ordinal) is not there and not missing")
    }
    self.driver = driver
    device = platform.devices[ordinal]
    var context: UnsafeMutableRawPointer?
    try driver.check(driver.api.cuDevicePrimaryCtxRetain(&context, device.handle), "cuDevicePrimaryCtxRetain")
    guard let context else { throw .internal("cuDevicePrimaryCtxRetain gave no context") }
    handle = context
  }

  deinit { _ = driver.api.cuDevicePrimaryCtxRelease_v2(device.handle) }

  /// Whether a fault has ended all work on the device.
  package var isLost: Bool { fault.withLock { $0 != nil } }

  /// Free and total bytes of the device.
  package func memory() throws(PinionError) -> (free: Int, total: Int) {
    var free = 0, total = 0
    try call("cuMemGetInfo") { $0.cuMemGetInfo_v2(&free, &total) }
    return (free, total)
  }

  /// Waits for everything on the device.
  package func synchronize() throws(PinionError) { try call("cuCtxSynchronize") { $0.cuCtxSynchronize() } }

  /// Calls one function of the driver in this context; `name` is for the error's text.
  func call(_ name: StaticString, _ body: (cc_driver) -> Int32) throws(PinionError) {
    let status = try result(of: body)
    if status != 0 { throw failure(status, name) }
  }

  /// The same for what may answer that it is not done yet.
  /// - Returns: whether it is.
  func poll(_ name: StaticString, _ body: (cc_driver) -> Int32) throws(PinionError) -> Bool {
    let status = try result(of: body)
    if status == Int32(CC_ERROR_NOT_READY) { return false }
    if status != 0 { throw failure(status, name) }
    return true
  }

  /// The bare status of a call, for callers that know some failures as answers.
  func result(of body: (cc_driver) -> Int32) throws(PinionError) -> Int32 {
    if let fault = fault.withLock({ $0 }) { throw fault }
    try driver.check(driver.api.cuCtxPushCurrent_v2(handle), "cuCtxPushCurrent")
    let status = body(driver.api)
    // What was done is done, and may have made something that the caller has to know of: a failure here shows in the next call.
    var popped: UnsafeMutableRawPointer?
    _ = driver.api.cuCtxPopCurrent_v2(&popped)
    return status
  }

  @inline(never) func failure(_ status: Int32, _ name: StaticString) -> PinionError {
    let error = driver.error(status, name)
    if DriverStatus(status).isFatal { fault.withLock { if $0 == nil { $0 = error } } }
    return error
  }

  /// Gives something back; what fails then has no one to tell.
  func dispose(_ body: (cc_driver) -> Int32) {
    do throws(PinionError) {
      let status = try result(of: body)
      if status != 0 { _ = failure(status, "dispose") }
    } catch {}
  }
}
