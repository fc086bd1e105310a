import PinionBase
import PinionTensor
import Testing

@testable import PinionRuntime

/// A step of a decoder, about: new rows behind a past, its length among the numbers, and nodes that its length does not reach.
private let decoder = """
  graph "g" {
    input %past: float32[n,2]
    input %new: float32[1,2]
    constant %zero: int64[] [0]
    constant %one: int64[] [1]
    constant %first: int64[1] [0]
    constant %axis: int64[1] [1]
    %all = Concat(%past, %new) {axis = 0}
    %shape = Shape(%all) {start = 0, end = 1}
    %count = Squeeze(%shape, %first)
    %range = Range(%zero, %count, %one)
    %column = Unsqueeze(%range, %axis)
    %places = Cast(%column) {to = 1}
    %y = Add(%all, %places)
    %v0 = Neg(%new)
  \((1..<20).map { "  %v\($0) = \($0 % 2 == 0 ? "Neg" : "Abs")(%v\($0 - 1))" }.joined(separator: "\n  "))
    output %y
    output %v19
  }
  """

@Suite struct PlanAheadTests {
  private func inputs(_ count: Int) throws -> [Value] {
    let past = try Tensor((0..<2 * count).map { Float($0) }, try Shape([count, 2]))
    return [.tensor(past), .tensor(try Tensor([Float(-1), -2], try Shape([1, 2])))]
  }

  private func check(_ program: Program, _ count: Int, _ control: RunControl = RunControl()) throws {
    let results = try program.run(try inputs(count), control: control)
    let old = (0..<2 * count).map { Float($0) + Float($0 / 2) }
    #expect(try results[0].asTensor().elements(as: Float.self) == old + [Float(count) - 1, Float(count) - 2])
    #expect(try results[1].asTensor().elements(as: Float.self) == [1, 2])
  }

  private func hasPlan(_ program: Program, _ count: Int) throws -> Bool {
    let inputs = try inputs(count)
    return program.plans.withLock { $0.holds(inputs) }
  }

  @Test func plansAreMadeAheadWhileInputsGrowAlike() throws {
    let program = try program(decoder)
    for count in [30, 31] { try check(program, count) }
    #expect(try !hasPlan(program, 32))
    // The second time that one comes: two plans, then twice as many each time that these were wanted.
    try check(program, 32)
    #expect(try hasPlan(program, 33) && hasPlan(program, 34) && !hasPlan(program, 35))
    for count in 33...35 { try check(program, count) }
    #expect(try hasPlan(program, 39) && !hasPlan(program, 40))
    for count in 36...40 { try check(program, count) }
    #expect(try hasPlan(program, 48) && !hasPlan(program, 49))
    for count in 41...200 { try check(program, count) }
  }

  @Test func otherStepsEndIt() throws {
    let program = try program(decoder)
    for count in [30, 31, 32, 33, 34, 35] { try check(program, count) }
    // Smaller, the same again, and steps of two sizes.
    for count in [10, 20, 20, 22, 23] {
      try check(program, count)
      #expect(try !hasPlan(program, count + 1) && !hasPlan(program, count + 2))
    }
    for count in [5, 7, 9, 11, 13, 15, 17, 3, 0, 1, 2] { try check(program, count) }
    // The plan for 3 is there already.
    #expect(try hasPlan(program, 4))
    for count in [3, 4, 5] { try check(program, count) }
  }

  /// The steps of a run with a deadline or a budget are its own.
  @Test func runsWithLimitsPlanForThemselvesAlone() throws {
    let program = try program(decoder)
    var limits = RunLimits()
    limits.deadline = monotonicNanoseconds() + 60_000_000_000
    for count in 30...33 { try check(program, count, RunControl(limits)) }
    #expect(try !hasPlan(program, 34))
    var budget = RunLimits()
    budget.bytes = 1 << 20
    for count in 40...43 { try check(program, count, RunControl(budget)) }
    #expect(try !hasPlan(program, 44))
  }

  /// A step that leads to inputs which cannot be planned ends with those that can.
  @Test func whatCannotBePlannedIsLeftToTheRun() throws {
    let program = try program(
      """
      graph "g" {
        input %x: float32[n]
        constant %w: float32[12] [0,1,2,3,4,5,6,7,8,9,10,11]
        constant %zero: int64[1] [0]
        constant %many: int64[1] [4]
        %shape = Shape(%x)
        %rest = Sub(%many, %shape)
        %some = Slice(%w, %zero, %shape)
        %y = Add(%some, %x)
        %left = Expand(%zero, %rest)
        %v0 = Neg(%w)
      \((1..<20).map { "  %v\($0) = Neg(%v\($0 - 1))" }.joined(separator: "\n  "))
        output %y
        output %left
        output %v19
      }
      """)
    for count in 1...4 {
      let results = try program.run([.tensor(try Tensor(vector: [Float](repeating: 1, count: count)))], control: RunControl())
      #expect(try results[0].asTensor().elements(as: Float.self) == (0..<count).map { Float($0) + 1 })
      #expect(try results[1].asTensor().count == 4 - count)
    }
    #expect(throws: PinionError.self) {
      try program.run([.tensor(try Tensor(vector: [Float](repeating: 1, count: 5)))], control: RunControl())
    }
  }
}
