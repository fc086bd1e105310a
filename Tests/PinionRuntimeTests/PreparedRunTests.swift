import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor
import Testing

@testable import PinionRuntime

@Suite struct PreparedRunTests {
  private func vector(_ numbers: [Float]) throws -> Tensor { try Tensor(vector: numbers) }

  private func prepared(_ program: Program, inputs: Int? = nil, _ tensors: [Tensor], outputs: [TensorType]) throws -> PreparedRun? {
    try PreparedRun.make(
      program, inputs: inputs ?? tensors.count, input: { tensors[$0] }, outputs: outputs, control: RunControl())
  }

  /// y = x + k, and outputs that no step writes: x itself, the same once more, what is captured, a constant.
  private let passing = """
    graph "g" {
      input %x: float32[n]
      input %k: float32[n]
      constant %c: float32[] [9]
      %y = Add(%x, %k)
      output %y
      output %x
      output %x
      output %k
      output %c
    }
    """

  @Test func readsAndWritesWhereEachTurnSays() throws {
    let program = try program(passing)
    let x = try vector([1, 2]), k = try vector([10, 20])
    let types = [x.type, x.type, x.type, k.type, TensorType(.float32, .scalar)]
    #expect(try prepared(program, inputs: 1, [x, k], outputs: types) == nil, "no plan is known")
    _ = try program.run([.tensor(x), .tensor(k)], control: RunControl())
    #expect(try prepared(program, inputs: 1, [x, k], outputs: types.dropLast() + [x.type]) == nil, "an output has another type")
    #expect(try prepared(program, inputs: 1, [try vector([1]), k], outputs: types) == nil, "an input has another type")
    let run = try #require(try prepared(program, inputs: 1, [x, k], outputs: types))
    for numbers in [[3, 4], [5, 6]] as [[Float]] {
      let input = try vector(numbers)
      let outputs = try types.map { try Tensor($0) }
      #expect(try run.run(inputs: [input.data], outputs: outputs.map(\.data)))
      let found = try outputs.map { try $0.elements(as: Float.self) }
      #expect(found == [[numbers[0] + 10, numbers[1] + 20], numbers, numbers, [10, 20], [9]])
    }
  }

  /// Other elements of an input that decides a branch are refused before anything runs.
  @Test func refusesOtherDecisions() throws {
    let program = try program(byValue)
    let x = try vector([3]), decides = try Tensor(scalar: Int64(16)), y = try vector([0])
    _ = try program.run([.tensor(x), .tensor(decides)], control: RunControl())
    let run = try #require(try prepared(program, [x, decides], outputs: [x.type]))
    #expect(try run.run(inputs: [x.data, decides.data], outputs: [y.data]))
    #expect(try y.elements(as: Float.self) == [-3])
    y.data.storeBytes(of: 7, as: Float.self)
    decides.data.storeBytes(of: 17, as: Int64.self)
    #expect(try !run.run(inputs: [x.data, decides.data], outputs: [y.data]))
    #expect(try y.elements(as: Float.self) == [7])
  }

  /// Four flags take turns; the last one doubles x, the others add 1: [0], [1], [2], [3], [3 3], [4 4], [5 5], [6 6], [6 6 6 6].
  @Test func aLoopGoesOnWhereItsBodyDecidesAnew() throws {
    let program = try program(
      """
      graph "g" {
        input %n: int64[]
        input %x: float32[n]
        constant %t: bool[] [true]
        constant %f: bool[] [false]
        %a, %b, %c, %d, %y, %sums = Loop(%n, _, %t, %t, %t, %f, %x) {body = graph "body" {
          input %i: int64[]
          input %go: bool[]
          input %p: bool[]
          input %q: bool[]
          input %r: bool[]
          input %s: bool[]
          input %v
          constant %one: float32[] [1]
          %w = If(%p) {then_branch = graph "c" {
            capture %v = %v
            capture %one = %one
            %u = Add(%v, %one)
            output %u
          }, else_branch = graph "d" {
            capture %v = %v
            %z = Concat(%v, %v) {axis = 0}
            output %z
          }}
          %sum = ReduceSum(%w) {keepdims = 0}
          output %go
          output %q
          output %r
          output %s
          output %p
          output %w
          output %sum
        }}
        output %y
        output %sums
      }
      """)
    for _ in 0..<2 {
      let results = try program.run([.tensor(try Tensor(scalar: Int64(8))), .tensor(try vector([0]))], control: RunControl())
      #expect(try results[0].asTensor().elements(as: Float.self) == [6, 6, 6, 6])
      #expect(try results[1].asTensor().elements(as: Float.self) == [1, 2, 3, 6, 8, 10, 12, 24])
    }
  }

  /// Memory of a prepared run counts as long as there is one, and goes back.
  @Test func countsItsMemory() throws {
    let program = try program(passing)
    let x = try vector([1, 2]), k = try vector([10, 20])
    let types = [x.type, x.type, x.type, k.type, TensorType(.float32, .scalar)]
    _ = try program.run([.tensor(x), .tensor(k)], control: RunControl())
    let pool = try program.rootSegment(for: [.tensor(x), .tensor(k)]).workspaces
    do {
      let run = try #require(try prepared(program, inputs: 1, [x, k], outputs: types))
      #expect(pool.idleCount == 0)
      withExtendedLifetime(run) {}
    }
    #expect(pool.idleCount == 1)
  }
}
