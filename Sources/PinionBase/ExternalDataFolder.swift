import Glibc

/// The folder from which a model's external tensor data may come.
///
/// A symbolic link is followed where the file that it leads to lies in the folder, or in the one where the model's file really lies:
/// caches of models keep files side by side under other names and link to them. Nothing else outside is opened, so that no model can
/// make its host read a file elsewhere: what is judged is the file that has been found, not a name that may change its meaning in
/// between. Files are mapped once each and stay mapped as long as this object or a range of one of them lives.
public final class ExternalDataFolder: Sendable {
  /// The folder's path; used in messages only once it is open.
  public let path: String
  private let descriptor: Int32
  /// Which folder this is, wherever paths to it may lead later.
  public let place: [UInt]
  private let access: FileAccess
  /// The folders, without links in their paths, in which a file may really lie.
  private let realFolders: [[UInt8]]
  private let mappings = Lock<[String: FileMapping]>([:])

  /// Opens a folder. Throws `.io` where it cannot be opened.
  /// - Parameter model: the model's file, whose real folder counts as well.
  public init(path: String, model: FileMapping? = nil, access: FileAccess = .mapped) throws(PinionError) {
    guard !path.utf8.contains(0) else { throw ioError("open", path, "the path contains a null byte") }
    self.path = path
    self.access = access
    descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw ioError("open", path, systemMessage(errno)) }
    var status = stat()
    place = fstat(descriptor, &status) == 0 ? [UInt(status.st_dev), UInt(status.st_ino)] : []
    let modelFolder = model?.realPath.map { Array($0[..<($0.lastIndex(of: slash) ?? 0)]) }
    realFolders = [realPath(descriptor), modelFolder].compactMap { $0 }
  }

  /// Opens the folder in which the model file lies.
  public convenience init(
    ofModel modelPath: String, _ model: FileMapping? = nil, access: FileAccess = .mapped
  ) throws(PinionError) {
    try self.init(path: folder(of: modelPath), model: model, access: access)
  }

  deinit { close(descriptor) }

  /// A range of a data file.
  ///
  /// - Parameters:
  ///   - location: a path relative to the folder, with `/` between components.
  ///   - offset, count: the range in bytes; all of it has to be inside the file.
  ///
  /// Throws `.invalidModel` for a location that is absolute, empty or leads out of the folder by `..`, and for a range that is not
  /// inside the file; `.io` for a file that cannot be opened, really lies elsewhere, or is no regular file.
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

  /// Whether each file that was mapped still has the bytes that it had then.
  public var isUnchanged: Bool {
    mappings.withLock { $0 }.allSatisfy { location, mapping in
      var status = stat()
      return fstatat(descriptor, location, &status, 0) == 0 && mapping.identity == FileIdentity(status)
    }
  }

  /// Lets the system have the pages of all mapped files back.
  public func giveBack() { for mapping in mappings.withLock({ Array($0.values) }) { mapping.giveBack(mapping.bytes) } }

  /// The parts of the location, in which `..` takes back the part before it.
  private func componentsBelow(_ location: String) throws(PinionError) -> [String] {
    func refused(_ reason: String) -> PinionError { .invalidModel("external data location '\(location)' \(reason)") }
    guard !location.utf8.contains(0) else { throw refused("contains a null byte") }
    guard location.utf8.first != slash else { throw refused("is an absolute path; \(ExternalDataFolder.remedy)") }
    var components: [String] = []
    for component in location.utf8.split(separator: slash).map({ String(Substring($0)) }) where component != "." {
      if component != ".." {
        components.append(component)
      } else if components.popLast() == nil {
        throw refused("leads out of the model's folder; \(ExternalDataFolder.remedy)")
      }
    }
    guard !components.isEmpty else { throw refused("names no file") }
    return components
  }

  private static let remedy = "the option external_data_folder (run-model: --external-data) names a folder elsewhere"

  private func map(_ components: [String], location: String) throws(PinionError) -> FileMapping {
    let name = "\(path)/\(location)"
    // A descriptor that only names the file: nothing has been opened before it is known where it lies and what it is.
    let place = openat(descriptor, components.joined(separator: "/"), openPath | O_CLOEXEC)
    guard place >= 0 else { throw ioError("open", name, systemMessage(errno)) }
    defer { close(place) }
    guard let real = realPath(place) else { return try mapWithoutLinks(components, name) }
    guard realFolders.contains(where: { isBelow(real, $0) }) else {
      throw ioError("open", name, "it is a symbolic link to '\(String(decoding: real, as: UTF8.self))', outside of the model's folder; \(ExternalDataFolder.remedy)")
    }
    var status = stat()
    guard fstat(place, &status) == 0 else { throw ioError("read", name, systemMessage(errno)) }
    guard status.st_mode & S_IFMT == S_IFREG else { throw ioError("read", name, "not a regular file") }
    let file = Glibc.open(descriptorPath(place), O_RDONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
    guard file >= 0 else { throw ioError("open", name, systemMessage(errno)) }
    defer { close(file) }
    return try FileMapping(descriptor: file, name: name, access: access)
  }

  /// The way where there is no /proc that tells where a file really lies: no link is followed.
  private func mapWithoutLinks(_ components: [String], _ name: String) throws(PinionError) -> FileMapping {
    func refusal() -> PinionError {
      let number = errno
      return ioError("open", name, number == ELOOP ? "it is a symbolic link" : systemMessage(number))
    }
    var folder = descriptor
    defer { if folder != descriptor { close(folder) } }
    for component in components.dropLast() {
      let next = openat(folder, component, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
      guard next >= 0 else { throw refusal() }
      if folder != descriptor { close(folder) }
      folder = next
    }
    let file = openat(folder, components.last ?? "", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC | O_NOCTTY)
    guard file >= 0 else { throw refusal() }
    defer { close(file) }
    return try FileMapping(descriptor: file, name: name, access: access)
  }
}

// MARK: Paths

private let slash = UInt8(ascii: "/")

/// Linux's O_PATH, which the C library's headers keep for GNU sources.
private let openPath: Int32 = 0o10000000

/// What is before the last component of a path.
private func folder(of path: String) -> String {
  guard let last = path.utf8.lastIndex(of: slash) else { return "." }
  return last == path.startIndex ? "/" : String(path[..<last])
}

/// Compares bytes: to the system, names that look the same may differ.
private func isBelow(_ path: [UInt8], _ folder: [UInt8]) -> Bool {
  folder == [slash] || (path.starts(with: folder) && path.dropFirst(folder.count).first == slash)
}

private func descriptorPath(_ descriptor: Int32) -> String { "/proc/self/fd/\(descriptor)" }

/// The path, without links, of what the descriptor stands for; nil where the system does not tell, or it has no path.
func realPath(_ descriptor: Int32) -> [UInt8]? {
  withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(PATH_MAX) + 1) { buffer in
    guard let start = buffer.baseAddress else { return nil }
    let count = readlink(descriptorPath(descriptor), start, buffer.count - 1)
    guard count > 0, count < buffer.count - 1, start[0] == CChar(slash) else { return nil }
    return Array(UnsafeRawBufferPointer(start: start, count: count))
  }
}
