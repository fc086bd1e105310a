import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Cuts a tensor along an axis into a sequence: into parts of given extents, of one extent, or into single slices.
public struct SplitToSequence: EagerExecutable, ValueTyping {
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
    let split = inputs.count > 1 ? try inputs[1]?.asTensor() : nil
    let parts = try Parts(split, of: extent, context.control)
    let removesAxis = split == nil && !keepsAxis
    let outer = input.count == 0 ? 0 : input.shape.count(0..<axis)
    let inner = input.shape.count(axis + 1..<input.shape.rank) &* input.element.byteWidth
    // The list of the pieces is not in a tensor: the run has to have room for it, and for what makes each piece a value.
    let list = try parts.count.multiplied(by: 2 &* MemoryLayout<Value>.stride)
    try context.control.takeBytes(try list.adding(try parts.count.multiplied(by: RunControl.recordBytes)))
    context.control.giveBytes(parts.count &* RunControl.recordBytes)
    defer { context.control.giveBytes(list) }
    var elements: [Value] = []
    var start = UnsafeRawPointer(input.data)
    var poll = Poll(context.control)
    for index in 0..<parts.count {
      var dims = input.shape.dims
      let part = try parts.extent(index)
      if removesAxis { dims.remove(at: axis) } else { dims[axis] = part }
      let tensor = try context.allocate(input.element, dims)
      try poll.count(256)
      for row in 0..<outer {
        try copyLongRun(tensor.data + row &* part &* inner, start + row &* extent &* inner, part &* inner, &poll)
      }
      start += part &* inner
      elements.append(try Value.tensor(tensor).kept(context))
    }
    return [.sequence(elements, element: .tensor(input.element, dims: nil))]
  }

  /// The extents of the pieces, not listed but read where they stand.
  private struct Parts {
    let count: Int
    private let split: Tensor?
    private let step: Int
    private let extent: Int

    init(_ split: Tensor?, of extent: Int, _ control: RunControl) throws(PinionError) {
      self.extent = extent
      guard let split, split.shape.rank > 0 else {
        let value = try split?.wholeNumber() ?? 1
        guard value > 0 else { throw .invalidValue("input 'split' is \(value), expected a positive number") }
        step = Int(clamping: value)
        self.split = nil
        count = extent == 0 ? 0 : (extent &- 1) / step &+ 1
        return
      }
      self.split = split
      step = 0
      count = split.count
      var sum = 0
      var poll = Poll(control)
      for index in 0..<count {
        try poll.count(4)
        sum = try sum.adding(try self.extent(index))
      }
      guard sum == extent else { throw .invalidValue("input 'split' adds up to \(sum), the axis has extent \(extent)") }
    }

    func extent(_ index: Int) throws(PinionError) -> Int {
      guard let split else { return min(step, extent &- index &* step) }
      let value = try split.integer(at: index)
      guard value >= 0 else { throw .invalidValue("input 'split' has the negative extent \(value)") }
      return try value.converted()
    }
  }
}
