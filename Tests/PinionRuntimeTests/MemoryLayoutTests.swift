import PinionBase
import Testing

@testable import PinionRuntime

@Suite struct MemoryLayoutTests {
  @Test func blocksThatNeverMeetShareMemory() throws {
    var blocks = [ArenaBlock(bytes: 1024, first: 0, last: 1), ArenaBlock(bytes: 1024, first: 2, last: 3)]
    #expect(try layOut(&blocks) == 1024)
    #expect(blocks[0].offset == blocks[1].offset)
  }

  @Test func blocksThatMeetDoNotOverlap() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      var blocks = (0..<40).map { _ in
        let first = Int.random(in: 0..<30, using: &generator)
        return ArenaBlock(
          bytes: Int.random(in: 0...5000, using: &generator), first: first, last: first + Int.random(in: 0..<6, using: &generator))
      }
      let bytes = try layOut(&blocks)
      for (index, a) in blocks.enumerated() {
        #expect(a.offset % 64 == 0 && a.offset + a.bytes <= bytes)
        for b in blocks[(index + 1)...] where a.first <= b.last && b.first <= a.last {
          #expect(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset)
        }
      }
    }
  }

  @Test func impossibleSizesThrow() {
    var blocks = [ArenaBlock(bytes: Int.max, first: 0, last: 0)]
    #expect(throws: PinionError.self) { try layOut(&blocks) }
  }
}
