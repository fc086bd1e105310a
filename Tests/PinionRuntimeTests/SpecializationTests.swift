import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionTensor
import Testing

@testable import PinionRuntime

/// Branches that are known while a plan is made, and plans made from plans.
@Suite struct SpecializationTests {
  private func floats(_ numbers: [Float]) throws -> Value { .tensor(try Tensor(vector: numbers)) }

  @Test func valuesOfFewIntegersDecide() throws {
    let program = try program(byValue)
    for (number, expected) in [(16, [-1, 2]), (8, [1, 2]), (16, [-1, 2])] as [(Int64, [Float])] {
      let inputs = [try floats([1, -2]), .tensor(try Tensor(scalar: number))]
      let result = try program.run(inputs, control: RunControl())[0].asTensor()
      #expect(try result.elements(as: Float.self) == expected)
    }
    #expect(program.specializations.withLock { $0.count } == 2)
    // A run without anything but steps.
    let x = try Tensor(vector: [Float(3), -4]), number = try Tensor(scalar: Int64(16)), y = try Tensor(vector: [Float(0), 0])
    #expect(
      try program.runInPlace(inputs: 2, outputs: 1, input: { [x, number][$0] }, output: { _ in y }, control: nil))
    #expect(try y.elements(as: Float.self) == [-3, 4])
  }

  /// One condition is known from the start, the other from a value: the plan for one value is none for another.
  @Test func valuesDecideBesideWhatIsKnown() throws {
    let program = try program(
      """
      graph "g" {
        input %x: float32[n]
        input %turns: bool[]
        constant %never: bool[] [false]
        %zero = If(%never) {then_branch = graph "a" {
          capture %x = %x
          %u = Neg(%x)
          output %u
        }, else_branch = graph "b" {
          capture %x = %x
          %v = Sub(%x, %x)
          output %v
        }}
        %y = If(%turns) {then_branch = graph "c" {
          capture %x = %x
          %w = Neg(%x)
          output %w
        }, else_branch = graph "d" {
          capture %x = %x
          %z = Abs(%x)
          output %z
        }}
        output %zero
        output %y
      }
      """)
    for turns in [false, true, true, false, true] {
      let results = try program.run([try floats([1, -2]), .tensor(try Tensor(scalar: turns))], control: RunControl())
      #expect(try results[0].asTensor().elements(as: Float.self) == [0, 0])
      #expect(try results[1].asTensor().elements(as: Float.self) == (turns ? [-1, 2] : [1, 2]))
    }
  }

  /// Many branches that one input decides, one after the other, are chosen together.
  @Test func manyBranchesMakeOneProgram() throws {
    let count = 100
    var text = "graph \"g\" {\n  input %x0: float32[n]\n  input %turns: bool[]\n"
    for index in 0..<count {
      text += """
          %x\(index + 1) = If(%turns) {then_branch = graph "a" {
            capture %x = %x\(index)
            %u = Neg(%x)
            output %u
          }, else_branch = graph "b" {
            capture %x = %x\(index)
            %v = Abs(%x)
            output %v
          }}

        """
    }
    let program = try program(text + "  output %x\(count)\n}")
    for turns in [true, false, true] {
      let result = try program.run([try floats([1, -2]), .tensor(try Tensor(scalar: turns))], control: RunControl())[0].asTensor()
      #expect(try result.elements(as: Float.self) == (turns ? [1, -2] : [1, 2]))
    }
    let programs = program.specializations.withLock { Array($0.values) }
    #expect(programs.count == 2)
    for program in programs {
      #expect(program.branching.isEmpty)
      #expect(program.specializations.withLock { $0.isEmpty })
    }
  }

  /// The shape of what one branch gives decides the next.
  @Test func branchesThatDecideBranchesMakeOneProgram() throws {
    let count = 50
    var text = "graph \"g\" {\n  input %x0: float32[n]\n  constant %k: int64[] [3]\n"
    for index in 0..<count {
      text += """
          %s\(index) = Size(%x\(index))
          %c\(index) = Less(%s\(index), %k)
          %x\(index + 1) = If(%c\(index)) {then_branch = graph "a" {
            capture %x = %x\(index)
            %u = Neg(%x)
            output %u
          }, else_branch = graph "b" {
            capture %x = %x\(index)
            constant %zero: int64[1] [0]
            constant %two: int64[1] [2]
            %v = Slice(%x, %zero, %two)
            output %v
          }}

        """
    }
    let program = try program(text + "  output %x\(count)\n}")
    for numbers in [[1, -2], [1, -2, 3, 4]] as [[Float]] {
      let result = try program.run([try floats(numbers)], control: RunControl())[0].asTensor()
      #expect(try result.elements(as: Float.self) == (numbers.count == 2 ? [1, -2] : [-1, 2]))
    }
    for program in program.specializations.withLock({ Array($0.values) }) { #expect(program.branching.isEmpty) }
  }

  /// Programs for known branches are left out where a run has no room for them; the results are the same.
  @Test func programsForBranchesCount() throws {
    let program = try program(byValue)
    let inputs = [try floats([1, -2]), .tensor(try Tensor(scalar: Int64(16)))]
    var limits = RunLimits()
    limits.bytes = 2048
    let control = RunControl(limits, idle: program.account)
    #expect(try program.run(inputs, control: control)[0].asTensor().elements(as: Float.self) == [-1, 2])
    #expect(program.specializations.withLock { $0.isEmpty })
  }

  /// A counter decides differently in each run: plans are not made for each of its values for ever.
  @Test func valuesThatKeepChangingDoNotDecide() throws {
    let program = try program(byValue)
    for number in 0..<100 {
      let inputs = [try floats([1, -2]), .tensor(try Tensor(scalar: Int64(number)))]
      let result = try program.run(inputs, control: RunControl())[0].asTensor()
      #expect(try result.elements(as: Float.self) == (number == 16 ? [-1, 2] : [1, 2]))
    }
    #expect(program.specializations.withLock { $0.count } <= Program.specializationLimit)
  }

  /// What only one branch reads fails where it is run for another: in no run, also once plans no longer depend on the value.
  @Test func whatOnlyABranchNotTakenReadsDoesNotFail() throws {
    let program = try program(
      """
      graph "g" {
        input %x: float32[n]
        input %k: int64[1]
        constant %limit: int64[1] [2]
        %row = Gather(%x, %k)
        %c = Less(%k, %limit)
        %y = If(%c) {then_branch = graph "a" {
          capture %row = %row
          %u = Neg(%row)
          output %u
        }, else_branch = graph "b" {
          capture %x = %x
          %v = Abs(%x)
          output %v
        }}
        output %y
      }
      """)
    for k in 0..<40 {
      let result = try program.run([try floats([1, -2]), .tensor(try Tensor(vector: [Int64(k)]))], control: RunControl())[0].asTensor()
      #expect(try result.elements(as: Float.self) == (k < 2 ? [[-1], [2]][k] : [1, 2]))
    }
  }

  /// A loop makes no step whose body would fail: the types of its outputs are known even so, also where all that fails is constant.
  @Test(arguments: ["captured", "made"]) func aBodyThatWouldFailHasTypes(kind: String) throws {
    let inside = kind == "made" ? "constant %t: float32[3,1] [1.0, 2.0, 3.0]" : "capture %t = %t"
    let program = try program(
      """
      graph "g" {
        input %t: float32[3,1]
        input %go: bool[]
        constant %none: int64[] [0]
        constant %beyond: int64[2] [5, 6]
        %y = Loop(%none, %go) {body = graph "body" {
          input %i: int64[]
          input %b: bool[]
          \(inside)
          capture %beyond = %beyond
          %u = Gather(%t, %beyond)
          output %b
          output %u
        }}
        output %y
      }
      """)
    let inputs = [Value.tensor(try Tensor(vector: [Float(1), 2, 3]).reshaped(try Shape([3, 1]))), Value.tensor(try Tensor(scalar: true))]
    #expect(try program.run(inputs, control: RunControl())[0].asTensor().type == TensorType(.float32, try Shape([0, 2, 1])))
  }

  /// The extent decides: x[0] where there is one element, else the sum.
  @Test func shapesDecide() throws {
    let program = try program(
      """
      graph "g" {
        input %x: float32[n]
        constant %one: int64[] [1]
        %size = Size(%x)
        %single = Equal(%size, %one)
        %y = If(%single) {then_branch = graph "a" {
          capture %x = %x
          %u = Neg(%x)
          output %u
        }, else_branch = graph "b" {
          capture %x = %x
          %v = ReduceSum(%x)
          output %v
        }}
        output %y
      }
      """)
    for (x, expected) in [([5], [-5]), ([1, 2], [3]), ([1, 2, 3], [6]), ([7], [-7])] as [([Float], [Float])] {
      let result = try program.run([try floats(x)], control: RunControl())[0].asTensor()
      #expect(try result.elements(as: Float.self) == expected)
    }
  }

  /// An output that a branch only passes on is the captured value itself.
  @Test func branchesThatComputeNothing() throws {
    let program = try program(
      """
      graph "g" {
        input %x: float32[2]
        input %flag: bool[]
        constant %c: float32[2] [7, 8]
        %y, %z = If(%flag) {then_branch = graph "a" {
          capture %x = %x
          output %x
          output %x
        }, else_branch = graph "b" {
          capture %c = %c
          capture %x = %x
          output %c
          output %x
        }}
        output %y
        output %z
      }
      """)
    for (flag, expected) in [(true, [1, 2]), (false, [7, 8])] as [(Bool, [Float])] {
      let results = try program.run([try floats([1, 2]), .tensor(try Tensor(scalar: flag))], control: RunControl())
      #expect(try results[0].asTensor().elements(as: Float.self) == expected)
      #expect(try results[1].asTensor().elements(as: Float.self) == [1, 2])
    }
  }

  /// What does not depend on a changed extent keeps its kernel: of four nodes, one reads y.
  @Test func plansAreMadeFromPlans() throws {
    let program = try program(
      """
      graph "g" {
        input %x: float32[n]
        input %y: float32[m]
        %a = Neg(%x)
        %b = Abs(%a)
        %c = Neg(%y)
        %d = Exp(%b)
        output %d
        output %c
      }
      """)
    let profile = Profile()
    // With the third run two plans are made ahead, of a node each, for runs that then make none.
    for (count, made) in [(1, 4), (2, 5), (3, 8), (1, 8), (4, 8), (5, 8)] {
      let inputs = [try floats([-1, 0]), try floats([Float](repeating: 2, count: count))]
      let results = try program.run(inputs, control: RunControl(), profile: profile)
      #expect(try results[1].asTensor().elements(as: Float.self) == [Float](repeating: -2, count: count))
      #expect(profile.planning.made == made)
    }
  }
}
