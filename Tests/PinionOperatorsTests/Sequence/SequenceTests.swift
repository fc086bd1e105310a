import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct SequenceTests {
  private func sequence(_ numbers: [Float]) throws -> Value {
    .sequence(try numbers.map { .tensor(try Tensor(vector: [$0])) }, element: .tensor(.float32, dims: nil))
  }

  private func numbers(_ value: Value) throws -> [Float] { try value.asSequence().flatMap { try elements($0.asTensor()) } }
  private func position(_ index: Int64) throws -> Value { .tensor(try Tensor(scalar: index)) }

  @Test func constructsAndMeasures() throws {
    let result = try evaluate("SequenceConstruct", [value([Float(1)], [1]), value([Float(2), 3], [2])])
    #expect(try numbers(result[0]) == [1, 2, 3])
    #expect(try evaluate("SequenceLength", result)[0].asTensor().integers() == [2])
    #expect(throws: PinionError.self) { try evaluate("SequenceConstruct", [value([Float(1)], [1]), value([Int64(2)], [1])]) }
    let empty = try evaluate("SequenceEmpty", attributes: ["dtype": .int(7)], [Value?]())
    #expect(empty[0].type == .sequence(.tensor(.int64, dims: nil)))
  }

  @Test func readsFromBothEnds() throws {
    #expect(try elements(evaluate("SequenceAt", [sequence([1, 2, 3]), position(1)])[0].asTensor()) == [Float(2)])
    #expect(try elements(evaluate("SequenceAt", [sequence([1, 2, 3]), position(-3)])[0].asTensor()) == [Float(1)])
    for index in [3, -4, Int64.min] {
      #expect(throws: PinionError.self) { try evaluate("SequenceAt", [sequence([1, 2, 3]), position(index)]) }
    }
  }

  @Test func insertsAndErases() throws {
    let new = try value([Float(9)], [1])
    #expect(try numbers(evaluate("SequenceInsert", [sequence([1, 2]), new])[0]) == [1, 2, 9])
    #expect(try numbers(evaluate("SequenceInsert", [sequence([1, 2]), new, position(-2)])[0]) == [9, 1, 2])
    #expect(try numbers(evaluate("SequenceInsert", [sequence([1, 2]), new, position(2)])[0]) == [1, 2, 9])
    #expect(throws: PinionError.self) { try evaluate("SequenceInsert", [sequence([1, 2]), new, position(3)]) }
    #expect(try numbers(evaluate("SequenceErase", [sequence([1, 2, 3])])[0]) == [1, 2])
    #expect(try numbers(evaluate("SequenceErase", [sequence([1, 2, 3]), position(0)])[0]) == [2, 3])
    #expect(throws: PinionError.self) { try evaluate("SequenceErase", [sequence([])]) }
  }

  @Test func joins() throws {
    let parts = Value.sequence([try value([Float(1), 2], [1, 2]), try value([Float(3), 4], [1, 2])], element: .tensor(.float32, dims: nil))
    func join(_ axis: Int64, newAxis: Int64 = 0) throws -> Tensor {
      try evaluate("ConcatFromSequence", attributes: ["axis": .int(axis), "new_axis": .int(newAxis)], [parts])[0].asTensor()
    }
    try expect(try join(-1), [Float(1), 2, 3, 4], [1, 4])
    try expect(try join(0), [Float(1), 2, 3, 4], [2, 2])
    try expect(try join(-1, newAxis: 1), [Float(1), 3, 2, 4], [1, 2, 2])
    #expect(throws: PinionError.self) { try join(2) }
  }

  @Test func splits() throws {
    let input = try value([Float(1), 2, 3, 4, 5, 6], [2, 3])
    func split(_ extents: Value?, keeps: Int64 = 1) throws -> [Tensor] {
      try evaluate("SplitToSequence", attributes: ["axis": .int(1), "keepdims": .int(keeps)], [input, extents])[0]
        .asSequence().map { try $0.asTensor() }
    }
    let byTwo = try split(position(2))
    try expect(byTwo[0], [Float(1), 2, 4, 5], [2, 2])
    try expect(byTwo[1], [Float(3), 6], [2, 1])
    try expect(try split(value([Int64(1), 2], [2]))[1], [Float(2), 3, 5, 6], [2, 2])
    try expect(try split(nil)[2], [Float(3), 6], [2, 1])
    try expect(try split(nil, keeps: 0)[2], [Float(3), 6], [2])
    #expect(throws: PinionError.self) { try split(position(0)) }
    #expect(throws: PinionError.self) { try split(value([Int64(1), 3], [2])) }
  }

  @Test func maps() throws {
    var body = Body()
    let element = body.input("element")
    let same = body.input("same")
    let graph = body.returning([try body.add("Add", [element, same])], types: [.tensor(.float32, dims: nil)])
    func map(_ input: Value) throws -> Value {
      try evaluate("SequenceMap", attributes: ["body": .graph(0)], [input, value([Float(10)], [1])], subgraphs: [graph])[0]
    }
    #expect(try numbers(map(sequence([1, 2]))) == [11, 12])
    #expect(try map(sequence([])).type == .sequence(.tensor(.float32, dims: nil)))
  }

  @Test func optionals() throws {
    let tensor = try value([Float(1)], [1])
    let absent = try evaluate("Optional", attributes: ["type": .type(.tensor(.float32, dims: nil))], [Value?]())[0]
    func has(_ value: Value?) throws -> Bool {
      try elements(evaluate("OptionalHasElement", [value])[0].asTensor(), as: Bool.self)[0]
    }
    #expect(try has(tensor))
    #expect(try has(sequence([])))
    #expect(try !has(absent))
    #expect(try !has(nil))
    try expect(try evaluate("OptionalGetElement", [evaluate("Optional", [tensor])[0]])[0].asTensor(), [Float(1)], [1])
    #expect(throws: PinionError.self) { try evaluate("OptionalGetElement", [absent]) }
    #expect(throws: PinionError.self) { try evaluate("Optional", [Value?]()) }
  }
}
