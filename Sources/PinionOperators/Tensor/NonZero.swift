import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The indices of the elements that are not zero, one column for each, in row-major order.
public struct NonZero: ValueTyping {
  public static let schema = Schema("NonZero", since: 13, inputs: ["X: U"], outputs: ["Y: int64"], types: ["U": [.numbers, .complex, .bool, .string]])
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func facts(_ context: FactContext) -> [Fact] { [Fact(.int64, [context[0].rank, nil])] }

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    [.tensor(.int64, dims: [inputs.first??.dims.map { .known($0.count) } ?? .unknown, .unknown])]
  }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    guard let tensor = try inputs.first??.asTensor() else { throw .invalidModel("input 'X' is missing") }
    var positions: [Int] = []
    let flags = try truthValues(tensor)
    for index in 0..<tensor.count where flags[index] { positions.append(index) }
    let output = try context.allocate(.int64, [tensor.shape.rank, positions.count])
    let target = try output.mutableElements(as: Int64.self)
    for (axis, stride) in tensor.shape.strides.enumerated() {
      let extent = tensor.shape[axis]
      for (column, position) in positions.enumerated() {
        target[axis &* positions.count &+ column] = Int64(position / stride % extent)
      }
    }
    return [.tensor(output)]
  }
}

/// For each element whether it differs from zero.
func truthValues(_ tensor: Tensor) throws(PinionError) -> [Bool] {
  let convert = try conversion(from: tensor.element, to: .bool)
  var flags = [Bool](repeating: false, count: tensor.count)
  flags.withUnsafeMutableBytes { bytes in
    if let base = bytes.baseAddress { convert(tensor.data, base, tensor.count) }
  }
  return flags
}
