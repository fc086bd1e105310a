import PinionBase
import PinionTensor
import RunModelInputs
import Testing

@Suite struct LiteralTests {
  @Test func readsListsAndShapes() throws {
    #expect(try Literal("0.5").words == ["0.5"])
    #expect(try Literal("1, -2,3e4").words == ["1", "-2", "3e4"])
    #expect(try Literal("1,2").dims == nil)
    let nested = try Literal("[[1, 2], [3, 4], [5, 6]]")
    #expect(nested.dims == [3, 2] && nested.words == ["1", "2", "3", "4", "5", "6"])
    #expect(try Literal("[]").dims == [0])
    #expect(try Literal(#"["a, b", "c\"d"]"#).words == ["a, b", "c\"d"])
  }

  @Test(arguments: ["", "[", "[1", "[1,", "[1,]", "[[1],2]", "[1,[2]]", "[[1],[2,3]]", "1,", "[1] 2", "\"a", "1]"])
  func refusesWhatIsNoList(_ text: String) {
    #expect(code { _ = try Literal(text) } == .invalidArgument)
  }

  @Test func refusesDeepNesting() {
    #expect(code { _ = try Literal(String(repeating: "[", count: 100_000)) } == .invalidArgument)
  }

  @Test func checksNumbersAgainstTheirType() throws {
    func tensor(_ text: String, _ element: ElementType) throws -> [Double] {
      let literal = try Literal(text)
      return try literal.tensor(TensorType(element, .vector(literal.words.count))).numbers()
    }
    #expect(try tensor("255,0,1.0", .uint8) == [255, 0, 1])
    #expect(try tensor("-8,7", .int4) == [-8, 7])
    #expect(try tensor("0.5,-inf", .bfloat16) == [0.5, -.infinity])
    #expect(try tensor("true,0", .bool) == [1, 0])
    for (text, element) in [("256", ElementType.uint8), ("8", .int4), ("1.5", .int32), ("x", .float32), ("2", .bool), ("-1", .uint64)] {
      #expect(code { _ = try tensor(text, element) } == .invalidArgument, "\(text)")
    }
  }

  @Test func fillsWithOneWord() throws {
    let type = TensorType(.int16, try Shape([2, 3]))
    #expect(try Literal("7").tensor(type).numbers() == [7, 7, 7, 7, 7, 7])
    #expect(code { _ = try Literal("1,2").tensor(type) } == .invalidArgument)
    #expect(try Literal("ab").tensor(TensorType(.string, .vector(2))).strings() == ["ab", "ab"])
  }

  @Test func convertsOnlyWhatKeepsItsMeaning() throws {
    #expect(try Tensor(vector: [Int64(-3), 7]).losslessly(as: .int8).numbers() == [-3, 7])
    #expect(try Tensor(vector: [0.1]).losslessly(as: .float32).numbers() == [Double(Float(0.1))])
    #expect(try Tensor(vector: [UInt8(200)]).losslessly(as: .int32).numbers() == [200])
    #expect(try Tensor(vector: [Int32(3)]).losslessly(as: .float64).numbers() == [3])
    #expect(code { _ = try Tensor(vector: [Int64(300)]).losslessly(as: .uint8) } == .invalidShape)
    #expect(code { _ = try Tensor(vector: [Int32(-1)]).losslessly(as: .uint32) } == .invalidShape)
    #expect(code { _ = try Tensor(vector: [Int8(-1)]).losslessly(as: .uint64) } == .invalidShape)
    #expect(code { _ = try Tensor(vector: [UInt64.max]).losslessly(as: .int64) } == .invalidShape)
    #expect(code { _ = try Tensor(vector: [UInt8(200)]).losslessly(as: .int8) } == .invalidShape)
    #expect(code { _ = try Tensor(vector: [1.0]).losslessly(as: .int32) } == .invalidShape)
  }

  @Test func drawsTheSameNumbersForTheSameSeed() throws {
    var a = SeededGenerator(seed: 7), b = SeededGenerator(seed: 7)
    let type = TensorType(.float32, try Shape([3000]))
    let numbers = try a.tensor(type).numbers()
    #expect(numbers == (try b.tensor(type).numbers()))
    #expect(numbers.allSatisfy { (0..<1).contains($0) } && Set(numbers).count > 2900)
    let dice = try a.tensor(TensorType(.int64, try Shape([3000])), range: (1, 6)).numbers()
    #expect(Set(dice) == [1, 2, 3, 4, 5, 6])
    #expect(code { _ = try a.tensor(type, range: (1, .infinity)) } == .invalidArgument)
  }
}
