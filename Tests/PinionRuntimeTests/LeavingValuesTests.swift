import PinionBackend
import PinionBase
import PinionTensor
import Testing

@testable import PinionRuntime

@Suite struct LeavingValuesTests {
  private let run = RunControl()

  private func tensor(_ elements: [Int64]) throws -> Tensor { try Tensor(vector: elements) }

  /// The memory of all tensors in the values.
  private func ranges(_ values: [Value]) -> [Range<UInt>] {
    values.flatMap { value -> [Range<UInt>] in
      switch value {
      case .tensor(let tensor):
        let start = UInt(bitPattern: tensor.data)
        return [start..<start + UInt(tensor.byteCount)]
      case .none: return []
      case .sequence(let values, _): return ranges(values)
      case .map(let keys, let values): return ranges([.tensor(keys), .tensor(values)])
      }
    }
  }

  private func leave(_ values: [Value]) throws -> [Value] {
    var leaving = LeavingValues(run, allocator: .system)
    return try values.map { try leaving.take($0) }
  }

  @Test func memoryOfTheRunLeavesOnceWithoutACopy() throws {
    let made = try run.tensor(TensorType(.int64, .vector(3)), allocator: .system)
    let left = try leave([.tensor(made), .tensor(made)])
    #expect(try left[0].asTensor().data == made.data)
    #expect(try left[1].asTensor().data != made.data)
    let ofAnotherRun = try RunControl().tensor(TensorType(.int64, .vector(3)), allocator: .system)
    #expect(try leave([.tensor(ofAnotherRun)])[0].asTensor().data != ofAnotherRun.data)
  }

  /// One input in every place that an output can have: nothing of what leaves overlaps with it or with another.
  @Test func nothingSharesMemory() throws {
    let input = try tensor([1, 2, 3, 4, 5])
    let view = Tensor(TensorType(.int64, .vector(2)), data: input.data + 8, owner: input.owner)
    let element = ValueType.tensor(.int64, dims: nil)
    let values: [Value] = [
      .tensor(input), .tensor(view), .tensor(input), .sequence([.tensor(input), .tensor(view), .tensor(input)], element: element),
      .map(keys: input, values: input), .sequence([.map(keys: view, values: view)], element: .map(key: .int64, value: element)),
    ]
    let left = try leave(values)
    let all = (ranges(left) + ranges([.tensor(input)])).sorted { $0.lowerBound < $1.lowerBound }
    #expect(all.count == 11)
    for (a, b) in zip(all, all.dropFirst()) { #expect(a.upperBound <= b.lowerBound) }
    for (value, copy) in zip(values, left) { #expect("\(value.type)" == "\(copy.type)") }
    #expect(try left[3].asSequence()[1].asTensor().integers() == [2, 3])
  }

  /// Strings that point into another tensor's text get a text of their own.
  @Test func stringsOwnTheirText() throws {
    let owner = try Tensor(strings: ["a", "long enough", ""], .vector(3))
    let borrowed = Tensor(owner.type, data: owner.data, owner: nil)
    for value in try leave([.tensor(borrowed), .sequence([.tensor(borrowed)], element: .tensor(.string, dims: nil))]) {
      let tensor = try (try? value.asSequence().first ?? value).map { try $0.asTensor() } ?? value.asTensor()
      #expect(try tensor.strings() == ["a", "long enough", ""])
      #expect(try tensor.unsafeElements(as: StringElement.self)[1].start != owner.unsafeElements(as: StringElement.self)[1].start)
    }
  }

  @Test func givenMemoryHasToFit() throws {
    var leaving = LeavingValues(run, allocator: .system)
    let given = try tensor([0, 0])
    #expect(try leaving.take(.tensor(try tensor([7, 8])), into: given).asTensor().data == given.data)
    #expect(try given.integers() == [7, 8])
    #expect(throws: PinionError.self) { try leaving.take(.tensor(try tensor([7])), into: given) }
    #expect(throws: PinionError.self) { try leaving.take(.sequence([], element: .tensor(.int64, dims: nil)), into: given) }
    let strings = try Tensor(strings: ["x"], .vector(1))
    #expect(throws: PinionError.self) { try leaving.take(.tensor(strings), into: strings) }
  }
}
