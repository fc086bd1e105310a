import PinionBase
import PinionTensor
import Testing

@testable import PinionRuntime

/// y = x + 1 + 2 + 3, where the numbers are spread to x's shape while planning if there is room for them.
private let spread = """
  graph "g" {
    input %x: float32[n]
    constant %one: float32[1] [1]
    constant %two: float32[1] [2]
    constant %three: float32[1] [3]
    %shape = Shape(%x)
    %a = Expand(%one, %shape)
    %b = Expand(%two, %shape)
    %c = Expand(%three, %shape)
    %xa = Add(%x, %a)
    %xab = Add(%xa, %b)
    %y = Add(%xab, %c)
    output %y
  }
  """

/// Plans of runs whose budgets had no room for constants of the plan.
@Suite struct ShortPlanTests {
  private func input(_ count: Int) throws -> [Value] { [.tensor(try Tensor((0..<count).map(Float.init), try Shape([count])))] }

  private func steps(_ program: Program, _ count: Int, _ limits: RunLimits) throws -> Int {
    let control = RunControl(limits, idle: program.account)
    let results = try program.run(try input(count), control: control)
    #expect(try results[0].asTensor().elements(as: Float.self) == (0..<count).map { Float($0) + 6 })
    let inputs = try input(count)
    let plan = program.plans.withLock { $0.find(inputs, control) }
    guard case .segment(let segment)? = plan else { throw PinionError(.internal, "there is no plan") }
    return segment.steps.count
  }

  private var small: RunLimits {
    var limits = RunLimits()
    limits.bytes = 200_000
    return limits
  }

  @Test(arguments: [4096, 5000]) func runsWithMoreRoomPlanAnew(count: Int) throws {
    let short = try program(spread)
    let shortSteps = try steps(short, count, small)
    let whole = try program(spread)
    let wholeSteps = try steps(whole, count, RunLimits())
    #expect(shortSteps > wholeSteps)
    // The plan made under a budget serves runs with as much and with less, and those with more make their own, which then serves all.
    #expect(try steps(short, count, small) == shortSteps)
    var smaller = small
    smaller.bytes = 190_000
    #expect(try steps(short, count, smaller) == shortSteps)
    var larger = small
    larger.bytes = 1 << 30
    #expect(try steps(short, count, larger) == wholeSteps)
    #expect(try steps(short, count, RunLimits()) == wholeSteps)
    #expect(try steps(short, count, small) == wholeSteps)
  }

  /// A plan for other extents is made from the last one.
  @Test func nothingIsTakenFromAShortPlan() throws {
    let program = try program(spread)
    let shortSteps = try steps(program, 4096, small)
    let next = try steps(program, 4097, RunLimits())
    #expect(next < shortSteps)
  }
}
