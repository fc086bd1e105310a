import PinionBackend
import PinionBase

/// A kernel that reduces each of `groups` of input 0 to one element of output 0.
func reductionKernel<R: Reducer>(_ reducer: R.Type, _ groups: AxisGroups) throws(PinionError) -> Kernel {
  guard groups.count > 0 else { return Kernel(stages: []) }
  let stride = MemoryLayout<R.State>.stride
  // Neighbouring groups that one task walks through together, so that it reads whole cache lines.
  let width = groups.reducesRows ? 1 : min(groups.row, 1024)
  let blocksPerRow = groups.reducesRows ? 1 : (groups.row &- 1) / width &+ 1
  let blocks = groups.reducesRows ? groups.count : groups.count / groups.row &* blocksPerRow
  let perBlock = max(groups.size &* width, 1)

  @Sendable func reduce(
    _ source: UnsafePointer<R.Element>, block: Int, elements: Range<Int>, into states: UnsafeMutablePointer<R.State>
  ) -> Range<Int> {
    if groups.reducesRows {
      states.initialize(to: reduceRows(R.self, source + groups.base(block), groups, elements))
      return block..<block &+ 1
    }
    let row = block / blocksPerRow, first = block % blocksPerRow &* width
    let count = min(width, groups.row &- first)
    states.initialize(repeating: R.empty, count: count)
    let base = source + groups.base(row) + first
    for element in elements {
      let values = base + groups.rowOffset(element)
      for column in 0..<count { R.add(values[column], to: &states[column]) }
    }
    let start = row &* groups.row &+ first
    return start..<start &+ count
  }

  let size = groups.size
  let grain = 1 << 16
  let parts = blocks < 16 && perBlock > 4 &* grain ? min(size, (perBlock &- 1) / grain &+ 1) : 1
  if parts == 1 {
    let lane = try (stride).multiplied(by: width)
    return .ranges(blocks, grain: max(1, grain / 2 / perBlock), laneScratchBytes: lane) { frame, range in
      let states = frame.laneScratch.assumingMemoryBound(to: R.State.self)
      let target = frame.output(0, as: R.Element.self)
      for block in range {
        let results = reduce(frame.input(0), block: block, elements: 0..<size, into: states)
        for index in results { target[index] = R.result(states[index &- results.lowerBound], count: size) }
      }
    }
  }
  // Few large groups: partial results of each, then one of those.
  let share = (size &- 1) / parts &+ 1
  let slots = blocks &* width
  return Kernel(
    stages: [
      Kernel.Stage(tasks: parts &* blocks) { frame, task in
        let part = task / blocks, block = task % blocks
        let states = frame.scratch.assumingMemoryBound(to: R.State.self) + (part &* slots &+ block &* width)
        let start = min(part &* share, size)
        _ = reduce(frame.input(0), block: block, elements: start..<min(start &+ share, size), into: states)
      },
      Kernel.Stage(tasks: 1) { frame, _ in
        let states = frame.scratch.assumingMemoryBound(to: R.State.self)
        let target = frame.output(0, as: R.Element.self)
        for block in 0..<blocks {
          let row = block / blocksPerRow, first = block % blocksPerRow &* width
          let start = groups.reducesRows ? block : row &* groups.row &+ first
          for column in 0..<min(width, groups.reducesRows ? 1 : groups.row &- first) {
            var state = R.empty
            for part in 0..<parts { R.merge(states[part &* slots &+ block &* width &+ column], into: &state) }
            target[start &+ column] = R.result(state, count: size)
          }
        }
      },
    ], scratchBytes: try stride.multiplied(by: try parts.multiplied(by: slots)))
}

/// Reduces the elements with numbers `elements` of one group whose rows are contiguous.
private func reduceRows<R: Reducer>(
  _ reducer: R.Type, _ base: UnsafePointer<R.Element>, _ groups: AxisGroups, _ elements: Range<Int>
) -> R.State {
  var total = R.empty
  var element = elements.lowerBound
  while element < elements.upperBound {
    let row = element / groups.row, column = element % groups.row
    let count = min(groups.row &- column, elements.upperBound &- element)
    let values = base + groups.rowOffset(row) + column
    // Four states side by side, since each addition waits for the one before.
    var a = R.empty, b = R.empty, c = R.empty, d = R.empty
    var index = 0
    while index &+ 4 <= count {
      R.add(values[index], to: &a)
      R.add(values[index &+ 1], to: &b)
      R.add(values[index &+ 2], to: &c)
      R.add(values[index &+ 3], to: &d)
      index &+= 4
    }
    while index < count {
      R.add(values[index], to: &a)
      index &+= 1
    }
    R.merge(b, into: &a)
    R.merge(d, into: &c)
    R.merge(c, into: &a)
    R.merge(a, into: &total)
    element &+= count
  }
  return total
}
