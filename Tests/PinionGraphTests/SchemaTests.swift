import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct SchemaTests {
  static let sum = Schema("Sum", since: 1, inputs: ["A: T", "B?: T", "K?: int32|int64"], outputs: ["C: T"], types: ["T": [.floats, .bool]])
  static let scaled = Schema(
    "Scaled", since: 1, inputs: ["X: T", "scale: T", "flags...?: bytes|bool"], outputs: ["Y: T", "N: int64", "Z: floats"], types: ["T": .floats],
    mixing: ["T"])
  static let joined = Schema("Joined", since: 1, inputs: ["axis: int64", "X...: T"], outputs: ["Y...: T"], types: ["T": .all])
  static let free = Schema("Free", since: 1, inputs: ["X", "Y..."], outputs: ["Z"])

  /// The message of the refusal, nil where the inputs pass. nil stands for an absent input.
  private func refusal(_ schema: Schema, _ elements: [ElementType?]) throws -> String? {
    let types = try elements.map { element throws in try element.map { TensorType($0, try Shape([2, 3])) } }
    let values = try types.map { type throws in try type.map { Value.tensor(try Tensor($0)) } }
    let byType = message { () throws(PinionError) in try schema.check(inputs: types) }
    #expect(byType == message { () throws(PinionError) in try schema.check(values: values) })
    return byType
  }

  private func message(_ body: () throws(PinionError) -> Void) -> String? {
    do { try body() } catch {
      #expect(error.code == .invalidShape)
      return error.message
    }
    return nil
  }

  @Test func operandsOfAVariableAgree() throws {
    #expect(try refusal(Self.sum, [.float64, .float64]) == nil)
    #expect(try refusal(Self.sum, [.float64, nil, .int32]) == nil)
    #expect(try refusal(Self.sum, [.float32, .float64]) == "input 'B' is float64[2,3], expected float32 like input 'A'")
    #expect(try refusal(Self.sum, [.float32, .float16]) == "input 'B' is float16[2,3], expected float32 like input 'A'")
    #expect(try refusal(Self.joined, [.int64, .string, .string, .string]) == nil)
    #expect(try refusal(Self.joined, [.int64, .int8, .int8, .uint8]) == "input 'X' is uint8[2,3], expected int8 like input 'X'")
  }

  @Test func operandsAdmitWhatTheyDeclare() throws {
    #expect(
      try refusal(Self.sum, [.int8, .int8]) == "input 'A' is int8[2,3], expected float32, bool, float16, float64 or bfloat16")
    #expect(try refusal(Self.sum, [.bool, nil, .uint32]) == "input 'K' is uint32[2,3], expected int32 or int64")
    #expect(try refusal(Self.scaled, [.float32, .float32, .uint8, .bool, .int8]) == nil)
    #expect(try refusal(Self.scaled, [.float32, .float32, .uint8, .int16]) == "input 'flags' is int16[2,3], expected uint8, int8 or bool")
    #expect(try refusal(Self.joined, [.int32, .int8]) == "input 'axis' is int32[2,3], expected int64")
  }

  @Test func halvesMixWhereTheSchemaSaysSo() throws {
    for first in [ElementType.float32, .float16, .bfloat16] {
      for second in [ElementType.float32, .float16, .bfloat16] { #expect(try refusal(Self.scaled, [first, second]) == nil) }
      #expect(try refusal(Self.scaled, [first, .float64]) == "input 'scale' is float64[2,3], expected \(first) like input 'X'")
    }
    #expect(try refusal(Self.scaled, [.float64, .float16]) == "input 'scale' is float16[2,3], expected float64 like input 'X'")
  }

  @Test func anythingPassesWithoutADeclaration() throws {
    for element in ElementType.allCases { #expect(try refusal(Self.free, [element, .float32, element]) == nil) }
    // Captured values stand behind a node's own operands.
    #expect(try refusal(Self.sum, [.float32, .float32, .int64, .string]) == nil)
    #expect(!Self.free.inputs[0].isConstrained)
  }

  @Test func sequencesPass() throws {
    let sequence = Value.sequence([], element: .tensor(.string, dims: nil))
    try Self.sum.check(values: [sequence, .tensor(try Tensor(TensorType(.float32, try Shape([1]))))])
  }

  @Test func outputsFollow() {
    #expect(Self.sum.element(ofOutput: 0, inputs: [.float64, nil]) == .float64)
    #expect(Self.sum.element(ofOutput: 0, inputs: [nil, .bool]) == .bool)
    #expect(Self.sum.element(ofOutput: 0, inputs: [nil, nil, .int64]) == nil)
    #expect(Self.sum.element(ofOutput: 1, inputs: [.float64]) == nil)
    #expect(Self.scaled.element(ofOutput: 0, inputs: [.float16, .float32]) == .float16)
    #expect(Self.scaled.element(ofOutput: 0, inputs: [nil, .float32]) == nil)
    #expect(Self.scaled.element(ofOutput: 1, inputs: []) == .int64)
    #expect(Self.scaled.element(ofOutput: 2, inputs: [.float32]) == nil)
    #expect(Self.joined.element(ofOutput: 3, inputs: [.int64, .string]) == .string)
    #expect(Self.free.element(ofOutput: 0, inputs: [.float32]) == nil)
  }

  @Test func namesThatMeanNothingAdmitNothing() throws {
    let wrong = Schema("Wrong", since: 1, inputs: ["A: int32|nothing"], outputs: ["B: T"], types: ["U": .all])
    #expect(wrong.inputs[0].types.isEmpty && wrong.outputs[0].types.isEmpty)
    #expect(try refusal(wrong, [.int32]) == "input 'A' is int32[2,3], expected none")
  }
}
