import Glibc
import PinionBase
import PinionTensor
import RunModelInputs
import Testing

@Suite struct NpzTests {
  /// The bytes of an archive with the arrays `a` and `b/c`, as this package writes it.
  private func archive() throws -> [UInt8] {
    let path = "/tmp/pinion-npz-\(getpid())-\(UInt64.random(in: 0...(.max))).npz"
    defer { unlink(path) }
    var writer = try NpzWriter(path: path)
    try writer.add("a", try Tensor(vector: [Float(1), 2, 3]))
    try writer.add("b/c", try Tensor(strings: ["x", "yz"], .vector(2)))
    try writer.close()
    let file = try FileMapping(path: path)
    return withExtendedLifetime(file) { Array(file.bytes) }
  }

  private func open(_ bytes: [UInt8]) throws -> NpzFile {
    try NpzFile(try bytes.withUnsafeBytes { try FileMapping(copying: $0, name: "test.npz") })
  }

  @Test func readsWhatItWrites() throws {
    let file = try open(try archive())
    #expect(file.names == ["a", "b/c"])
    #expect(try file.tensor("a", expected: nil).numbers() == [1, 2, 3])
    #expect(try file.tensor("b/c", expected: nil).strings() == ["x", "yz"])
    #expect(code { _ = try file.tensor("d", expected: nil) } == .notFound)
  }

  @Test func refusesEveryTruncation() throws {
    let whole = try archive()
    for count in 1..<whole.count {
      #expect(code { _ = try open(Array(whole[..<count])) } == .invalidValue, "\(count) bytes")
    }
  }

  @Test func findsEveryDamagedByteOfAnArray() throws {
    let whole = try archive()
    // The elements 1, 2, 3 as float32 lie behind the first header.
    let elements = try #require((0..<whole.count - 12).first { Array(whole[$0..<$0 + 4]) == [0, 0, 0x80, 0x3f] })
    for index in elements..<elements + 12 {
      var bytes = whole
      bytes[index] ^= 1
      let file = try open(bytes)
      #expect(code { _ = try file.tensor("a", expected: nil) } == .invalidValue)
    }
  }

  @Test func survivesEveryDamagedByte() throws {
    let whole = try archive()
    for index in whole.indices {
      for value in [UInt8(0), 1, 0x7f, 0xff] {
        var bytes = whole
        bytes[index] = value
        guard let file = try? open(bytes) else { continue }
        for name in file.names.prefix(4) { _ = try? file.tensor(name, expected: .bfloat16) }
      }
    }
  }
}
