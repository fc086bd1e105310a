import Testing

@testable import PinionBase

@Suite struct MemoryTests {
  /// Blocks of every size up to beyond those that are cut out of larger ones: at an address of whole lines, none in another, each its own to
  /// the last byte.
  @Test func blocksAreAlignedAndApart() throws {
    for round in 0..<3 {
      var blocks: [(buffer: Buffer, mark: UInt8)] = []
      for bytes in stride(from: 1, through: 2000, by: 7) {
        let buffer = try Allocator.system.buffer(bytes: bytes), mark = UInt8(truncatingIfNeeded: bytes &+ round)
        #expect(Int(bitPattern: buffer.pointer) % Buffer.alignment == 0 && buffer.byteCount >= bytes)
        buffer.pointer.initializeMemory(as: UInt8.self, repeating: mark, count: buffer.byteCount)
        blocks.append((buffer, mark))
        // Some go at once, so that later ones take their places.
        if bytes % 3 == 0 { blocks.remove(at: blocks.count / 2) }
      }
      for (buffer, mark) in blocks {
        #expect(UnsafeRawBufferPointer(start: buffer.pointer, count: buffer.byteCount).allSatisfy { $0 == mark })
      }
    }
  }
}
