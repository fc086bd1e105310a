import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Makes a dictionary from class labels to scores of each row.
public struct ZipMap: EagerExecutable, ValueTyping {
  public static let schema = Schema("ZipMap", domain: "ai.onnx.ml", since: 1, inputs: ["X: float32"], outputs: ["Z"])
  let keys: Tensor

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    keys = try ClassLabels(&attributes, ints: "classlabels_int64s").tensor
  }

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    [.sequence(.map(key: keys.element, value: .tensor(.float32, dims: [])))]
  }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let input = try required(inputs, 0, "X").asTensor()
    guard input.element == .float32, (1...2).contains(input.shape.rank), input.shape.dims.last == keys.count else {
      throw .invalidShape("input 'X' is \(input.type), expected float32[N,\(keys.count)] or float32[\(keys.count)]")
    }
    let copy = try context.allocate(input.type)
    copy.data.copyMemory(from: input.data, byteCount: input.byteCount)
    let type = TensorType(.float32, .vector(keys.count))
    let rows = input.shape.rank == 1 ? 1 : try input.shape.slices(along: 0)
    // The maps themselves are not in tensors: the run at least has to have room for them.
    let records = try rows.multiplied(by: 4 &* MemoryLayout<Value>.stride &+ 128)
    try context.control.takeBytes(records)
    defer { context.control.giveBytes(records) }
    let maps = (0..<rows).map { row in
      Value.map(keys: keys, values: Tensor(type, data: copy.data + row &* type.byteCount, owner: copy.owner))
    }
    return [.sequence(maps, element: .map(key: keys.element, value: .tensor(.float32, dims: [])))]
  }
}
