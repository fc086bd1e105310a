import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Cuts a tensor along an axis into a sequence: into parts of given extents, of one extent, or into single slices.
package struct SplitToSequence: EagerExecutable, ValueTyping {
  package static let schema = Schema("SplitToSequence", since: 24, inputs: ["input: all", "split?: indices"], outputs: ["output_sequence"])
  /// What the type of a piece is counted as.
  private static let pieceBytes = 96

  let axis: Int64
  let keepsAxis: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: 0)
    keepsAxis = try attributes.bool("keepdims", default: true)
  }

  package func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
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

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let input = try required(inputs, 0, "input").asTensor()
    let axis = try input.shape.normalized(axis: axis)
    let extent = try input.shape.slices(along: axis)
    let split = inputs.count > 1 ? try inputs[1]?.asTensor() : nil
    let parts = try Parts(split, of: extent, context.control)
    let removesAxis = split == nil && !keepsAxis
    let outer = input.count == 0 ? 0 : input.shape.count(0..<axis)
    let inner = input.shape.count(axis + 1..<input.shape.rank) &* input.element.byteWidth
    // One block for all pieces: a million of them are given back at once. Their list, and what makes each a value, is in no tensor and is
    // counted with the block.
    let records = try parts.count.multiplied(by: MemoryLayout<Value>.stride &+ SplitToSequence.pieceBytes)
    var block = try context.control.tensor(TensorType(input.element, .vector(input.count)), records: records, allocator: context.allocator)
    var poll = Poll(context.control)
    var start = UnsafeRawPointer(input.data), end = block.data
    for index in 0..<parts.count {
      let bytes = try parts.extent(index) &* inner
      try poll.count(8)
      for row in 0..<outer {
        try copyLongRun(end, start + row &* extent &* inner, bytes, &poll)
        end += bytes
      }
      start += bytes
    }
    if input.element == .string { block = try block.copyingStrings(allocator: context.allocator, control: context.control) }
    var elements: [Value] = []
    elements.reserveCapacity(parts.count)
    end = block.data
    // Pieces of one extent share the record of their type.
    var last: (extent: Int, type: TensorType)?
    for index in 0..<parts.count {
      let part = try parts.extent(index)
      try poll.count(32)
      let type: TensorType
      if let last, last.extent == part {
        type = last.type
      } else {
        var dims = input.shape.dims
        if removesAxis { dims.remove(at: axis) } else { dims[axis] = part }
        type = TensorType(input.element, try Shape(dims))
        last = (part, type)
      }
      elements.append(.tensor(Tensor(type, data: end, owner: block.owner)))
      end += type.byteCount
    }
    return [.sequence(elements, element: .tensor(input.element, dims: nil))]
  }

  /// The extents of the pieces, not listed but read where they stand.
  private struct Parts {
    let count: Int
    // What `split` lists, which lives as long as the node's inputs.
    private var wide: UnsafeBufferPointer<Int64>?
    private var narrow: UnsafeBufferPointer<Int32>?
    private let step: Int
    private let extent: Int

    init(_ split: Tensor?, of extent: Int, _ control: RunControl) throws(PinionError) {
      self.extent = extent
      guard let split, split.shape.rank > 0 else {
        let value = try split?.wholeNumber() ?? 1
        guard value > 0 else { throw .invalidValue("input 'split' is \(value), expected a positive number") }
        step = Int(clamping: value)
        count = extent == 0 ? 0 : (extent &- 1) / step &+ 1
        return
      }
      step = 0
      count = split.count
      if split.element == .int32 { narrow = try split.unsafeElements() } else { wide = try split.unsafeElements() }
      var sum = 0
      var poll = Poll(control)
      for index in 0..<count {
        try poll.count(4)
        sum = try sum.adding(try self.extent(index))
      }
      guard sum == extent else { throw .invalidValue("input 'split' adds up to \(sum), the axis has extent \(extent)") }
    }

    func extent(_ index: Int) throws(PinionError) -> Int {
      let value: Int64
      if let wide { value = wide[index] } else if let narrow { value = Int64(narrow[index]) } else { return min(step, extent &- index &* step) }
      guard value >= 0 else { throw .invalidValue("input 'split' has the negative extent \(value)") }
      return try value.converted()
    }
  }
}
