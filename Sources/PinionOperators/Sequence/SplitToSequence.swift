import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Cuts a tensor along an axis into a sequence: into parts of given extents, of one extent, or into single slices.
public struct SplitToSequence: ValueTyping {
  public static let schema = Schema("SplitToSequence", since: 24, inputs: ["input: all", "split?: indices"], outputs: ["output_sequence"])
  let axis: Int64
  let keepsAxis: Bool

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: 0)
    keepsAxis = try attributes.bool("keepdims", default: true)
  }

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    guard let input = inputs.first ?? nil, let element = input.tensorElement else { return [nil] }
    guard var dims = input.dims, let position = dims.position(ofAxis: axis) else { return [.sequence(.tensor(element, dims: nil))] }
    if inputs.count > 1, inputs[1] != nil {
      dims[position] = .unknown
    } else if keepsAxis {
      dims[position] = .known(1)
    } else {
      dims.remove(at: position)
    }
    return [.sequence(.tensor(element, dims: dims))]
  }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let input = try required(inputs, 0, "input").asTensor()
    let axis = try input.shape.normalized(axis: axis)
    let extent = try input.shape.slices(along: axis)
    // A list of extents has at most one for each position.
    let list = try extent.multiplied(by: MemoryLayout<Int>.stride)
    try context.control.takeBytes(list)
    defer { context.control.giveBytes(list) }
    var removesAxis = false
    var extents: [Int] = []
    if inputs.count > 1, let split = try inputs[1]?.asTensor() {
      extents = try parts(split, of: extent)
    } else {
      extents = [Int](repeating: 1, count: extent)
      removesAxis = !keepsAxis
    }
    let outer = input.count == 0 ? 0 : input.shape.count(0..<axis)
    let inner = input.shape.count(axis + 1..<input.shape.rank) &* input.element.byteWidth
    // The records of the pieces are not in tensors: the run has to have room for them.
    let records = try extents.count.multiplied(by: 4 &* MemoryLayout<Value>.stride &+ 128)
    try context.control.takeBytes(records)
    defer { context.control.giveBytes(records) }
    var elements: [Value] = []
    var start = input.data
    for part in extents {
      var dims = input.shape.dims
      if removesAxis { dims.remove(at: axis) } else { dims[axis] = part }
      let tensor = try context.allocate(input.element, dims)
      for row in 0..<outer {
        (tensor.data + row &* part &* inner).copyMemory(from: start + row &* extent &* inner, byteCount: part &* inner)
      }
      start += part &* inner
      elements.append(try Value.tensor(tensor).kept(context))
    }
    return [.sequence(elements, element: .tensor(input.element, dims: nil))]
  }

  private func parts(_ split: Tensor, of extent: Int) throws(PinionError) -> [Int] {
    let values = try split.integers()
    if split.shape.rank == 0 {
      guard values[0] > 0 else { throw .invalidValue("input 'split' is \(values[0]), expected a positive number") }
      let step = Int(clamping: values[0])
      guard extent > 0 else { return [] }
      let whole = [Int](repeating: step, count: extent / step)
      return extent % step == 0 ? whole : whole + [extent % step]
    }
    var result: [Int] = []
    var sum = 0
    for value in values {
      guard value >= 0 else { throw .invalidValue("input 'split' has the negative extent \(value)") }
      let part: Int = try value.converted()
      sum = try sum.adding(part)
      result.append(part)
    }
    guard sum == extent else { throw .invalidValue("input 'split' adds up to \(sum), the axis has extent \(extent)") }
    return result
  }
}
