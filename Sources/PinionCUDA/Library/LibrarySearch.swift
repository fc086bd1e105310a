import CCUDA
import Glibc
import PinionBase

/// Where NVIDIA's libraries are looked for.
package struct LibrarySearch: Sendable {
  /// A library that is open for good, or why it is not.
  // Unchecked: the pointer is the loader's handle of a library that is never closed, and the loader may be asked from any thread.
  package enum Result: @unchecked Sendable {
    case found(UnsafeMutableRawPointer)
    /// `folders` are those that were looked in, besides those of the dynamic loader; `reason` is empty where no such file was met.
    case missing(folders: [String], reason: String)
  }

  /// Reads an environment variable.
  package var variable: @Sendable (String) -> String?
  /// Folders of the system that are looked in after all others.
  package var systemFolders: [String]
  /// Whether libraries that the process has, or that the dynamic loader finds, are used.
  package var usesLoader: Bool

  package init(variable: @escaping @Sendable (String) -> String?, systemFolders: [String], usesLoader: Bool = true) {
    self.variable = variable
    self.systemFolders = systemFolders
    self.usesLoader = usesLoader
  }

  /// That of this process.
  package static let process = LibrarySearch(
    variable: { name in cc_environment(name).map { String(cString: $0) } },
    systemFolders: [
      "/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/lib/wsl/lib", "/usr/local/nvidia/lib64", "/run/opengl-driver/lib",
    ])

  package func open(_ library: NVIDIALibrary) -> Result {
    if let path = nonEmpty(library.variable) {
      switch attempt(path) {
      case .success(let handle): return .found(handle)
      case .failure(let refusal): return .missing(folders: [], reason: "\(library.variable)=\(path): \(refusal.text)")
      }
    }
    if usesLoader {
      for name in library.names { if case .success(let handle) = attempt(name, onlyIfLoaded: true) { return .found(handle) } }
      for name in library.names { if case .success(let handle) = attempt(name) { return .found(handle) } }
    }
    let folders = folders(library)
    var reason = ""
    for folder in folders {
      for name in library.names {
        let path = folder + "/" + name
        guard access(path, F_OK) == 0 else { continue }
        switch attempt(path) {
        case .success(let handle): return .found(handle)
        case .failure(let refusal): if reason.isEmpty { reason = refusal.text }
        }
      }
    }
    return .missing(folders: folders, reason: reason)
  }

  /// The folders that are looked in by path, those that are there.
  package func folders(_ library: NVIDIALibrary) -> [String] {
    var result: [String] = []
    func add(_ folder: String) { if !result.contains(folder), isFolder(folder) { result.append(folder) } }
    for site in library.wheelFolders.isEmpty ? [] : sites() {
      for folder in library.wheelFolders { add(site + "/nvidia/" + folder) }
    }
    if library != .driver {
      if let conda = nonEmpty("CONDA_PREFIX") { add(conda + "/lib") }
      for name in ["CUDA_HOME", "CUDA_PATH"] { if let folder = nonEmpty(name) { add(folder + "/lib64") } }
      for name in entries("/usr/local", prefix: "cuda").sorted(by: >) where usesLoader { add("/usr/local/\(name)/lib64") }
    }
    for folder in systemFolders { add(folder) }
    return result
  }

  /// Folders of Python packages, those of the environment in use first.
  private func sites() -> [String] {
    var result: [String] = []
    if let own = LibrarySearch.ownSite { result.append(own) }
    var prefixes = ["VIRTUAL_ENV", "CONDA_PREFIX"].compactMap(nonEmpty)
    if let home = nonEmpty("HOME") { prefixes.append(home + "/.local") }
    if usesLoader { prefixes += [LibrarySearch.programPrefix, "/usr/local", "/usr"].compactMap { $0 } }
    for prefix in prefixes {
      for python in entries(prefix + "/lib", prefix: "python3").sorted(by: >) {
        for site in ["site-packages", "dist-packages"] { result.append("\(prefix)/lib/\(python)/\(site)") }
      }
    }
    return result
  }

  private func nonEmpty(_ name: String) -> String? { variable(name).flatMap { $0.isEmpty ? nil : $0 } }

  private struct Refusal: Error { let text: String }

  private func attempt(_ path: String, onlyIfLoaded: Bool = false) -> Swift.Result<UnsafeMutableRawPointer, Refusal> {
    var reason = [CChar](repeating: 0, count: 512)
    if let handle = cc_open(path, onlyIfLoaded ? 1 : 0, &reason, reason.count) { return .success(handle) }
    return .failure(Refusal(text: text(reason)))
  }

  /// The site-packages folder that the library itself lies in, where it came as a wheel.
  private static let ownSite: String? = {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    cc_path_of(UnsafeRawPointer(cc_texts()), &path, path.count)
    let parts = text(path).split(separator: "/", omittingEmptySubsequences: false)
    guard let site = parts.lastIndex(where: { $0 == "site-packages" || $0 == "dist-packages" }) else { return nil }
    return parts[...site].joined(separator: "/")
  }()

  /// The folder above `bin` of the running program, e.g. of a Python interpreter.
  private static let programPrefix: String? = {
    var path = [CChar](repeating: 0, count: Int(PATH_MAX))
    guard readlink("/proc/self/exe", &path, path.count - 1) > 0 else { return nil }
    let parts = text(path).split(separator: "/", omittingEmptySubsequences: false).dropLast()
    return parts.last == "bin" ? parts.dropLast().joined(separator: "/") : nil
  }()
}

/// The text of a zero-terminated buffer.
func text(_ buffer: [CChar]) -> String {
  String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
}

private func isFolder(_ path: String) -> Bool {
  var info = stat()
  return stat(path, &info) == 0 && info.st_mode & S_IFMT == S_IFDIR
}

private func entries(_ folder: String, prefix: String) -> [String] {
  guard let directory = opendir(folder) else { return [] }
  defer { closedir(directory) }
  var names: [String] = []
  while let entry = readdir(directory) {
    let name = withUnsafeBytes(of: entry.pointee.d_name) { bytes in String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self) }
    if name.hasPrefix(prefix) { names.append(name) }
  }
  return names
}
