import CKernels
import PinionBase
import PinionGraph
import PinionTensor

/// The trees of an ensemble as a model describes them, before they are laid out for walking.
final class TreeSource: Sendable {
  enum Mode: String {
    case lessOrEqual = "BRANCH_LEQ"
    case less = "BRANCH_LT"
    case greaterOrEqual = "BRANCH_GTE"
    case greater = "BRANCH_GT"
    case equal = "BRANCH_EQ"
    case notEqual = "BRANCH_NEQ"
    case member = "BRANCH_MEMBER"
    case leaf = "LEAF"

    /// The codes of TreeEnsemble.
    init?(code: UInt8) {
      let modes: [Mode] = [.lessOrEqual, .less, .greaterOrEqual, .greater, .equal, .notEqual, .member]
      guard code < modes.count else { return nil }
      self = modes[Int(code)]
    }
  }

  struct Node {
    var mode: Mode
    var value = 0.0
    var feature: UInt32 = 0
    /// Indices in `nodes`.
    var trueChild = 0
    var falseChild = 0
    /// Whether NaN goes to the true branch even where the comparison does not hold.
    var nanIsTrue = false
    /// A leaf's part of `weights`, or a set's part of `members`.
    var range = 0..<0
  }

  enum Aggregate: String, CaseIterable {
    case average = "AVERAGE"
    case sum = "SUM"
    case min = "MIN"
    case max = "MAX"
  }

  let nodes: [Node]
  let roots: [Int]
  let weights: [(target: Int, weight: Double)]
  let members: [Double]
  let targets: Int
  let aggregate: Aggregate
  /// Whether values or weights are given in double precision.
  let isDouble: Bool
  /// The features that a row must have.
  let featureCount: Int

  private let forests = Lock<(float: Forest?, double: Forest?, grace: Int)>((nil, nil, 0))

  init(
    nodes: [Node], roots: [Int], weights: [(target: Int, weight: Double)], members: [Double], targets: Int, aggregate: Aggregate,
    isDouble: Bool, _ poll: inout Poll
  ) throws(PinionError) {
    try poll.count(nodes.count &+ weights.count)
    for (target, _) in weights where target < 0 || target >= targets {
      throw .invalidModel("a leaf has target \(target), expected 0 to \(targets - 1)")
    }
    self.nodes = nodes
    self.roots = roots
    self.weights = weights
    self.members = members
    self.targets = targets
    self.aggregate = aggregate
    self.isDouble = isDouble
    featureCount = (nodes.lazy.filter { $0.mode != .leaf }.map { Int($0.feature) }.max() ?? 0) + 1
  }

  /// The trees laid out for features of type float32, or float64; made once for each.
  /// - Parameter control: what waits for the layout.
  func forest(isDouble: Bool, _ control: RunControl) throws(PinionError) -> Forest {
    if let known = forests.withLock({ isDouble ? $0.double : $0.float }) { return known }
    var poll = BuildPoll(control, grace: forests.withLock(\.grace))
    let forest: Forest
    do throws(PinionError) { forest = try Forest(self, isDouble: isDouble, &poll) } catch {
      forests.withLock { $0.grace = poll.nextGrace }
      throw error
    }
    forests.withLock { slots in
      if isDouble { slots.double = forest } else { slots.float = forest }
    }
    return forest
  }

  var targetsThatLeavesName: Set<Int> { Set(weights.map(\.target)) }
}

/// A list of numbers that an ensemble gives as FLOATS or, in either precision, as a tensor.
struct NumberList {
  var values: [Double]
  var isDouble = false

  init(_ attributes: inout AttributeReader, _ name: String) throws(PinionError) {
    let floats = try attributes.optionalFloats(name)
    let tensor = try attributes.optionalTensor(name + "_as_tensor")
    values = (floats ?? []).map(Double.init)
    guard let tensor else { return }
    guard values.isEmpty else { throw .invalidModel("attributes '\(name)' and '\(name)_as_tensor' are both there") }
    self = try NumberList(tensor, name + "_as_tensor")
  }

  init(_ tensor: Tensor, _ name: String) throws(PinionError) {
    switch tensor.element {
    case .float32: values = try tensor.elements(as: Float.self).map(Double.init)
    case .float64: values = Array(try tensor.elements(as: Double.self))
    case .float16: values = try tensor.elements(as: Float16.self).map(Double.init)
    default: throw .invalidModel("attribute '\(name)' is \(tensor.type), expected floating point")
    }
    isDouble = tensor.element == .float64
  }
}

extension TreeSource {
  /// Reads the form of TreeEnsembleClassifier and TreeEnsembleRegressor: nodes named by tree and number.
  /// - Parameter leaf: the prefix of the attributes that give leaves their weights: `class` or `target`.
  static func read(
    _ attributes: inout AttributeReader, leaf: String, targets: Int, aggregate: Aggregate
  ) throws(PinionError) -> TreeSource {
    let trees = try attributes.ints("nodes_treeids", default: [])
    let numbers = try attributes.ints("nodes_nodeids", default: [])
    let features = try attributes.ints("nodes_featureids", default: [])
    let modes = try attributes.strings("nodes_modes", default: [])
    let trueIDs = try attributes.ints("nodes_truenodeids", default: [])
    let falseIDs = try attributes.ints("nodes_falsenodeids", default: [])
    let missing = try attributes.ints("nodes_missing_value_tracks_true", default: [])
    let values = try NumberList(&attributes, "nodes_values")
    attributes.ignore("nodes_hitrates", "nodes_hitrates_as_tensor")
    let count = trees.count
    guard count > 0 else { throw .invalidModel("attribute 'nodes_treeids' is empty") }
    for (name, length) in [
      ("nodes_nodeids", numbers.count), ("nodes_featureids", features.count), ("nodes_modes", modes.count),
      ("nodes_truenodeids", trueIDs.count), ("nodes_falsenodeids", falseIDs.count), ("nodes_values", values.values.count),
    ] where length != count {
      throw .invalidModel("attribute '\(name)' has \(length) entries, 'nodes_treeids' \(count)")
    }
    guard missing.isEmpty || missing.count == count else {
      throw .invalidModel("attribute 'nodes_missing_value_tracks_true' has \(missing.count) entries, 'nodes_treeids' \(count)")
    }

    var places: [NodeKey: Int] = [:]
    places.reserveCapacity(count)
    var poll = Poll(attributes.control)
    for index in 0..<count {
      try poll.count(64)
      guard places.updateValue(index, forKey: NodeKey(tree: trees[index], node: numbers[index])) == nil else {
        throw .invalidModel("tree \(trees[index]) has two nodes \(numbers[index])")
      }
    }
    func place(_ tree: Int64, _ node: Int64) throws(PinionError) -> Int {
      guard let index = places[NodeKey(tree: tree, node: node)] else { throw .invalidModel("tree \(tree) has no node \(node)") }
      return index
    }

    var nodes: [Node] = []
    nodes.reserveCapacity(count)
    var isChild = [Bool](repeating: false, count: count)
    for index in 0..<count {
      try poll.count(128)
      guard let mode = Mode(rawValue: modes[index]), mode != .member else {
        throw .invalidModel("node mode '\(modes[index])' is not known")
      }
      var node = Node(mode: mode, value: values.values[index])
      if mode != .leaf {
        guard let feature = Int32(exactly: features[index]), feature >= 0 else {
          throw .invalidModel("feature \(features[index]) is out of range")
        }
        node.feature = UInt32(feature)
        node.trueChild = try place(trees[index], trueIDs[index])
        node.falseChild = try place(trees[index], falseIDs[index])
        node.nanIsTrue = !missing.isEmpty && missing[index] != 0
        isChild[node.trueChild] = true
        isChild[node.falseChild] = true
      }
      nodes.append(node)
    }
    var roots: [Int] = []
    var rooted: Set<Int64> = []
    for index in 0..<count where !isChild[index] {
      try poll.count(64)
      guard rooted.insert(trees[index]).inserted else { throw .invalidModel("tree \(trees[index]) has more than one root") }
      roots.append(index)
    }
    for tree in trees {
      try poll.count(32)
      guard rooted.contains(tree) else { throw .invalidModel("tree \(tree) has no root") }
    }

    let leafTrees = try attributes.ints(leaf + "_treeids", default: [])
    let leafNumbers = try attributes.ints(leaf + "_nodeids", default: [])
    let leafTargets = try attributes.ints(leaf + "_ids", default: [])
    let leafWeights = try NumberList(&attributes, leaf + "_weights")
    guard leafNumbers.count == leafTrees.count, leafTargets.count == leafTrees.count, leafWeights.values.count == leafTrees.count else {
      throw .invalidModel(
        "attributes '\(leaf)_treeids', '_nodeids', '_ids' and '_weights' have \(leafTrees.count), \(leafNumbers.count), "
          + "\(leafTargets.count) and \(leafWeights.values.count) entries")
    }
    var counts = [Int](repeating: 0, count: count)
    var owners: [Int?] = []
    owners.reserveCapacity(leafTrees.count)
    for index in leafTrees.indices {
      try poll.count(64)
      let owner = try place(leafTrees[index], leafNumbers[index])
      // Of several numbers for the only target a leaf has the first, as in onnxruntime: exporters of a classifier's leaf numbers write each once
      // for every class. ai.onnx.ml does not say.
      if targets == 1, counts[owner] > 0, leafTargets[index] == 0 {
        owners.append(nil)
        continue
      }
      owners.append(owner)
      counts[owner] += 1
    }
    var start = 0
    for index in 0..<count {
      nodes[index].range = start..<start
      if nodes[index].mode == .leaf { start += counts[index] }
    }
    var weights = [(target: Int, weight: Double)](repeating: (0, 0), count: start)
    for (index, owner) in owners.enumerated() {
      guard let owner, nodes[owner].mode == .leaf else { continue }
      let end = nodes[owner].range.upperBound
      weights[end] = (Int(clamping: leafTargets[index]), leafWeights.values[index])
      nodes[owner].range = nodes[owner].range.lowerBound..<end + 1
    }
    return try TreeSource(
      nodes: nodes, roots: roots, weights: weights, members: [], targets: targets, aggregate: aggregate,
      isDouble: values.isDouble || leafWeights.isDouble, &poll)
  }

  private struct NodeKey: Hashable {
    let tree: Int64
    let node: Int64
  }
}
