import CCUDA
import Glibc
import PinionBase

/// The functions of an initialised driver.
// Unchecked: addresses of functions that any thread may call, filled in before the object is seen by anybody else, and never changed.
final class Driver: @unchecked Sendable {
  let api: cc_driver
  /// As cuDriverGetVersion counts: 1000 * major + 10 * minor.
  let version: Int

  /// Opens and initialises the driver.
  /// - Throws: `unsupported`, with one sentence that says what is missing and what to do.
  init(_ search: LibrarySearch) throws(PinionError) {
    let library: UnsafeMutableRawPointer
    switch search.open(.driver) {
    case .found(let handle): library = handle
    case .missing(_, let reason):
      let detail = reason.isEmpty ? "libcuda.so.1 was not found" : reason
      throw .unsupported("no NVIDIA driver: \(detail); install the driver of your system's GPU")
    }
    var table = cc_driver()
    if let name = cc_driver_load(library, &table) {
      guard strcmp(name, "cuInit") != 0 else { throw .unsupported("no NVIDIA driver: the library opened for it has no cuInit, which every driver has") }
      throw .unsupported(
        "the NVIDIA driver is too old: it has no \(String(cString: name)), Pinion needs one for CUDA \(versionText(CC_OLDEST_DRIVER)) or later")
    }
    var found: Int32 = 0
    guard table.cuDriverGetVersion(&found) == 0 else { throw .unsupported("the NVIDIA driver does not tell its version") }
    guard found >= Int32(CC_OLDEST_DRIVER) else {
      throw .unsupported(
        "the NVIDIA driver is too old: it is for CUDA \(versionText(Int(found))), Pinion needs one for CUDA "
          + "\(versionText(CC_OLDEST_DRIVER)) or later")
    }
    api = table
    version = Int(found)
    let status = table.cuInit(0)
    guard status == 0 else { throw .unsupported(Driver.refusal(status, table)) }
  }

  private static func refusal(_ status: Int32, _ table: cc_driver) -> String {
    switch Int(status) {
    case CC_ERROR_NO_DEVICE: "the NVIDIA driver finds no GPU"
    case CC_ERROR_STUB_LIBRARY: "libcuda.so.1 is the toolkit's stub, not a driver"
    case CC_ERROR_DRIVER_MISMATCH: "the NVIDIA driver's library does not fit its kernel module; a restart after an update mends that"
    default: "the NVIDIA driver does not start: \(DriverStatus(status).description(table))"
    }
  }

  /// Throws what `status`, the result of `call`, stands for.
  @inline(__always) func check(_ status: Int32, _ call: StaticString) throws(PinionError) {
    if status != 0 { throw error(status, call) }
  }

  @inline(never) func error(_ status: Int32, _ call: StaticString) -> PinionError {
    let status = DriverStatus(status)
    return PinionError(status.code, "\(call): \(status.description(api))")
  }
}

/// `12020` as `12.2`.
func versionText(_ version: Int) -> String { "\(version / 1000).\(version % 1000 / 10)" }
