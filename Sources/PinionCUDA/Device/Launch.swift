import PinionBase

/// The blocks and threads of a launch; within what every device takes.
package struct LaunchShape: Hashable, Sendable {
  package struct Blocks: Hashable, Sendable { package let x, y, z: Int }

  package let blocks: Blocks
  package let threads: Int
  /// Dynamic shared memory of a block.
  package let sharedBytes: Int

  package init(x: Int, y: Int = 1, z: Int = 1, threads: Int, sharedBytes: Int = 0) throws(PinionError) {
    guard (1...2_147_483_647).contains(x), (1...65_535).contains(y), (1...65_535).contains(z) else {
      throw .unsupported("a launch of \(x) x \(y) x \(z) blocks; a device takes 2147483647 x 65535 x 65535")
    }
    guard (1...1024).contains(threads), (0...(1 << 20)).contains(sharedBytes) else {
      throw .internal("a launch of \(threads) threads and \(sharedBytes) bytes of shared memory a block")
    }
    blocks = Blocks(x: x, y: y, z: z)
    self.threads = threads
    self.sharedBytes = sharedBytes
  }
}

/// A kernel's arguments in their order, each at the start of an 8-byte word.
package struct LaunchArguments: Hashable, Sendable {
  package private(set) var words: [UInt64] = []
  package private(set) var starts: [Int] = []

  package init() {}

  package mutating func add(_ address: DeviceAddress) { add(word: address.bits) }
  package mutating func add(_ value: Int32) { add(word: UInt64(UInt32(bitPattern: value))) }
  package mutating func add(_ value: Int64) { add(word: UInt64(bitPattern: value)) }
  package mutating func add(_ value: Float) { add(word: UInt64(value.bitPattern)) }

  /// A structure of nothing but 32-bit integers.
  package mutating func add(structure members: [Int32]) {
    starts.append(words.count)
    for index in stride(from: 0, to: members.count, by: 2) {
      let low = UInt64(UInt32(bitPattern: members[index]))
      let high = index + 1 < members.count ? UInt64(UInt32(bitPattern: members[index + 1])) : 0
      words.append(low | high << 32)
    }
  }

  private mutating func add(word: UInt64) {
    starts.append(words.count)
    words.append(word)
  }

  func withPointers<R>(_ body: (UnsafeMutablePointer<UnsafeMutableRawPointer?>?) throws(PinionError) -> R) throws(PinionError) -> R {
    var words = words
    var result: Result<R, PinionError>?
    words.withUnsafeMutableBytes { bytes in
      var pointers: [UnsafeMutableRawPointer?] = starts.map { start in bytes.baseAddress.map { $0 + start * 8 } }
      pointers.withUnsafeMutableBufferPointer { buffer in
        do throws(PinionError) { result = .success(try body(buffer.baseAddress)) } catch { result = .failure(error) }
      }
    }
    guard let result else { throw .internal("a launch without arguments") }
    return try result.get()
  }
}
