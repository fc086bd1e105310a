import PinionBackend
import PinionBase
import PinionTensor
import Testing

@testable import PinionRuntime

/// y[i] = x[i] + i + n for x of n elements, and v = -...-w, from w that keeps its shape: most nodes are not reached by another n.
private let growing = """
  graph "g" {
    input %x: float32[n]
    input %w: float32[3]
    constant %zero: int64[] [0]
    constant %one: int64[] [1]
    constant %first: int64[1] [0]
    %shape = Shape(%x)
    %count = Squeeze(%shape, %first)
    %range = Range(%zero, %count, %one)
    %moved = Add(%range, %count)
    %row = Unsqueeze(%moved, %first)
    %flat = Squeeze(%row, %first)
    %places = Cast(%flat) {to = 1}
    %sum = Add(%x, %places)
    %y = Abs(%sum)
    %v0 = Neg(%w)
  \((1..<30).map { "  %v\($0) = \($0 % 2 == 0 ? "Neg" : "Exp")(%v\($0 - 1))" }.joined(separator: "\n  "))
    %v = Neg(%w)
    output %y
    output %v29
    output %v
  }
  """

@Suite struct RevisionTests {
  private func inputs(_ count: Int) throws -> [Value] {
    [.tensor(try Tensor(vector: (0..<count).map { Float($0) * 0.5 })), .tensor(try Tensor(vector: [1, 2, Float(count)]))]
  }

  private func check(_ program: Program, _ count: Int) throws {
    let results = try program.run(try inputs(count), control: RunControl())
    #expect(try results[0].asTensor().elements(as: Float.self) == (0..<count).map { Float($0) * 1.5 + Float(count) })
    #expect(try results[2].asTensor().elements(as: Float.self) == [-1, -2, -Float(count)])
  }

  /// Extents grow, shrink and come back; each time the plan is another's with other constants, or one that is there with its own, in
  /// memory that the plan before has filled.
  @Test func plansOfOneLayoutKeepTheirOwnConstants() throws {
    let program = try program(growing)
    for count in [3, 4, 5, 4, 6, 3, 5, 7, 4, 40, 41, 40, 5, 41, 42, 3, 1, 0, 42, 2, 1] { try check(program, count) }
    for count in 1..<60 { try check(program, count) }
    for count in (1..<60).reversed() { try check(program, count) }
  }

  /// What a change does not reach is not there twice.
  @Test func plansShareWhatHasNotChanged() throws {
    let program = try program(growing)
    for count in [30, 31] { try check(program, count) }
    let before = try program.rootSegment(for: try inputs(31))
    let after = try program.rootSegment(for: try inputs(32))
    #expect(before !== after)
    #expect(before.workspaces === after.workspaces)
    #expect(before.record.layout === after.record.layout)
    #expect(before.operands.sharesBase(with: after.operands))
    #expect(before.knowledge.sharesBase(with: after.knowledge))
    #expect(before.record.resolved.outcomes.sharesBase(with: after.record.resolved.outcomes))
    #expect(before.steps.count == after.steps.count)
    let shared = (0..<before.steps.count).filter { before.steps.steps[$0] == after.steps.steps[$0] }
    // Add and Abs over x are others.
    #expect(shared.count == before.steps.count - 2)
  }

  /// A plan outlives those that it shares with.
  @Test func plansOutliveTheirBasis() throws {
    let program = try program(growing)
    for count in [20, 21] { try check(program, count) }
    var segment: Segment? = try program.rootSegment(for: try inputs(22))
    program.trim()
    let steps = try #require(segment).steps
    segment = nil
    #expect((0..<steps.count).allSatisfy { steps[$0].stage.tasks >= 1 })
    try check(program, 22)
  }

  /// Steps stand where they stood, whichever have been replaced before.
  @Test func stepsAreReplacedInOrder() {
    func step(_ node: Int, tasks: Int = 1) -> Step {
      Step(
        stage: Kernel.Stage(tasks: tasks) { _, _ in }, node: node, operands: 0, inputCount: 0, scratchOffset: 0, laneScratchOffset: 0,
        laneScratchBytes: 0)
    }
    func nodes(_ table: StepTable) -> [Int] { (0..<table.count).map { table[$0].node } }
    let first = StepTable((0..<10).map { step($0) })
    let second = StepTable(first, replacing: [(2, step(12, tasks: 2)), (7, step(17))])
    let third = StepTable(second, replacing: [(0, step(20)), (7, step(27)), (9, step(29))])
    let fourth = StepTable(third, replacing: [(2, step(32)), (3, step(33)), (4, step(34))])
    #expect(nodes(first) == Array(0..<10))
    #expect(nodes(second) == [0, 1, 12, 3, 4, 5, 6, 17, 8, 9])
    #expect(nodes(third) == [20, 1, 12, 3, 4, 5, 6, 27, 8, 29])
    // More than half are others, so that it shares nothing any more.
    #expect(nodes(fourth) == [20, 1, 32, 33, 34, 5, 6, 27, 8, 29])
    #expect(!first.isParallel && second.isParallel && third.isParallel && !fourth.isParallel)
    #expect(second.steps[0] == first.steps[0] && third.steps[1] == first.steps[1])
    #expect((0..<10).allSatisfy { fourth.steps[$0] != first.steps[$0] && fourth.steps[$0] != third.steps[$0] })
  }
}
