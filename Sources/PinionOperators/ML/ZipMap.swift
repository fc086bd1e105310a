import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Makes a dictionary from class labels to scores of each row.
package struct ZipMap: EagerExecutable, ValueTyping {
  package static let schema = Schema("ZipMap", domain: "ai.onnx.ml", since: 1, inputs: ["X: float32"], outputs: ["Z"])
  /// The labels of the columns.
  package let keys: Tensor

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    keys = try ClassLabels(&attributes, ints: "classlabels_int64s").tensor
  }

  package func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    [.sequence(.map(key: keys.element, value: .tensor(.float32, dims: [])))]
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let input = try required(inputs, 0, "X").asTensor()
    guard input.element == .float32, (1...2).contains(input.shape.rank), input.shape.dims.last == keys.count else {
      throw .invalidShape("input 'X' is \(input.type), expected float32[N,\(keys.count)] or float32[\(keys.count)]")
    }
    let rows = input.shape.rank == 1 ? 1 : try input.shape.slices(along: 0)
    // The maps themselves are not in tensors: they are counted with what they lie in.
    let records = try rows.multiplied(by: MemoryLayout<Value>.stride &+ 2 &* MemoryLayout<Tensor>.stride &+ 32)
    let copy = try context.control.tensor(input.type, records: records, allocator: context.allocator)
    var poll = Poll(context.control)
    try copyLongRun(copy.data, input.data, input.byteCount, &poll)
    let type = TensorType(.float32, .vector(keys.count))
    var maps: [Value] = []
    maps.reserveCapacity(rows)
    for row in 0..<rows {
      try poll.count(64)
      maps.append(.map(keys: keys, values: Tensor(type, data: copy.data + row &* type.byteCount, owner: copy.owner)))
    }
    return [.sequence(maps, element: .map(key: keys.element, value: .tensor(.float32, dims: [])))]
  }
}
