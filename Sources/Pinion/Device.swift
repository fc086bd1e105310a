import CKernels
import CThreads
import PinionBase
import PinionCUDA

/// What sessions may be made for: the processor, or a GPU.
public struct Device: Sendable {
  /// `cpu`, `cuda:0`
  public let name: String
  /// What it is, in one line.
  public let description: String

  public static let cpu = Device(
    name: "cpu",
    description: {
      let count = ct_processor_count()
      return "\(String(cString: pk_isa_name(pk_isa_best()))), \(count) \(count == 1 ? "processor" : "processors")"
    }())

  /// The processor, and the GPUs that the driver knows. Looks for the driver when it is asked for the first time.
  public static let all: [Device] =
    [cpu] + CUDAPlatform.shared.devices.map { Device(name: "cuda:\($0.ordinal)", description: $0.description) }

  /// Why there is no GPU, in one sentence; nil if there are some.
  public static var absenceOfGPUs: String? { CUDAPlatform.shared.absence?.message }

  /// Why no session can be made for the device of that name; nil if one can.
  public static func whyNot(_ name: String) -> PinionError? {
    if name == cpu.name { return nil }
    let prefix = "cuda:"
    guard name.hasPrefix(prefix), let ordinal = Int(name.dropFirst(prefix.count)), name == "\(prefix)\(ordinal)", ordinal >= 0 else {
      return PinionError(.notFound, "no device '\(name)'; expected 'cpu', or 'cuda:0' and so on")
    }
    let platform = CUDAPlatform.shared
    if let reason = platform.whyNot(ordinal) { return reason }
    return .unsupported("this version of Pinion finds \(name) (\(platform.devices[ordinal].name)) but does not run models on it yet")
  }
}
