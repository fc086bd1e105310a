import PinionBase
import Testing

@Suite struct RunTableTests {
  private func control(_ bytes: Int) -> RunControl {
    var limits = RunLimits()
    limits.bytes = bytes
    return RunControl(limits)
  }

  @Test func growsAndKeepsItsElements() throws {
    var table = try RunTable<Int>(allocator: .system, control: RunControl())
    for number in 0..<10_000 { try table.append(number * number) }
    #expect(table.count == 10_000)
    #expect((0..<10_000).allSatisfy { table[$0] == $0 * $0 })
    try [1, 2, 3].withUnsafeBufferPointer { try table.append(contentsOf: $0) }
    #expect(table.count == 10_003)
    #expect(table[10_002] == 3)
    table.removeAll()
    #expect(table.count == 0)
  }

  @Test func asksTheBudgetBeforeTheAllocator() throws {
    // An allocator that must not be asked.
    let never = Allocator(
      allocate: { _, _, context in
        context?.storeBytes(of: 1, as: Int.self)
        return nil
      }, deallocate: { _, _, _ in }, context: UnsafeMutableRawPointer.allocate(byteCount: 8, alignment: 8))
    let run = control(1 << 20)
    #expect(throws: PinionError.self) { _ = try RunTable<Int>(capacity: 1 << 40, allocator: never, control: run) }
    do {
      _ = try CountedBuffer(bytes: 1 << 21, allocator: never, control: run)
      Issue.record("a buffer beyond the budget was made")
    } catch { #expect(error.code == .budgetExceeded) }
    do {
      _ = try RunTable<Int>(capacity: .max, allocator: .system, control: RunControl())
      Issue.record("a table of all integers was made")
    } catch { #expect(error.code == .invalidValue) }
  }

  @Test func givesBackWhatItTook() throws {
    let run = control(1 << 20)
    for _ in 0..<100 {
      var table = try RunTable<UInt8>(capacity: 1 << 18, allocator: .system, control: run)
      try table.append(1)
    }
    // A refusal leaves nothing taken either.
    for _ in 0..<100 { #expect(throws: PinionError.self) { _ = try CountedBuffer(bytes: 1 << 20, allocator: .system, control: run) } }
    _ = try CountedBuffer(bytes: 1 << 19, allocator: .system, control: run)
    #expect(run.peakBytes <= 1 << 20)
  }

  @Test func smallBlocksAreNotFree() throws {
    let run = control(1 << 20)
    var kept: [CountedBuffer] = []
    do {
      for _ in 0..<1_000_000 { kept.append(try CountedBuffer(bytes: 1, allocator: .system, control: run)) }
      Issue.record("a million blocks in a megabyte")
    } catch { #expect((error as? PinionError)?.code == .budgetExceeded) }
    #expect(kept.count <= (1 << 20) / RunControl.recordBytes)
  }

  @Test func pollsOnceForSoMuchWork() throws {
    var limits = RunLimits()
    let token = CancelToken()
    limits.token = token
    var poll = Poll(RunControl(limits))
    try poll.count(Poll.interval - 1)
    token.cancel()
    #expect(throws: PinionError.self) { try poll.count(1) }
    var pieces = 0
    #expect(throws: PinionError.self) { try inPieces(of: 10, 100, RunControl(limits)) { _ in pieces += 1 } }
    #expect(pieces == 0)
    var seen = 0
    try inPieces(of: 7, 100, RunControl()) { seen += $0.count }
    #expect(seen == 100)
  }
}
