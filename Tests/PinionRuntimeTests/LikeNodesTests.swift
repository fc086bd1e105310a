import PinionBase
import PinionTensor
import Testing

@testable import PinionRuntime

/// Nodes that are alike take one's kernel for all, and those that only look so do not.
@Suite struct LikeNodesTests {
  private func run(_ text: String, _ inputs: [Tensor]) throws -> [[Float]] {
    let program = try program(text)
    return try program.run(inputs.map(Value.tensor), control: RunControl()).map { try $0.asTensor().elements(as: Float.self) }
  }

  @Test func attributesTellNodesApart() throws {
    let results = try run(
      """
      graph "g" {
        input %x: float32[2]
        %a = LeakyRelu(%x) {alpha = 0.5}
        %b = LeakyRelu(%x) {alpha = 0.25}
        %c = LeakyRelu(%a) {alpha = 0.5}
        %d = LeakyRelu(%x) {alpha = 0.0}
        %e = LeakyRelu(%x) {alpha = -0.0}
        output %a
        output %b
        output %c
        output %d
        output %e
      }
      """, [try Tensor(vector: [Float(-4), 3])])
    #expect(results[0] == [-2, 3] && results[1] == [-1, 3] && results[2] == [-1, 3])
    #expect(results[3][0].sign == .minus && results[4][0].sign == .plus)
  }

  @Test func constantsAbsentOperandsAndTypesTellNodesApart() throws {
    let results = try run(
      """
      graph "g" {
        input %x: float32[3]
        input %w: float32[1]
        constant %one: float32[] [1]
        constant %two: float32[] [2]
        constant %five: float32[] [5]
        %a = Add(%x, %one)
        %b = Add(%x, %two)
        %c = Add(%a, %one)
        %d = Add(%x, %w)
        %e = Add(%w, %x)
        %f = Clip(%x, %two)
        %g = Clip(%x, _, %two)
        %h = Clip(%x, %two, %five)
        %i = Clip(%x, _, %two)
        output %a
        output %b
        output %c
        output %d
        output %e
        output %f
        output %g
        output %h
        output %i
      }
      """, [try Tensor(vector: [Float(1), 2, 9]), try Tensor(vector: [Float(10)])])
    #expect(
      results == [[2, 3, 10], [3, 4, 11], [3, 4, 11], [11, 12, 19], [11, 12, 19], [2, 2, 9], [1, 2, 2], [2, 2, 5], [1, 2, 2]])
  }

  /// Views, outputs that somebody reads or nobody, and a state that is drawn.
  @Test func viewsAndOutputsTellNodesApart() throws {
    let results = try run(
      """
      graph "g" {
        input %x: float32[4]
        %a, %b = Split(%x) {num_outputs = 2}
        %c, %d = Split(%x) {num_outputs = 2}
        %e = Add(%a, %d)
        %f, %g = Split(%e) {num_outputs = 2}
        %h = Neg(%g)
        %i = Neg(%f)
        %r = RandomUniformLike(%e)
        %s = RandomUniformLike(%e)
        output %b
        output %c
        output %h
        output %i
        output %r
        output %s
      }
      """, [try Tensor(vector: [Float(1), 2, 3, 4])])
    #expect(results[0] == [3, 4] && results[1] == [1, 2] && results[2] == [-6] && results[3] == [-4])
    #expect(results[4] != results[5])
  }
}
