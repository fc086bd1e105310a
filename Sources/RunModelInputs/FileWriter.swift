import Glibc
import PinionBase

/// A file being written from its beginning.
package final class FileWriter {
  private let path: String
  private var descriptor: Int32
  /// Bytes written so far.
  package private(set) var offset = 0

  /// Creates the file, or empties one that is there.
  package init(path: String) throws(PinionError) {
    self.path = path
    descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
    guard descriptor >= 0 else { throw failure() }
  }

  deinit { if descriptor >= 0 { Glibc.close(descriptor) } }

  package func write(_ bytes: UnsafeRawBufferPointer) throws(PinionError) {
    var rest = bytes
    while !rest.isEmpty {
      let count = Glibc.write(descriptor, rest.baseAddress, rest.count)
      if count < 0 {
        guard errno == EINTR else { throw failure() }
        continue
      }
      rest = UnsafeRawBufferPointer(rebasing: rest[count...])
    }
    offset += bytes.count
  }

  package func write(_ bytes: [UInt8]) throws(PinionError) {
    try bytes.withUnsafeBufferPointer { (buffer) throws(PinionError) in try write(UnsafeRawBufferPointer(buffer)) }
  }

  /// Closes the file; throws where what was written did not all reach it.
  package func close() throws(PinionError) {
    let open = descriptor
    descriptor = -1
    guard Glibc.close(open) == 0 else { throw failure() }
  }

  private func failure() -> PinionError {
    PinionError(.io, "cannot write '\(path)': \(String(cString: strerror(errno)))")
  }
}
