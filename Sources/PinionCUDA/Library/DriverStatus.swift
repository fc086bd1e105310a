import CCUDA
import PinionBase

/// What a function of the driver returned.
struct DriverStatus {
  let number: Int

  init(_ number: Int32) { self.number = Int(number) }

  /// What Pinion's caller gets. What the driver refuses as wrong use is a defect of Pinion.
  var code: ErrorCode {
    switch number {
    case CC_ERROR_OUT_OF_MEMORY: .outOfMemory
    case CC_ERROR_NO_DEVICE, CC_ERROR_INVALID_DEVICE: .notFound
    case CC_ERROR_STUB_LIBRARY, CC_ERROR_INVALID_IMAGE, CC_ERROR_NO_BINARY_FOR_GPU, CC_ERROR_INVALID_PTX,
      CC_ERROR_UNSUPPORTED_PTX_VERSION, CC_ERROR_UNSUPPORTED_LIMIT, CC_ERROR_NOT_PERMITTED, CC_ERROR_NOT_SUPPORTED,
      CC_ERROR_DRIVER_MISMATCH:
      .unsupported
    case CC_ERROR_DEVICE_UNAVAILABLE, CC_ERROR_ECC_UNCORRECTABLE, CC_ERROR_NVLINK_UNCORRECTABLE, CC_ERROR_OPERATING_SYSTEM,
      CC_ERROR_SYSTEM_NOT_READY, CC_ERROR_LAUNCH_TIMEOUT, CC_ERROR_UNKNOWN:
      .io
    default: .internal
    }
  }

  /// Whether nothing can be done any more with the device's context, in this process, by anyone.
  var isFatal: Bool {
    switch number {
    case CC_ERROR_DEINITIALIZED, CC_ERROR_ECC_UNCORRECTABLE, CC_ERROR_NVLINK_UNCORRECTABLE, CC_ERROR_UNKNOWN: true
    // Faults of a kernel, all but a launch that asks for too much.
    case CC_ERROR_ILLEGAL_ADDRESS...CC_ERROR_LAUNCH_FAILED: number != CC_ERROR_LAUNCH_OUT_OF_RESOURCES && !(703...709).contains(number)
      && !(711...713).contains(number)
    default: false
    }
  }

  /// The driver's own sentence, its name for it and the number.
  func description(_ api: cc_driver) -> String {
    func ask(_ function: (Int32, UnsafeMutablePointer<UnsafePointer<CChar>?>?) -> Int32) -> String? {
      var text: UnsafePointer<CChar>?
      guard function(Int32(number), &text) == 0, let text else { return nil }
      return String(cString: text)
    }
    let name = ask(api.cuGetErrorName) ?? "an error that the driver does not name"
    let sentence = ask(api.cuGetErrorString)
    let head = sentence.map { "\($0) (\(name), \(number))" } ?? "\(name) (\(number))"
    return isFatal ? head + "; the device's context is lost for this process" : head
  }
}
