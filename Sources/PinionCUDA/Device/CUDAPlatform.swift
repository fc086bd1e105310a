import CCUDA
import PinionBase

/// The GPUs of this process and the libraries that go with them.
///
/// Nothing is opened before `shared` is asked for, and the compiler only once there is a device: a process without a GPU pays for one
/// failing look-up of a library.
package final class CUDAPlatform: Sendable {
  package static let shared = CUDAPlatform(.process)

  package let devices: [CUDADevice]
  /// Why there is no device; nil where there are some.
  package let absence: PinionError?
  /// The driver's version, 12020 for CUDA 12.2; 0 without a driver.
  package let driverVersion: Int
  let search: LibrarySearch
  let driver: Driver?
  private let openCompiler = Lock<Result<Compiler, PinionError>?>(nil)

  package init(_ search: LibrarySearch) {
    self.search = search
    var opened: Driver?
    var found: [CUDADevice] = []
    var reason: PinionError?
    do throws(PinionError) {
      let driver = try Driver(search)
      var count: Int32 = 0
      try driver.check(driver.api.cuDeviceGetCount(&count), "cuDeviceGetCount")
      for ordinal in 0..<max(0, Int(count)) { found.append(try CUDADevice(ordinal, driver)) }
      opened = driver
      if found.isEmpty { reason = .unsupported("the NVIDIA driver finds no GPU") }
    } catch {
      found = []
      reason = .unsupported(error.message)
    }
    driver = opened
    driverVersion = opened?.version ?? 0
    devices = found
    absence = reason
  }

  /// The compiler of kernels.
  /// - Throws: `unsupported`, with one sentence that says where it was looked for and how to get it.
  package func compiler() throws(PinionError) -> Compiler {
    if let absence { throw absence }
    let result = openCompiler.withLock { opened in
      if let opened { return opened }
      let result: Result<Compiler, PinionError>
      do throws(PinionError) { result = .success(try Compiler(search)) } catch { result = .failure(error) }
      opened = result
      return result
    }
    return try result.get()
  }

  /// Why kernels cannot run on a device; nil if they can.
  package func whyNot(_ ordinal: Int) -> PinionError? {
    if let absence { return absence }
    guard devices.indices.contains(ordinal) else {
      let last = devices.count - 1
      return PinionError(.notFound, "no device 'cuda:\(ordinal)'; the NVIDIA driver has \(devices.count == 1 ? "cuda:0" : "cuda:0 to cuda:\(last)")")
    }
    let device = devices[ordinal]
    guard device.capability >= CUDADevice.oldestCapability else {
      return .unsupported("\(device.name) has compute capability \(device.capabilityText), Pinion needs 7.5 or later")
    }
    do throws(PinionError) { _ = try compiler().target(for: device.capability) } catch { return error }
    return nil
  }
}
