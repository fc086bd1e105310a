import PinionBase
import PinionTensor
import Testing

@testable import PinionImport

@Suite struct SmallTensorsTests {
  @Test func tensorsLieTogetherAndApart() throws {
    let small = SmallTensors()
    var tensors: [Tensor] = []
    for index in 0..<1000 {
      let tensor = try small.tensor(try small.type(.float32, [Int64(index % 5)]))
      try tensor.mutableElements(as: Float.self).update(repeating: Float(index))
      tensors.append(tensor)
    }
    for (index, tensor) in tensors.enumerated() {
      #expect(try tensor.elements(as: Float.self) == [Float](repeating: Float(index), count: index % 5))
      #expect(UInt(bitPattern: tensor.data) % 16 == 0)
    }
    #expect(Set(tensors.compactMap { $0.owner.map(ObjectIdentifier.init) }).count < 20)
  }

  @Test func largeTensorsHaveMemoryOfTheirOwn() throws {
    let small = SmallTensors(), type = TensorType(.float32, try Shape([1000]))
    let first = try small.tensor(type), second = try small.tensor(type)
    #expect(first.owner !== second.owner)
  }

  @Test func extentsAreThoseOfTheMessage() throws {
    let small = SmallTensors()
    #expect(try small.type(.int8, [2, 3]).dims == [2, 3])
    #expect(small.declared(try small.type(.int8, [2, 3])) == .tensor(.int8, dims: [.known(2), .known(3)]))
    #expect(small.declared(try small.type(.int64, [2, 3])) == .tensor(.int64, dims: [.known(2), .known(3)]))
    #expect(try small.type(.int64, []).dims == [])
    #expect(small.declared(try small.type(.int64, [4])) == .tensor(.int64, dims: [.known(4)]))
    #expect(throws: PinionError.self) { _ = try small.type(.int64, [-1]) }
  }
}
