import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionTensor
import Testing

@testable import PinionRuntime

/// Which plans stay.
@Suite struct PlanCacheTests {
  private func program(limit: Int = 512, account: MemoryAccount = MemoryAccount(limit: 256 << 20)) throws -> Program {
    let nodes = (0..<40).map { "  %v\($0) = \($0 % 2 == 0 ? "Neg" : "Abs")(\($0 == 0 ? "%x" : "%v\($0 - 1)"))" }.joined(separator: "\n")
    let graph = try Graph(parsing: "graph \"g\" {\n  input %x: float32[n]\n\(nodes)\n  output %v39\n}", resolver: OperatorCatalog())
    return Program(
      graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: 1)), packed: PackedWeights(), planLimit: limit,
      account: account)
  }

  private func input(_ count: Int) throws -> [Value] { [.tensor(try Tensor((0..<count).map { Float($0) }, try Shape([count])))] }

  private func run(_ program: Program, _ count: Int) throws {
    let result = try program.run(try input(count), control: RunControl())[0].asTensor()
    #expect(try result.elements(as: Float.self) == (0..<count).map { Float($0) })
  }

  private func hasPlan(_ program: Program, _ count: Int) throws -> Bool {
    let inputs = try input(count)
    return program.plans.withLock { $0.holds(inputs) }
  }

  /// Steps that differ, so that none is planned ahead.
  private func extents(_ count: Int) -> [Int] { (1...count).map { $0 * $0 % 1009 } }

  @Test func manyPlansStay() throws {
    let program = try program()
    for count in extents(300) { try run(program, count) }
    for count in extents(300) { #expect(try hasPlan(program, count), "\(count)") }
  }

  @Test(arguments: [1, 2, 3, 20]) func noMoreThanTheLimit(_ limit: Int) throws {
    let program = try program(limit: limit), all = extents(60)
    for count in all { try run(program, count) }
    #expect(try Set(all).filter { try hasPlan(program, $0) }.count == limit)
    #expect(try hasPlan(program, #require(all.last)))
  }

  /// As many as their records have room for, sixteen in any case.
  @Test func recordsHaveTheirShareOfTheAccount() throws {
    let account = MemoryAccount(limit: 8 << 20), program = try program(account: account), all = Array(Set(extents(600)))
    var most = 0
    for count in all {
      try run(program, count)
      most = max(most, account.bytes)
    }
    let kept = try all.filter { try hasPlan(program, $0) }.count
    #expect(most <= account.limit && kept > 16 && kept < all.count - 50, "\(kept) of \(all.count), \(most) bytes")
    let narrow = try self.program(account: MemoryAccount(limit: 1 << 20))
    for count in all { try run(narrow, count) }
    #expect(try all.filter { try hasPlan(narrow, $0) }.count >= 16)
    program.trim()
    #expect(try all.allSatisfy { try !hasPlan(program, $0) } && account.bytes == 0)
  }

  /// The one longest unused is the next of a circle that is longer than there is room for: where it always went, none would ever be found.
  @Test func someOfACircleStay() throws {
    let program = try program(limit: 32), all = (1...40).map { $0 * $0 % 1009 }
    for _ in 0..<10 { for count in all { try run(program, count) } }
    var found = 0
    for _ in 0..<10 {
      for count in all {
        if try hasPlan(program, count) { found += 1 }
        try run(program, count)
      }
    }
    #expect(found > 100, "of 400")
  }

  /// Plans of large arenas take each other's memory once there are many.
  @Test func arenasOfManyPlansAreFew() throws {
    let text = """
      graph "g" {
        input %x: float32[n,256]
        %s = Softmax(%x)
        %t = Transpose(%s) {perm = [1, 0]}
        %u = Transpose(%t) {perm = [1, 0]}
        %y = Add(%u, %x)
        output %y
      }
      """
    let account = MemoryAccount(limit: 256 << 20)
    let program = Program(
      graph: try Graph(parsing: text, resolver: OperatorCatalog()), backend: CPUBackend(),
      executor: StageExecutor(pool: try ThreadPool(threads: 1)), packed: PackedWeights(), account: account)
    var largest = 0
    for rows in (0..<60).map({ 4000 + $0 * $0 % 61 }) {
      let x = try Tensor([Float](repeating: 1, count: rows * 256), try Shape([rows, 256]))
      let before = account.bytes
      _ = try program.run([.tensor(x)], control: RunControl())
      largest = max(largest, account.bytes - before)
    }
    #expect(account.bytes <= 17 * largest, "\(account.bytes) bytes, \(largest) of one")
  }
}
