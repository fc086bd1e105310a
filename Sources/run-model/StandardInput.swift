import Glibc
import Pinion

/// All that standard input gives: a mapping where it is a file, or else a copy.
func standardInput() throws(PinionError) -> FileMapping {
  var status = stat()
  if fstat(STDIN_FILENO, &status) == 0, status.st_mode & S_IFMT == S_IFREG { return try FileMapping(path: "/dev/stdin") }
  var buffer = try Allocator.system.buffer(bytes: 1 << 20)
  var count = 0
  while true {
    if count == buffer.byteCount {
      let larger = try Allocator.system.buffer(bytes: count &* 2)
      larger.pointer.copyMemory(from: buffer.pointer, byteCount: count)
      buffer = larger
    }
    let part = read(STDIN_FILENO, buffer.pointer + count, buffer.byteCount - count)
    if part == 0 { break }
    if part < 0 {
      guard errno == EINTR else { throw PinionError(.io, "cannot read standard input: \(String(cString: strerror(errno)))") }
      continue
    }
    count += part
  }
  return try FileMapping(owning: buffer, count: count, name: "standard input")
}
