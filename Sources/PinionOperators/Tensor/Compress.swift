import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The slices along an axis, or without one the elements, for which the condition holds.
package struct Compress: EagerExecutable {
  package static let schema = Schema("Compress", since: 28, inputs: ["input: T", "condition: bool"], outputs: ["output: T"], types: ["T": .all])
  let axis: Int64?

  package init(_ attributes: inout AttributeReader) throws(PinionError) { axis = try attributes.optionalInt("axis") }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0]
    return [Fact(data.element, axis.map { data.dims(with: nil, at: data.position($0)) } ?? [nil])]
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    guard inputs.count == 2, let tensor = try inputs[0]?.asTensor(), let condition = try inputs[1]?.asTensor() else {
      throw .invalidModel("Compress needs 2 inputs")
    }
    guard condition.shape.rank == 1 else {
      throw .invalidShape("condition is \(condition.type), expected a vector")
    }
    let axis: Int
    let shape: Shape
    if let given = self.axis {
      shape = tensor.shape
      axis = try shape.normalized(axis: given)
    } else {
      shape = .vector(tensor.count)
      axis = 0
    }
    let extent = shape[axis]
    let flags = condition.bytes
    var poll = Poll(context.control)
    var count = 0
    // A pointer rather than the buffer, whose collection methods are calls for each element.
    let chosen = flags.baseAddress?.assumingMemoryBound(to: UInt8.self)
    func chosenCount(_ range: Range<Int>) -> Int {
      guard let chosen else { return 0 }
      // Without a branch, which flags in no order would mislead each time.
      var result = 0, position = range.lowerBound
      while position < range.upperBound {
        result &+= Int(truncatingIfNeeded: min(chosen[position], 1))
        position &+= 1
      }
      return result
    }
    try inPieces(of: 1 << 16, flags.count, context.control) { range in count &+= chosenCount(range) }
    if let chosen, flags.count > extent {
      for position in extent..<flags.count where chosen[position] != 0 { throw indexError(position, extent) }
    }
    var dims = shape.dims
    dims[axis] = count
    let output = try context.allocate(tensor.element, dims)
    let run = shape.count(axis &+ 1..<shape.rank) &* tensor.element.byteWidth
    var target = output.data
    let outers = output.count == 0 ? 0 : shape.count(0..<axis)
    // Single elements, without a branch for each.
    if [1, 2, 4, 8].contains(run) {
      let width = run, found = min(extent, flags.count)
      for outer in 0..<outers {
        let source = tensor.data + outer &* extent &* width
        var start = 0
        while start < found {
          let end = min(start &+ 8192, found)
          let wanted = end &- start == found ? count : chosenCount(start..<end)
          if let chosen { pk_compress(source + start &* width, chosen + start, end &- start, width, target, wanted) }
          target += wanted &* width
          try poll.count(end &- start)
          start = end
        }
      }
      return [.tensor(output.keepingAlive([tensor.owner]))]
    }
    for outer in 0..<outers {
      for position in 0..<min(extent, flags.count) {
        try poll.count()
        guard let chosen, chosen[position] != 0 else { continue }
        try copyLongRun(target, tensor.data + (outer &* extent &+ position) &* run, run, &poll)
        target += run
      }
    }
    return [.tensor(output.keepingAlive([tensor.owner]))]
  }
}
