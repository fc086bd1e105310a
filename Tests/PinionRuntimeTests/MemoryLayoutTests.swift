import PinionBase
import Testing

@testable import PinionRuntime

@Suite struct MemoryLayoutTests {
  @Test func blocksThatNeverMeetShareMemory() throws {
    var blocks = [ArenaBlock(bytes: 1024, first: 0, last: 1), ArenaBlock(bytes: 1024, first: 2, last: 3)]
    #expect(try layOut(&blocks) == 1024)
    #expect(blocks[0].offset == blocks[1].offset)
  }

  /// Whether the layout is right: blocks that meet in time lie apart.
  private func check(_ blocks: [ArenaBlock], _ bytes: Int) {
    for (index, a) in blocks.enumerated() where a.isUsed {
      #expect(a.offset % 64 == 0 && a.offset >= 0 && a.offset + a.bytes <= bytes)
      for b in blocks[(index + 1)...] where b.isUsed && a.first <= b.last && b.first <= a.last {
        #expect(a.offset + a.bytes <= b.offset || b.offset + b.bytes <= a.offset)
      }
    }
  }

  private func randomBlocks(_ count: Int, steps: Int, life: Int, _ generator: inout SystemRandomNumberGenerator) -> [ArenaBlock] {
    (0..<count).map { _ in
      guard Int.random(in: 0..<20, using: &generator) > 0 else { return .unused() }
      let first = Int.random(in: 0..<steps, using: &generator)
      let last = Int.random(in: 0..<15, using: &generator) == 0 ? .max : first + Int.random(in: 0..<life, using: &generator)
      return ArenaBlock(bytes: Int.random(in: 0...5000, using: &generator), first: first, last: last)
    }
  }

  @Test(arguments: [nil, 0, 1, 20, 200]) func blocksThatMeetDoNotOverlap(effort: Int?) throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<50 {
      var blocks = randomBlocks(60, steps: 30, life: 6, &generator)
      let bytes = try layOut(&blocks, effort: effort)
      check(blocks, bytes)
    }
  }

  /// What `layOut` is defined to do, by looking at all pairs.
  private func smallestGaps(_ blocks: [ArenaBlock]) -> [Int] {
    let sizes = blocks.map { (max($0.bytes, 1) + 63) / 64 * 64 }
    var offsets = [Int](repeating: 0, count: blocks.count)
    var placed: [Int] = []
    for index in blocks.indices.sorted(by: { sizes[$0] != sizes[$1] ? sizes[$0] > sizes[$1] : $0 < $1 }) where blocks[index].isUsed {
      let met = placed.filter { blocks[$0].first <= blocks[index].last && blocks[index].first <= blocks[$0].last }
      let starts = [0] + met.map { offsets[$0] + sizes[$0] }
      var best: (gap: Int, offset: Int)?
      for start in starts.sorted() where met.allSatisfy({ offsets[$0] + sizes[$0] <= start || start <= offsets[$0] }) {
        let gap = met.map { offsets[$0] }.filter { $0 >= start }.min().map { $0 - start } ?? .max
        if gap >= sizes[index], gap < (best?.gap ?? .max) || best == nil { best = (gap, start) }
      }
      offsets[index] = best?.offset ?? 0
      placed.append(index)
    }
    return offsets
  }

  @Test func largerBlocksTakeTheSmallestGaps() throws {
    var generator = SystemRandomNumberGenerator()
    for _ in 0..<100 {
      var blocks = randomBlocks(50, steps: 40, life: 12, &generator)
      let expected = smallestGaps(blocks)
      _ = try layOut(&blocks)
      #expect(blocks.map(\.offset) == expected)
    }
  }

  /// Blocks that are all in use at once, whatever way they were put: no byte is wasted.
  @Test(arguments: [nil, 1000]) func blocksInUseAtOnceLieTogether(effort: Int?) throws {
    var blocks = (0..<3000).map { ArenaBlock(bytes: 64 * (1 + $0 % 7), first: $0, last: 6000 - $0) }
    let bytes = blocks.reduce(0) { $0 + $1.bytes }
    #expect(try layOut(&blocks, effort: effort) == bytes)
  }

  /// Four times the blocks, all in use at once, take about four times as long, where pairs would take sixteen times.
  @Test func timeGrowsAsTheBlocksDo() throws {
    func time(_ count: Int) throws -> UInt64 {
      var best = UInt64.max
      for _ in 0..<3 {
        var blocks = (0..<count).map { ArenaBlock(bytes: 64 + $0 % 4096, first: $0, last: 2 * count - $0) }
        let start = monotonicNanoseconds()
        _ = try layOut(&blocks)
        best = min(best, monotonicNanoseconds() - start)
      }
      return best
    }
    #expect(try time(80_000) < 9 * (try time(20_000)))
  }

  @Test func impossibleSizesThrow() {
    var blocks = [ArenaBlock(bytes: Int.max, first: 0, last: 0)]
    #expect(throws: PinionError.self) { try layOut(&blocks) }
  }
}
