import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionTensor
import Testing

@testable import PinionRuntime

/// What is held between runs is counted once for all programs of a session, and bounded.
@Suite struct MemoryAccountTests {
  private func program(_ text: String, _ account: MemoryAccount) throws -> Program {
    let graph = try Graph(parsing: text, resolver: OperatorCatalog())
    return Program(
      graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: 1)), packed: PackedWeights(), account: account)
  }

  /// `count` times an If whose condition only the run knows and whose branches need an arena of 4 bytes an element of `x`.
  private func branches(_ count: Int) -> String {
    var nodes = ""
    for index in 0..<count {
      let value = index == 0 ? "%x" : "%y\(index - 1)"
      nodes += """
          %y\(index) = If(%c) {then_branch = graph "a" {
            capture %v = \(value)
            %s\(index) = Softmax(%v)
            %t\(index) = Transpose(%s\(index)) {perm = [1, 0]}
            %u\(index) = Transpose(%t\(index)) {perm = [1, 0]}
            %w\(index) = Add(%u\(index), %v)
            output %w\(index)
          }, else_branch = graph "b" {
            capture %v = \(value)
            %n\(index) = Neg(%v)
            output %n\(index)
          }}

        """
    }
    return """
      graph "g" {
        input %x: float32[n,m]
        input %k: float32[1]
        constant %zero: float32[1] [0.0]
        %c = Greater(%k, %zero)
      \(nodes)  output %y\(count - 1)
      }
      """
  }

  private func input(_ rows: Int) throws -> Value { .tensor(try Tensor((0..<rows * 256).map { Float($0 % 7) }, Shape([rows, 256]))) }

  @Test func branchesOfManyNodesShareTheLimit() throws {
    let limit = 1 << 20
    let account = MemoryAccount(limit: limit), free = MemoryAccount(limit: .max)
    let program = try program(branches(40), account), other = try self.program(branches(40), free)
    let inputs = [try input(256), Value.tensor(try Tensor(vector: [1] as [Float]))]
    for _ in 0..<3 {
      let result = try program.run(inputs, control: RunControl())[0].asTensor()
      let expected = try other.run(inputs, control: RunControl())[0].asTensor()
      #expect(Array(result.bytes) == Array(expected.bytes))
      #expect(account.bytes <= limit)
    }
    // Without a limit each branch keeps an arena.
    #expect(free.bytes > 40 * 256 * 256 * 4)
  }

  /// Memory that a run no longer needs counts against its byte budget, and is taken again before more is asked for.
  @Test func aRunsBudgetCountsWhatItLeaves() throws {
    let account = MemoryAccount(limit: .max)
    let program = try program(branches(40), account)
    let inputs = [try input(256), Value.tensor(try Tensor(vector: [1] as [Float]))]
    var limits = RunLimits()
    // The forty results lie in arenas until the run ends, beside two tensors of the branch at work and some kilobytes that have no extent of x.
    let most = (42 * 256 * 256 * 4) + (1 << 16)
    limits.bytes = most
    // A run that has as much for itself and does not see what it leaves leaves more.
    let blind = MemoryAccount(limit: .max), other = try self.program(branches(40), blind)
    _ = try other.run(inputs, control: RunControl(limits))
    #expect(blind.bytes > most)
    _ = try program.run(inputs, control: RunControl(limits, idle: account))
    #expect(account.bytes <= most)
    // A second run may leave as much again, beside what is there, and later ones find all they need.
    for _ in 0..<3 { _ = try program.run(inputs, control: RunControl(limits, idle: account)) }
    let settled = account.bytes
    // An arena of two tensors and a result for each branch, and some more.
    #expect(settled <= (3 * 40 + 4) * 256 * 256 * 4)
    for _ in 0..<3 { _ = try program.run(inputs, control: RunControl(limits, idle: account)) }
    #expect(account.bytes == settled)
    // What others have left is not this run's. Their plans take each other's memory a few times until each has its own.
    for _ in 0..<5 { _ = try program.run(inputs, control: RunControl()) }
    let before = account.bytes
    #expect(before > 40 * 256 * 256 * 4)
    _ = try program.run(inputs, control: RunControl(limits, idle: account))
    #expect(account.bytes == before)
  }

  @Test func plansOfManyShapesShareTheLimit() throws {
    let limit = 1 << 20
    let account = MemoryAccount(limit: limit)
    let program = try program(branches(3), account)
    let sign = Value.tensor(try Tensor(vector: [1] as [Float]))
    for rows in [1, 300, 2, 100, 64, 65, 66, 300, 1, 128, 256, 90, 91, 92, 93, 300] {
      let results = try program.run([try input(rows), sign], control: RunControl())
      #expect(try results[0].asTensor().shape.dims == [rows, 256])
      #expect(account.bytes <= limit)
    }
    program.trim()
    #expect(account.bytes == 0)
  }

  private static let chain = """
    graph "g" {
      input %x: float32[n,m]
      %a = Softmax(%x)
      %b = Transpose(%a) {perm = [1, 0]}
      %c = Softmax(%b)
      %d = Transpose(%c) {perm = [1, 0]}
      %y = Add(%d, %x)
      output %y
    }
    """

  /// How many arenas are idle for the plan of each number of rows.
  private func idle(_ program: Program, _ rows: [Int]) throws -> [Int] {
    var seen: Set<ObjectIdentifier> = []
    return try rows.map { rows in
      // Plans that lie alike share them.
      let pool = try program.rootSegment(for: [try input(rows)]).workspaces
      return seen.insert(ObjectIdentifier(pool)).inserted ? pool.idleCount : 0
    }
  }

  /// Plans for extents that grow by little take the arena of the plan before them, with the results that they have without.
  @Test func extentsThatGrowShareAnArena() throws {
    let program = try program(Self.chain, MemoryAccount(limit: .max)), rows = Array(100..<160)
    var results: [[UInt8]] = []
    for round in 0..<2 {
      for count in rows {
        let result = try program.run([try input(count)], control: RunControl())[0].asTensor()
        if round == 0 { results.append(Array(result.bytes)) } else { #expect(Array(result.bytes) == results[count - rows[0]]) }
      }
      // From 100 to 160 rows sizes go through six eighths of octaves, each of which begins with an arena of its own.
      #expect(try idle(program, rows).reduce(0, +) <= 7 * (round + 1))
    }
    for (index, count) in rows.enumerated() {
      let own = try self.program(Self.chain, MemoryAccount(limit: .max))
      #expect(Array(try own.run([try input(count)], control: RunControl())[0].asTensor().bytes) == results[index])
    }
  }

  /// Plans that run in turn soon have an arena each.
  @Test func plansThatRunInTurnKeepTheirs() throws {
    let program = try program(Self.chain, MemoryAccount(limit: .max)), rows = [100, 102, 104]
    for _ in 0..<8 { for count in rows { _ = try program.run([try input(count)], control: RunControl()) } }
    // Some lie alike and share it anyway.
    let found = try idle(program, rows).filter { $0 > 0 }
    #expect(found.count >= 2 && found.allSatisfy { $0 == 1 })
  }

  /// What was made ready stays so until it runs.
  @Test func preparedPlansKeepTheirs() throws {
    let program = try program(Self.chain, MemoryAccount(limit: .max))
    try program.prepare([.unseen(TensorType(.float32, try Shape([100, 256])))], unseen: [0], control: RunControl())
    #expect(try idle(program, [100]) == [1])
    for count in 90..<100 { _ = try program.run([try input(count)], control: RunControl()) }
    #expect(try idle(program, [100]) == [1])
  }

  /// The memory of the last run stays, however little may be held, so that the next one does not ask for it again.
  @Test func theLastMemoryStays() throws {
    let account = MemoryAccount(limit: 0)
    let program = try program(
      """
      graph "g" {
        input %x: float32[n,m]
        %s = Softmax(%x)
        %t = Transpose(%s) {perm = [1, 0]}
        %u = Softmax(%t)
        output %u
      }
      """, account)
    for _ in 0..<2 {
      _ = try program.run([try input(20)], control: RunControl())
      #expect(account.bytes > 20 * 256 * 4)
    }
    let segment = try program.rootSegment(for: [try input(20)])
    #expect(segment.workspaces.idleCount == 1)
    _ = try program.run([try input(30)], control: RunControl())
    #expect(account.bytes < 3 * 30 * 256 * 4)
    program.trim()
    #expect(account.bytes == 0)
  }

  /// Constants that a plan makes for its shapes count, and their forms, as long as a plan has them.
  @Test func constantsOfPlansCount() throws {
    let account = MemoryAccount(limit: 1 << 20)
    let program = try program(
      """
      graph "g" {
        input %x: float32[n,m]
        constant %one: float32[1] [1.0]
        %shape = Shape(%x)
        %w = Expand(%one, %shape)
        %t = Transpose(%w) {perm = [1, 0]}
        %y = MatMul(%x, %t)
        output %y
      }
      """, account)
    func run(_ rows: Int) throws { _ = try program.run([try input(rows)], control: RunControl()) }
    try run(64)
    // Two matrices and what the product makes of one.
    #expect(account.bytes >= 3 * 64 * 256 * 4)
    for rows in 65...90 { try run(rows) }
    // Of each plan that is there about three times 80 KB: not all of them can be.
    #expect(account.bytes <= 1 << 20)
    program.trim()
    #expect(account.bytes == 0)
  }
}
