import PinionBase

/// A piece of the arena and the steps, counted from 0, during which it is in use; never, where `last` is before `first`.
struct ArenaBlock {
  /// Such a block takes no memory.
  static func unused() -> ArenaBlock { ArenaBlock(bytes: 0, first: 1, last: 0) }

  var bytes: Int
  var first: Int
  var last: Int
  var offset = 0

  var isUsed: Bool { first <= last }
}

/// Gives every block that is in use an offset such that no two overlap in both time and memory.
///
/// Larger blocks come first, each in the smallest gap that holds it between those of its time. Where very many are in use at once, looking
/// at all of them would take quadratic time: from the block on at which so much has been looked at, those that are left, the smaller
/// ones, lie on top of what is below them in their time.
/// - Parameter effort: how many blocks may be looked at for gaps; nil for what keeps the time at O(n log n).
/// - Returns: the arena's size.
func layOut(_ blocks: inout [ArenaBlock], effort: Int? = nil) throws(PinionError) -> Int {
  var poll = BuildPoll(nil)
  return try layOut(&blocks, effort: effort, &poll)
}

func layOut(_ blocks: inout [ArenaBlock], effort: Int? = nil, _ poll: inout BuildPoll) throws(PinionError) -> Int {
  for index in blocks.indices { blocks[index].bytes = try alignedUp(max(blocks[index].bytes, 1), to: Buffer.alignment) }
  var order = blocks.indices.filter { blocks[$0].isUsed }
  order.sort { (blocks[$0].bytes, $1) > (blocks[$1].bytes, $0) }
  // No block begins behind this step, so that later ones tell nothing.
  let steps = order.reduce(0) { max($0, blocks[$1].first &+ 1) }
  var effort = effort ?? order.count &* 48 &+ 1 << 18
  var gaps = GapSearch(blocks, steps)
  var arenaBytes = 0
  var count = 0
  while count < order.count, effort > 0 {
    let before = effort
    arenaBytes = max(arenaBytes, try gaps.place(order[count], &blocks, &effort))
    try poll.count(32 &+ 4 &* (before &- effort))
    count += 1
  }
  guard count < order.count else { return arenaBytes }
  var skyline = Skyline(steps)
  for index in order[..<count].sorted(by: { blocks[$0].end < blocks[$1].end }) {
    try poll.count(64)
    skyline.raise(blocks[index].times(steps), to: blocks[index].end)
  }
  for index in order[count...] {
    try poll.count(128)
    let range = blocks[index].times(steps)
    blocks[index].offset = skyline.height(range)
    let end = try blocks[index].offset.adding(blocks[index].bytes)
    skyline.raise(range, to: end)
    arenaBytes = max(arenaBytes, end)
  }
  return arenaBytes
}

extension ArenaBlock {
  fileprivate var end: Int { offset &+ bytes }

  /// When the block is in use, of the first `steps` steps.
  @inline(__always) fileprivate func times(_ steps: Int) -> Range<Int> { first..<(last < steps ? last &+ 1 : steps) }
}

/// Finds gaps between the blocks that have been placed.
private struct GapSearch {
  private let steps: Int
  /// Blocks by the step at which they begin: those of step t are `begun[starts[t]..<starts[t + 1]]`.
  private var begun: [Int] = []
  private var starts: [Int]
  private var isPlaced: [Bool]
  /// A segment tree over the steps. A placed block is in the lists of the nodes that make up its time, so that those in use at a step are
  /// in the lists from the step's leaf to the root, each once.
  private var heads: [Int]
  private var entries: [(block: Int, next: Int)] = []
  private let width: Int
  private var neighbours: [(offset: Int, end: Int)] = []

  init(_ blocks: [ArenaBlock], _ steps: Int) {
    self.steps = steps
    isPlaced = [Bool](repeating: false, count: blocks.count)
    starts = [Int](repeating: 0, count: steps &+ 1)
    for block in blocks where block.isUsed { starts[block.first &+ 1] &+= 1 }
    for step in 0..<steps { starts[step &+ 1] &+= starts[step] }
    begun = [Int](repeating: 0, count: starts[steps])
    var next = starts
    for (index, block) in blocks.enumerated() where block.isUsed {
      begun[next[block.first]] = index
      next[block.first] &+= 1
    }
    var width = 1
    while width < steps { width *= 2 }
    self.width = width
    heads = [Int](repeating: -1, count: 2 &* width)
  }

  /// - Parameter effort: loses one for each block that was looked at.
  /// - Returns: where the block ends.
  mutating func place(_ index: Int, _ blocks: inout [ArenaBlock], _ effort: inout Int) throws(PinionError) -> Int {
    let range = blocks[index].times(steps), bytes = blocks[index].bytes
    neighbours.removeAll(keepingCapacity: true)
    // Those in use at its first step, and those that begin later in its time.
    var node = width &+ range.lowerBound
    while node > 0 {
      var entry = heads[node]
      while entry >= 0 {
        let block = entries[entry].block
        neighbours.append((blocks[block].offset, blocks[block].end))
        entry = entries[entry].next
      }
      node /= 2
    }
    let later = starts[range.lowerBound &+ 1]..<starts[range.upperBound]
    for block in begun[later] where isPlaced[block] { neighbours.append((blocks[block].offset, blocks[block].end)) }
    effort &-= neighbours.count &+ later.count &+ 1
    neighbours.sort { $0.offset < $1.offset }

    var offset = 0
    var best: (gap: Int, offset: Int)?
    for neighbour in neighbours {
      let gap = neighbour.offset &- offset
      if gap >= bytes, gap < (best?.gap ?? .max) { best = (gap, offset) }
      offset = max(offset, neighbour.end)
    }
    blocks[index].offset = best?.offset ?? offset
    isPlaced[index] = true
    var low = width &+ range.lowerBound, high = width &+ range.upperBound
    while low < high {
      if low & 1 == 1 {
        list(index, at: low)
        low &+= 1
      }
      if high & 1 == 1 {
        high &-= 1
        list(index, at: high)
      }
      low /= 2
      high /= 2
    }
    return try blocks[index].offset.adding(bytes)
  }

  private mutating func list(_ block: Int, at node: Int) {
    entries.append((block, heads[node]))
    heads[node] = entries.count &- 1
  }
}

/// Up to where memory is taken at each step: a segment tree that knows the highest of a range and raises a range to one height.
private struct Skyline {
  private let width: Int
  private var highest: [Int]
  /// The height to which all below a node have been raised; those below do not know yet.
  private var pending: [Int]

  init(_ count: Int) {
    var width = 1
    while width < count { width *= 2 }
    self.width = width
    highest = [Int](repeating: 0, count: 2 &* width)
    pending = [Int](repeating: 0, count: 2 &* width)
  }

  func height(_ range: Range<Int>) -> Int { height(range, 1, 0..<width, 0) }

  private func height(_ range: Range<Int>, _ node: Int, _ span: Range<Int>, _ above: Int) -> Int {
    guard span.overlaps(range) else { return 0 }
    if range.lowerBound <= span.lowerBound, span.upperBound <= range.upperBound { return max(highest[node], above) }
    let middle = (span.lowerBound &+ span.upperBound) / 2, raised = max(above, pending[node])
    return max(
      height(range, 2 &* node, span.lowerBound..<middle, raised), height(range, 2 &* node &+ 1, middle..<span.upperBound, raised))
  }

  /// Raises a range to a height that is not below any of its own.
  mutating func raise(_ range: Range<Int>, to height: Int) { raise(range, height, 1, 0..<width) }

  private mutating func raise(_ range: Range<Int>, _ height: Int, _ node: Int, _ span: Range<Int>) {
    guard span.overlaps(range) else { return }
    highest[node] = max(highest[node], height)
    if range.lowerBound <= span.lowerBound, span.upperBound <= range.upperBound {
      pending[node] = max(pending[node], height)
      return
    }
    let middle = (span.lowerBound &+ span.upperBound) / 2
    raise(range, height, 2 &* node, span.lowerBound..<middle)
    raise(range, height, 2 &* node &+ 1, middle..<span.upperBound)
  }
}
