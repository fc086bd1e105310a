import CKernels
import PinionBase
import PinionTensor

/// The trees of an ensemble laid out for walking: the two children of a branch lie side by side.
///
/// A branch with several parents, as exporters of LightGBM write for sets of categories, has its children laid out once.
///
/// All orders of comparison become `x <= value`: `<` compares with the next smaller number, `>=` and `>` swap the children.
final class Forest: @unchecked Sendable {
  let trees: Int
  let isDouble: Bool
  private let memory: [Buffer]
  let kernel: pk_forest

  /// - Throws: `.invalidModel` where a node is among its own descendants, so that every walk ends.
  init(_ source: TreeSource, isDouble: Bool, _ poll: inout BuildPoll) throws(PinionError) {
    let branches = source.nodes.reduce(0) { $0 + ($1.mode == .leaf ? 0 : 1) }
    let capacity = try branches.multiplied(by: 2).adding(source.roots.count)
    guard let limit = UInt32(exactly: capacity), limit < UInt32(Int32.max), source.weights.count < Int(Int32.max) else {
      throw .unsupported("an ensemble of \(source.nodes.count) nodes")
    }
    let width = isDouble ? MemoryLayout<pk_tree_node_f64>.stride : MemoryLayout<pk_tree_node_f32>.stride
    let nodes = try Allocator.system.buffer(bytes: capacity.multiplied(by: width))
    let ranges = try Allocator.system.buffer(bytes: capacity.multiplied(by: MemoryLayout<pk_tree_range>.stride))
    let weights = try Allocator.system.buffer(bytes: source.weights.count.multiplied(by: MemoryLayout<pk_tree_weight>.stride))
    let members = try Allocator.system.buffer(bytes: source.members.count.multiplied(by: MemoryLayout<Double>.stride))
    let roots = try Allocator.system.buffer(bytes: source.roots.count.multiplied(by: MemoryLayout<UInt32>.stride))

    let rangeTable = ranges.pointer.bindMemory(to: pk_tree_range.self, capacity: capacity)
    let weightTable = weights.pointer.bindMemory(to: pk_tree_weight.self, capacity: source.weights.count)
    try poll.count(2 &* (source.weights.count &+ source.members.count &+ source.nodes.count))
    for (index, item) in source.weights.enumerated() {
      weightTable[index] = pk_tree_weight(weight: item.weight, target: UInt32(truncatingIfNeeded: item.target))
    }
    let memberTable = members.pointer.bindMemory(to: Double.self, capacity: source.members.count)
    for (index, value) in source.members.enumerated() { memberTable[index] = value }
    let rootTable = roots.pointer.bindMemory(to: UInt32.self, capacity: source.roots.count)

    // Where the children of a branch lie; -1 until it is reached.
    var places = [Int](repeating: -1, count: source.nodes.count)
    var isShared = false
    var used = 0
    var isOrdered = true
    var hasPlainNaN = true
    var pending: [(node: Int, slot: Int)] = []
    for (tree, root) in source.roots.enumerated() {
      rootTable[tree] = UInt32(truncatingIfNeeded: used)
      pending.append((root, used))
      used += 1
      while let (index, slot) = pending.popLast() {
        try poll.count(32)
        guard source.nodes.indices.contains(index) else { throw .invalidModel("there is no node \(index)") }
        let node = source.nodes[index]
        var laidOut = LaidOut(node)
        if node.mode == .leaf {
          laidOut.first = slot
          if node.range.count == 1 { laidOut.value = source.weights[node.range.lowerBound].weight }
        } else {
          let isNew = places[index] < 0
          if isNew {
            places[index] = used
            used += 2
          }
          isShared = isShared || !isNew
          laidOut.first = places[index]
          isOrdered = isOrdered && laidOut.mode == PK_TREE_LE
          hasPlainNaN = hasPlainNaN && laidOut.nan == 1
          if isNew {
            pending.append((laidOut.isSwapped ? node.trueChild : node.falseChild, laidOut.first + 1))
            pending.append((laidOut.isSwapped ? node.falseChild : node.trueChild, laidOut.first))
          }
        }
        rangeTable[slot] = pk_tree_range(
          start: UInt32(truncatingIfNeeded: node.range.lowerBound), count: UInt32(truncatingIfNeeded: node.range.count))
        if isDouble {
          nodes.pointer.assumingMemoryBound(to: pk_tree_node_f64.self)[slot] = laidOut.double
        } else {
          nodes.pointer.assumingMemoryBound(to: pk_tree_node_f32.self)[slot] = laidOut.float
        }
      }
    }
    if isShared { try Forest.refuseCycles(source.nodes, &poll) { places[$0] >= 0 } }
    trees = source.roots.count
    self.isDouble = isDouble
    let masks = isOrdered && !isDouble ? try ForestMasks(nodes.pointer.assumingMemoryBound(to: pk_tree_node_f32.self), roots: rootTable, trees: trees, &poll) : nil
    memory = [nodes, ranges, weights, members, roots] + (masks?.memory ?? [])
    let leavesHaveOneWeight = source.nodes.allSatisfy { $0.mode != .leaf || $0.range.count == 1 }
    kernel = pk_forest(
      nodes: nodes.pointer, roots: rootTable, ranges: rangeTable, weights: weightTable, members: memberTable,
      masks: masks?.branches, mask_starts: masks?.branchStarts, leaves: masks?.leaves, leaf_starts: masks?.leafStarts,
      targets: UInt32(truncatingIfNeeded: source.targets), aggregate: UInt8(source.aggregate.kernelCode.rawValue),
      has_one_weight: source.targets == 1 && leavesHaveOneWeight ? 1 : 0, is_ordered: isOrdered ? 1 : 0,
      has_plain_nan: hasPlainNaN ? 1 : 0)
  }

  /// Takes away nodes without parents until none is left; those of a cycle, and below it, always have one.
  /// - Parameter isBranch: whether a node is a branch that a walk may reach; only those have had their children looked up.
  private static func refuseCycles(_ nodes: [TreeSource.Node], _ poll: inout BuildPoll, _ isBranch: (Int) -> Bool) throws(PinionError) {
    var parents = [Int](repeating: 0, count: nodes.count)
    for index in nodes.indices where isBranch(index) {
      parents[nodes[index].trueChild] += 1
      parents[nodes[index].falseChild] += 1
    }
    var free = nodes.indices.filter { parents[$0] == 0 }
    var taken = 0
    while let index = free.popLast() {
      taken += 1
      try poll.count(16)
      guard isBranch(index) else { continue }
      for child in [nodes[index].trueChild, nodes[index].falseChild] {
        parents[child] -= 1
        if parents[child] == 0 { free.append(child) }
      }
    }
    guard taken == nodes.count else {
      throw .invalidModel("a tree goes in a circle through branch \(parents.firstIndex { $0 > 0 } ?? 0)")
    }
  }

  /// A node on its way into the kernel's form.
  private struct LaidOut {
    var value: Double
    var floatValue: Float
    var feature: UInt32
    var first = 0
    var step: UInt8 = 1
    var nan: UInt8
    var mode = PK_TREE_LE
    var isSwapped = false

    init(_ node: TreeSource.Node) {
      value = node.value
      floatValue = Float(node.value)
      feature = node.feature
      nan = node.nanIsTrue ? 0 : 1
      switch node.mode {
      case .lessOrEqual: break
      case .less: lower()
      case .greaterOrEqual:
        lower()
        swap()
      case .greater: swap()
      case .equal: mode = PK_TREE_EQ
      case .notEqual:
        mode = PK_TREE_NE
        // NaN differs from every number, so that the comparison itself holds.
        nan = 0
      case .member: mode = PK_TREE_MEMBER
      case .leaf:
        step = 0
        nan = 0
        feature = 0
      }
    }

    private mutating func lower() {
      value = value == -.infinity ? .nan : value.nextDown
      floatValue = floatValue == -.infinity ? .nan : floatValue.nextDown
    }

    private mutating func swap() {
      isSwapped = true
      nan = 1 - nan
    }

    var index: UInt32 { UInt32(truncatingIfNeeded: first) }
    var modeCode: UInt8 { UInt8(truncatingIfNeeded: mode.rawValue) }
    var double: pk_tree_node_f64 {
      pk_tree_node_f64(value: value, feature: feature, first: index, step: step, nan: nan, mode: modeCode, unused: (0, 0, 0, 0, 0))
    }
    var float: pk_tree_node_f32 {
      pk_tree_node_f32(
        value: step == 0 ? Float(value) : floatValue, feature: feature, first: index, step: step, nan: nan, mode: modeCode, unused: 0)
    }
  }
}

extension TreeSource.Aggregate {
  var kernelCode: pk_tree_aggregate {
    switch self {
    case .average, .sum: PK_TREE_SUM
    case .min: PK_TREE_MIN
    case .max: PK_TREE_MAX
    }
  }
}
