import PinionBase

/// An output's extents and its operands' steps along each axis, with as few axes as say the same.
struct MergedAxes {
  private(set) var extents: [Int]
  /// One list for each operand.
  private(set) var steps: [[Int]]

  /// The most axes that kernels take; the same number is in elementwise.cuh.
  static let limit = 6

  init(extents: [Int], steps: [[Int]]) throws(PinionError) {
    self.extents = []
    self.steps = steps.map { _ in [] }
    for axis in extents.indices where extents[axis] != 1 {
      let last = self.extents.count - 1
      var joins = last >= 0
      for operand in steps.indices where joins {
        joins = self.steps[operand][last] == (try steps[operand][axis].multiplied(by: extents[axis]))
      }
      if joins {
        self.extents[last] = try self.extents[last].multiplied(by: extents[axis])
        for operand in steps.indices { self.steps[operand][last] = steps[operand][axis] }
      } else {
        self.extents.append(extents[axis])
        for operand in steps.indices { self.steps[operand].append(steps[operand][axis]) }
      }
    }
    if self.extents.isEmpty {
      self.extents = [1]
      self.steps = steps.map { _ in [0] }
    }
    guard self.extents.count <= MergedAxes.limit else {
      throw .unsupported("\(self.extents.count) axes in different orders; CUDA kernels take up to \(MergedAxes.limit)")
    }
  }

  /// Steps of a row-major tensor of `shape` that is broadcast to `output`; 0 along axes that it does not have.
  static func broadcast(_ shape: [Int], to output: [Int]) throws(PinionError) -> [Int] {
    guard shape.count <= output.count else { throw .internal("\(shape) is not broadcast to \(output)") }
    var steps = [Int](repeating: 0, count: output.count)
    var step = 1
    for (axis, extent) in shape.enumerated().reversed() {
      let place = axis + output.count - shape.count
      guard extent == output[place] || extent == 1 else { throw .internal("\(shape) is not broadcast to \(output)") }
      if extent != 1 { steps[place] = step }
      step = try step.multiplied(by: extent)
    }
    return steps
  }

  /// The structure `Axes` of elementwise.cuh.
  func structure() throws(PinionError) -> [Int32] {
    func padded(_ list: [Int]) throws(PinionError) -> [Int32] {
      var result: [Int32] = []
      for value in list { result.append(try value.converted()) }
      return result + [Int32](repeating: 0, count: MergedAxes.limit - list.count)
    }
    var result = [Int32(extents.count)] + (try padded(extents))
    for list in steps { result += try padded(list) }
    return result
  }
}
