import PinionBase
import Testing

/// Large blocks that come back are given again.
@Suite struct RecycledMemoryTests {
  /// Blocks of a cache that grows by a row a step, each held for two steps: fewer than one in eight is new, as sizes are eight an octave.
  @Test func growingBlocksAreGivenAgain() throws {
    let memory = RecycledMemory(limit: 64 << 20), allocator = memory.allocator
    var held: [[Buffer]] = []
    var seen: Set<UnsafeMutableRawPointer> = []
    var asked = 0
    for step in 0..<400 {
      held.append(try (0..<6).map { _ in try allocator.buffer(bytes: 200_000 + step * 3072) })
      for block in held[held.count - 1] {
        asked += 1
        seen.insert(block.pointer)
        #expect(UInt(bitPattern: block.pointer) % 64 == 0)
        #expect(block.byteCount >= 200_000 + step * 3072)
        // The whole block is the holder's.
        block.pointer.initializeMemory(as: UInt8.self, repeating: UInt8(truncatingIfNeeded: step), count: block.byteCount)
      }
      if held.count == 2 {
        let first = held.removeFirst()
        for block in first {
          let bytes = UnsafeRawBufferPointer(start: block.pointer, count: block.byteCount)
          #expect(bytes[0] == UInt8(truncatingIfNeeded: step - 1) && bytes[block.byteCount - 1] == bytes[0])
        }
      }
    }
    #expect(seen.count * 8 < asked)
    // What the first steps had is not kept for ever: idle is at most what two steps hold, an octave's eighth more.
    #expect(memory.bytes <= 2 * 6 * (200_000 + 400 * 3072) * 9 / 8)
  }

  @Test func noMoreIsIdleThanTheLimit() throws {
    let memory = RecycledMemory(limit: 1 << 20), allocator = memory.allocator
    var blocks: [Buffer] = []
    for _ in 0..<20 { blocks.append(try allocator.buffer(bytes: 100_000)) }
    blocks.append(try allocator.buffer(bytes: 2 << 20))
    #expect(memory.bytes == 0)
    blocks = []
    #expect(memory.bytes > 0 && memory.bytes <= 1 << 20)
    memory.shrink(to: 300_000)
    #expect(memory.bytes <= 300_000)
    memory.shrink(to: 0)
    #expect(memory.bytes == 0)
  }

  /// One small block asked for again and again lets go of a large one that nobody asks for.
  @Test func whatIsNotAskedForGoes() throws {
    let memory = RecycledMemory(limit: 64 << 20), allocator = memory.allocator
    _ = try allocator.buffer(bytes: 8 << 20)
    #expect(memory.bytes >= 8 << 20)
    for _ in 0..<40 { _ = try allocator.buffer(bytes: 100_000) }
    #expect(memory.bytes > 0 && memory.bytes < 1 << 20)
  }

  @Test func smallBlocksAndMuchLargerOnesAreOthers() throws {
    let memory = RecycledMemory(limit: 64 << 20), allocator = memory.allocator
    _ = try allocator.buffer(bytes: RecycledMemory.leastBytes - 64)
    #expect(memory.bytes == 0)
    _ = try allocator.buffer(bytes: 1 << 20)
    let idle = memory.bytes
    let small = try allocator.buffer(bytes: 100_000)
    #expect(memory.bytes == idle)
    withExtendedLifetime(small) {}
  }

  /// A block outlives what it came from, and comes back to the system then.
  @Test func blocksOutliveTheirSource() throws {
    var memory: RecycledMemory? = RecycledMemory(limit: 64 << 20)
    var block: Buffer? = try memory?.allocator.buffer(bytes: 1 << 20)
    weak let source = memory
    memory?.close()
    memory = nil
    block?.pointer.initializeMemory(as: UInt8.self, repeating: 1, count: 1 << 20)
    #expect(source != nil)
    block = nil
    #expect(source == nil)
  }

  @Test func aSizeThatDoesNotFitIsRefused() {
    let memory = RecycledMemory(limit: 64 << 20)
    for bytes in [Int.max - 100, Int.max / 2] {
      let error = #expect(throws: PinionError.self) { _ = try memory.allocator.buffer(bytes: bytes) }
      #expect(error?.code == .outOfMemory)
    }
    #expect(memory.bytes == 0)
  }

  /// Threads that ask for blocks and give them back do not get the same one.
  @Test func threadsGetBlocksOfTheirOwn() async throws {
    let memory = RecycledMemory(limit: 8 << 20), allocator = memory.allocator
    let wrong = try await withThrowingTaskGroup(of: Int.self) { group in
      for task in 0..<4 {
        group.addTask {
          var wrong = 0
          for step in 0..<500 {
            let block = try allocator.buffer(bytes: 65_536 + (step * 7919 + task * 31) % 200_000), mark = step * 4 + task
            for place in [0, block.byteCount / 16] { block.pointer.storeBytes(of: mark, toByteOffset: place * 8, as: Int.self) }
            await Task.yield()
            for place in [0, block.byteCount / 16] where block.pointer.load(fromByteOffset: place * 8, as: Int.self) != mark { wrong += 1 }
          }
          return wrong
        }
      }
      return try await group.reduce(0, +)
    }
    #expect(wrong == 0)
    #expect(memory.bytes <= 8 << 20)
  }
}
