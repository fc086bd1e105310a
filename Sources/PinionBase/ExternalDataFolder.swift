import Glibc
import Synchronization

/// The folder of a model, as the only place from which its external tensor data may come.
///
/// Names are resolved component by component without following a symbolic link, so that no model can make its host read a file
/// elsewhere. Files are mapped once each and stay mapped as long as this object or a range of one of them lives.
public final class ExternalDataFolder: Sendable {
  /// The folder's path; used in messages only once it is open.
  public let path: String
  private let descriptor: Int32
  private let mappings = Mutex<[String: FileMapping]>([:])

  /// Opens a folder. Throws `.io` where it cannot be opened.
  public init(path: String) throws(PinionError) {
    guard !path.utf8.contains(0) else { throw ioError("open", path, "the path contains a null byte") }
    self.path = path
    descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ioError("open", path, systemMessage(errno)) }
  }

  /// Opens the folder in which the model file lies.
  public convenience init(ofModel modelPath: String) throws(PinionError) {
    let slash = modelPath.utf8.lastIndex(of: UInt8(ascii: "/"))
    let folder = slash.map { String(modelPath[..<$0]) } ?? "."
    try self.init(path: folder.isEmpty ? "/" : folder)
  }

  deinit { close(descriptor) }

  /// A range of a data file.
  ///
  /// - Parameters:
  ///   - location: a path relative to the folder, with `/` between components.
  ///   - offset, count: the range in bytes; all of it has to be inside the file.
  ///
  /// Throws `.invalidModel` for a location that is absolute, empty or contains `..`, and for a range that is not inside the
  /// file; `.io` for a file that cannot be opened, is reached through a symbolic link, or is no regular file.
  public func bytes(location: String, offset: Int, count: Int) throws(PinionError) -> MappedBytes {
    let mapping = try file(location)
    guard offset >= 0, count >= 0, offset <= mapping.bytes.count, count <= mapping.bytes.count - offset else {
      throw .invalidModel(
        "external data '\(location)' has \(mapping.bytes.count) bytes; the model asks for \(count) from \(offset) on")
    }
    return try mapping.all.slice(offset: offset, count: count)
  }

  /// The whole data file, from the cache where it was asked for before. Throws as `bytes(location:offset:count:)`.
  public func file(_ location: String) throws(PinionError) -> FileMapping {
    let components = try componentsBelow(location)
    let key = components.joined(separator: "/")
    if let known = mappings.withLock({ $0[key] }) { return known }
    let opened = try map(components, location: location)
    return mappings.withLock { known in
      if let first = known[key] { return first }
      known[key] = opened
      return opened
    }
  }

  private func componentsBelow(_ location: String) throws(PinionError) -> [String] {
    func refused(_ reason: String) -> PinionError { .invalidModel("external data location '\(location)' \(reason)") }
    guard !location.utf8.contains(0) else { throw refused("contains a null byte") }
    guard location.utf8.first != UInt8(ascii: "/") else { throw refused("is an absolute path") }
    let components = location.utf8.split(separator: UInt8(ascii: "/")).map { String(Substring($0)) }.filter { $0 != "." }
    guard !components.isEmpty else { throw refused("names no file") }
    guard !components.contains("..") else { throw refused("leads out of the model's folder") }
    return components
  }

  private func map(_ components: [String], location: String) throws(PinionError) -> FileMapping {
    let name = "\(path)/\(location)"
    var folder = descriptor
    defer { if folder != descriptor { close(folder) } }
    for component in components.dropLast() {
      let next = openat(folder, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      guard next >= 0 else { throw openError(name) }
      if folder != descriptor { close(folder) }
      folder = next
    }
    guard let last = components.last else { throw .invalidModel("external data location '\(location)' names no file") }
    let file = openat(folder, last, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
    guard file >= 0 else { throw openError(name) }
    defer { close(file) }
    return try FileMapping(descriptor: file, name: name)
  }

  private func openError(_ name: String) -> PinionError {
    let number = errno
    return ioError("open", name, number == ELOOP ? "it is a symbolic link" : systemMessage(number))
  }
}
