import CCUDA
import Glibc
import PinionBase
import Synchronization

/// NVRTC, which compiles kernels in this process.
// Unchecked: addresses of functions that any thread may call, set once.
package final class Compiler: @unchecked Sendable {
  private let api: cc_nvrtc
  /// `13.5`
  package let version: String
  /// The capabilities that it compiles for, ascending.
  package let capabilities: [Int]

  /// - Throws: `unsupported`, with one sentence that says where it was looked for and how to get it.
  init(_ search: LibrarySearch) throws(PinionError) {
    let library: UnsafeMutableRawPointer
    switch search.open(.nvrtc) {
    case .found(let handle): library = handle
    case .missing(let folders, let reason):
      let names = NVIDIALibrary.nvrtc.names.joined(separator: " and ")
      let places = (search.usesLoader ? ["the dynamic loader"] : []) + folders
      let where_ = reason.isEmpty ? "looked for \(names) through \(places.isEmpty ? "no folder" : places.joined(separator: ", "))" : reason
      throw .unsupported(
        "NVRTC, which compiles the kernels, was not found: \(where_); get it with 'pip install nvidia-cuda-nvrtc', or name the file in "
          + NVIDIALibrary.nvrtc.variable)
    }
    var table = cc_nvrtc()
    if let name = cc_nvrtc_load(library, &table) {
      guard strcmp(name, "nvrtcVersion") != 0 else {
        throw .unsupported("the library opened for NVRTC is another: it has no nvrtcVersion; get NVRTC with 'pip install nvidia-cuda-nvrtc'")
      }
      throw .unsupported("NVRTC is too old: it has no \(String(cString: name)); get a newer one with 'pip install nvidia-cuda-nvrtc'")
    }
    api = table
    var major: Int32 = 0, minor: Int32 = 0, count: Int32 = 0
    guard table.nvrtcVersion(&major, &minor) == 0, table.nvrtcGetNumSupportedArchs(&count) == 0, (1...1000).contains(count) else {
      throw .unsupported("NVRTC does not tell its version and architectures")
    }
    version = "\(major).\(minor)"
    var found = [Int32](repeating: 0, count: Int(count))
    guard table.nvrtcGetSupportedArchs(&found) == 0 else { throw .unsupported("NVRTC does not tell its architectures") }
    capabilities = found.map(Int.init).sorted()
  }

  /// What an image for a device of `capability` is compiled for: the same, or the nearest older one of the same major number,
  /// whose images it runs.
  package func target(for capability: Int) throws(PinionError) -> Int {
    if let best = capabilities.last(where: { $0 <= capability && $0 / 10 == capability / 10 }) { return best }
    throw .unsupported(
      "NVRTC \(version) does not compile for compute capability \(capability / 10).\(capability % 10); get a newer one with "
        + "'pip install nvidia-cuda-nvrtc'")
  }

  /// - Returns: a cubin.
  package func compile(_ program: KernelProgram, target: Int) throws(PinionError) -> [UInt8] {
    var handle: UnsafeMutableRawPointer?
    let headers = program.headers
    try withCStrings(headers.map(\.text)) { texts throws(PinionError) in
      try withCStrings(headers.map(\.name)) { names throws(PinionError) in
        try check(
          api.nvrtcCreateProgram(&handle, program.text, program.name, Int32(headers.count), texts, names), "nvrtcCreateProgram")
      }
    }
    guard handle != nil else { throw .internal("nvrtcCreateProgram gave no program") }
    defer { _ = api.nvrtcDestroyProgram(&handle) }
    let options = program.options(target: target)
    var status: Int32 = 0
    withCStrings(options) { pointers in status = api.nvrtcCompileProgram(handle, Int32(options.count), pointers) }
    if status == Int32(CC_NVRTC_COMPILATION) {
      throw .internal("the kernels of '\(program.name)' do not compile for sm_\(target): \(log(handle))")
    }
    try check(status, "nvrtcCompileProgram")
    var size = 0
    try check(api.nvrtcGetCUBINSize(handle, &size), "nvrtcGetCUBINSize")
    guard size > 0 else { throw .internal("NVRTC gave an empty image for '\(program.name)'") }
    var image = [UInt8](repeating: 0, count: size)
    let copied = image.withUnsafeMutableBytes { api.nvrtcGetCUBIN(handle, $0.bindMemory(to: CChar.self).baseAddress) }
    try check(copied, "nvrtcGetCUBIN")
    return image
  }

  private func log(_ handle: UnsafeMutableRawPointer?) -> String {
    var size = 0
    guard api.nvrtcGetProgramLogSize(handle, &size) == 0, size > 0 else { return "no log" }
    var characters = [CChar](repeating: 0, count: size + 1)
    guard api.nvrtcGetProgramLog(handle, &characters) == 0 else { return "no log" }
    return text(characters)
  }

  private func check(_ status: Int32, _ call: StaticString) throws(PinionError) {
    guard status != 0 else { return }
    let name = api.nvrtcGetErrorString(status).map { String(cString: $0) } ?? "an error without a name"
    throw PinionError(status == Int32(CC_NVRTC_OUT_OF_MEMORY) ? .outOfMemory : .internal, "\(call): \(name) (\(status))")
  }
}

/// Pointers to zero-terminated copies of `strings` for the time of the call.
private func withCStrings(
  _ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) throws(PinionError) -> Void
) throws(PinionError) {
  var bytes: [CChar] = []
  var starts: [Int] = []
  for string in strings {
    starts.append(bytes.count)
    bytes += string.utf8.map { CChar(bitPattern: $0) } + [0]
  }
  var failure: PinionError?
  bytes.withUnsafeBufferPointer { buffer in
    let pointers: [UnsafePointer<CChar>?] = starts.map { start in buffer.baseAddress.map { $0 + start } }
    pointers.withUnsafeBufferPointer { table in
      do throws(PinionError) { try body(table.baseAddress) } catch { failure = error }
    }
  }
  if let failure { throw failure }
}
private func withCStrings(_ strings: [String], _ body: (UnsafePointer<UnsafePointer<CChar>?>?) -> Void) {
  do throws(PinionError) {
    try withCStrings(strings) { pointers throws(PinionError) in body(pointers) }
  } catch {}
}
