import CCUDA
import Glibc
import PinionBase
import Synchronization

/// Compiled kernels on disk, so that a program compiles them once and not with each start.
///
/// Nothing that goes wrong here is an error: what cannot be read is compiled, what cannot be written is not kept.
package struct ImageCache: Sendable {
  /// The folder, which is made when it is needed; nil for no cache.
  package let folder: String?

  package init(folder: String?) { self.folder = folder }

  /// `PINION_CACHE_DIR`, or `pinion` in the user's cache folder; an empty PINION_CACHE_DIR turns the cache off.
  package static func process(_ variable: (String) -> String?) -> ImageCache {
    if let chosen = variable("PINION_CACHE_DIR") { return ImageCache(folder: chosen.isEmpty ? nil : chosen) }
    if let cache = variable("XDG_CACHE_HOME"), cache.hasPrefix("/") { return ImageCache(folder: cache + "/pinion") }
    if let home = variable("HOME"), home.hasPrefix("/") { return ImageCache(folder: home + "/.cache/pinion") }
    return ImageCache(folder: nil)
  }

  /// A file is this, the digest of what follows, and the image.
  private static let magic = Array("PinionCubin 1\n".utf8)
  private static let sizeLimit = 256 << 20

  package func image(_ key: String) -> [UInt8]? {
    guard let folder else { return nil }
    let descriptor = open(path(folder, key), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var info = stat()
    // What runs on the device comes from files of this user's only, that no other may have changed.
    guard fstat(descriptor, &info) == 0, info.st_mode & S_IFMT == S_IFREG, info.st_uid == geteuid(), info.st_mode & (S_IWGRP | S_IWOTH) == 0,
      info.st_size > ImageCache.magic.count + 32, info.st_size <= ImageCache.sizeLimit
    else { return nil }
    var bytes = [UInt8](repeating: 0, count: Int(info.st_size))
    var filled = 0
    while filled < bytes.count {
      let count = bytes.withUnsafeMutableBytes { buffer in
        buffer.baseAddress.map { read(descriptor, $0 + filled, buffer.count - filled) } ?? 0
      }
      guard count > 0 else { return nil }
      filled += count
    }
    let header = ImageCache.magic.count
    guard Array(bytes[..<header]) == ImageCache.magic else { return nil }
    let image = Array(bytes[(header + 32)...])
    var digest = SHA256()
    digest.add(image)
    return digest.bytes() == Array(bytes[header..<(header + 32)]) ? image : nil
  }

  /// - Returns: whether the image is on disk now.
  @discardableResult package func keep(_ image: [UInt8], for key: String) -> Bool {
    guard let folder, ImageCache.makeFolder(folder) else { return false }
    var digest = SHA256()
    digest.add(image)
    let bytes = ImageCache.magic + digest.bytes() + image
    guard bytes.count <= ImageCache.sizeLimit else { return false }
    // Written beside its place and then moved there, so that other processes see all of it or nothing.
    let temporary = "\(path(folder, key)).\(getpid()).\(ImageCache.serial.wrappingAdd(1, ordering: .relaxed).newValue)"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0o600)
    guard descriptor >= 0 else { return false }
    var written = 0
    while written < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        buffer.baseAddress.map { write(descriptor, $0 + written, buffer.count - written) } ?? 0
      }
      guard count > 0 else { break }
      written += count
    }
    let isClosed = close(descriptor) == 0
    if written == bytes.count, isClosed, rename(temporary, path(folder, key)) == 0 { return true }
    unlink(temporary)
    return false
  }

  private static let serial = Atomic<Int>(0)

  private func path(_ folder: String, _ key: String) -> String { "\(folder)/\(key).cubin" }

  private static func makeFolder(_ folder: String) -> Bool {
    var info = stat()
    if stat(folder, &info) == 0 { return info.st_mode & S_IFMT == S_IFDIR }
    let parts = folder.split(separator: "/", omittingEmptySubsequences: true)
    var path = folder.hasPrefix("/") ? "" : "."
    for part in parts {
      path += "/" + part
      if mkdir(path, 0o700) != 0, errno != EEXIST { return false }
    }
    return true
  }
}
