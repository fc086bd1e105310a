import PinionBase

/// What is around a padded tensor.
package enum PaddingMode: Int32, Sendable, CaseIterable { case constant, edge, reflect, wrap }

extension KernelCall {
  /// x of `shape` with `begin` elements before and `end` after each axis; negative numbers cut off, before anything is repeated. `value`: an
  /// element's bytes.
  package static func padding(
    elementBytes: Int, _ mode: PaddingMode, x: DeviceAddress, y: DeviceAddress, shape: [Int], begin: [Int], end: [Int], value: [UInt8]
  ) throws(PinionError) -> KernelCall {
    guard begin.count == shape.count, end.count == shape.count, value.count == elementBytes, shape.allSatisfy({ $0 > 0 }),
      [1, 2, 4, 8, 16].contains(elementBytes)
    else { throw .internal("\(begin) before and \(end) after \(shape), elements of \(elementBytes) bytes") }
    var output: [Int] = [], left: [Int] = []
    for (extent, (before, after)) in zip(shape, zip(begin, end)) {
      let sum = try extent.adding(before).adding(after)
      let rest = try extent.adding(min(before, 0)).adding(min(after, 0))
      guard sum > 0, abs(before) <= 1 << 30, rest > 0 || mode == .constant else { throw .internal("\(before) before and \(after) after \(extent)") }
      output.append(sum)
      left.append(max(rest, 0))
    }
    _ = try kernelCount(try shape.checkedProduct(), "a padding")
    let count = try kernelCount(try output.checkedProduct(), "a padding")
    // Axes that stay as they are count as one with the axis before.
    var axes: [(out: Int, from: Int, begin: Int, step: Int)] = []
    var step = try shape.checkedProduct(), offset = 0, isWhole = false
    for axis in shape.indices {
      step /= shape[axis]
      let stays = begin[axis] == 0 && end[axis] == 0
      if stays, isWhole, let last = axes.last {
        axes[axes.count - 1] = (last.out * output[axis], last.from * shape[axis], 0, step)
      } else {
        axes.append((output[axis], left[axis], max(begin[axis], 0), step))
      }
      isWhole = stays
      if left[axis] > 0 { offset += max(-begin[axis], 0) * step }
    }
    guard axes.count <= MergedAxes.limit else { throw .unsupported("a padding along \(axes.count) axes; CUDA kernels take up to \(MergedAxes.limit)") }
    func padded(_ list: [Int]) -> [Int32] {
      list.map { Int32(truncatingIfNeeded: $0) } + [Int32](repeating: 0, count: MergedAxes.limit - list.count)
    }
    var arguments = LaunchArguments()
    arguments.add(x.offset(by: offset * elementBytes))
    arguments.add(y)
    var words = [UInt32](repeating: 0, count: max(1, elementBytes / 4))
    for (index, byte) in value.enumerated() { words[index / 4] |= UInt32(byte) << UInt32(index % 4 * 8) }
    arguments.add(structure: words.map { Int32(bitPattern: $0) })
    arguments.add(count)
    arguments.add(
      structure: [Int32(axes.count)] + padded(axes.map(\.out)) + padded(axes.map(\.from)) + padded(axes.map(\.begin)) + padded(axes.map(\.step))
        + [mode.rawValue])
    return KernelCall(try KernelProgram(named: "movement.cu"), "pad_\(elementBytes)", try loopShape(Int(count)), arguments)
  }

  /// Every `step`-th element of x from `start` on along each axis, `extents` of them; negative steps go back.
  package static func slice(
    elementBytes: Int, x: DeviceAddress, y: DeviceAddress, shape: [Int], start: [Int], extents: [Int], step: [Int]
  ) throws(PinionError) -> KernelCall {
    guard [start, extents, step].allSatisfy({ $0.count == shape.count }), extents.allSatisfy({ $0 > 0 }), [1, 2, 4, 8, 16].contains(elementBytes) else {
      throw .internal("a slice of \(extents) from \(start) in steps of \(step) of \(shape)")
    }
    var steps = [Int](repeating: 0, count: shape.count), offset = 0, size = 1
    for axis in shape.indices.reversed() {
      let last = try start[axis].adding(try step[axis].multiplied(by: extents[axis] - 1))
      guard (0..<shape[axis]).contains(start[axis]), (0..<shape[axis]).contains(last) else {
        throw .internal("a slice of \(extents) from \(start) in steps of \(step) of \(shape)")
      }
      steps[axis] = try step[axis].multiplied(by: size)
      offset = try offset.adding(try start[axis].multiplied(by: size))
      size = try size.multiplied(by: shape[axis])
    }
    _ = try kernelCount(size, "a slice")
    let count = try kernelCount(try extents.checkedProduct(), "a slice")
    let axes = try MergedAxes(extents: extents, steps: [steps])
    var arguments = LaunchArguments()
    arguments.add(x.offset(by: try offset.multiplied(by: elementBytes)))
    arguments.add(y)
    arguments.add(count)
    arguments.add(structure: try axes.structure())
    return KernelCall(try KernelProgram(named: "movement.cu"), "move_\(elementBytes)", try loopShape(Int(count)), arguments)
  }
}
