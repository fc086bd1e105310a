import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Decision trees whose leaves add up to `n_targets` scores for each row.
package struct TreeEnsemble: CPUExecutable {
  package static let schema = Schema(
    "TreeEnsemble", domain: "ai.onnx.ml", since: 5, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": [.float32, .float16, .float64]])
  package static var computesHalfInFloat32: Bool { true }
  let source: TreeSource
  let postTransform: PostTransform

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    let aggregates: [TreeSource.Aggregate] = [.average, .sum, .min, .max]
    let transforms: [PostTransform] = [.none, .softmax, .logistic, .softmaxZero, .probit]
    postTransform = transforms[try attributes.int("post_transform", default: 0, in: 0...4)]
    let aggregate = aggregates[try attributes.int("aggregate_function", default: 1, in: 0...3)]
    let targets = try attributes.int("n_targets", default: 1, in: 1...Int64(Int32.max))
    attributes.ignore("nodes_hitrates")

    let features = try attributes.ints("nodes_featureids")
    let count = features.count
    let modes = try attributes.tensor("nodes_modes")
    let modeCodes = try modes.elements(as: UInt8.self)
    let splits = try NumberList(try attributes.tensor("nodes_splits"), "nodes_splits")
    let trueIDs = try attributes.ints("nodes_truenodeids")
    let falseIDs = try attributes.ints("nodes_falsenodeids")
    let trueLeaves = try attributes.ints("nodes_trueleafs")
    let falseLeaves = try attributes.ints("nodes_falseleafs")
    let missing = try attributes.ints("nodes_missing_value_tracks_true", default: [])
    for (name, length) in [
      ("nodes_modes", modeCodes.count), ("nodes_splits", splits.values.count), ("nodes_truenodeids", trueIDs.count),
      ("nodes_falsenodeids", falseIDs.count), ("nodes_trueleafs", trueLeaves.count), ("nodes_falseleafs", falseLeaves.count),
    ] where length != count {
      throw .invalidModel("attribute '\(name)' has \(length) entries, 'nodes_featureids' \(count)")
    }
    guard missing.isEmpty || missing.count == count else {
      throw .invalidModel("attribute 'nodes_missing_value_tracks_true' has \(missing.count) entries, 'nodes_featureids' \(count)")
    }
    let leafTargets = try attributes.ints("leaf_targetids")
    let leafWeights = try NumberList(try attributes.tensor("leaf_weights"), "leaf_weights")
    guard leafTargets.count == leafWeights.values.count else {
      throw .invalidModel("\(leafTargets.count) leaf targets, but \(leafWeights.values.count) leaf weights")
    }
    var members: [Double] = []
    if let tensor = try attributes.optionalTensor("membership_values") { members = try NumberList(tensor, "membership_values").values }

    func child(_ id: Int64, isLeaf: Bool) throws(PinionError) -> Int {
      let limit = isLeaf ? leafTargets.count : count
      guard id >= 0, id < Int64(limit) else { throw .invalidModel("there is no \(isLeaf ? "leaf" : "node") \(id)") }
      return Int(id) + (isLeaf ? count : 0)
    }
    var nodes: [TreeSource.Node] = []
    nodes.reserveCapacity(count + leafTargets.count)
    var member = 0
    var poll = Poll(attributes.control)
    for index in 0..<count {
      try poll.count(32)
      guard let mode = TreeSource.Mode(code: modeCodes[index]) else { throw .invalidModel("node mode \(modeCodes[index]) is not known") }
      guard let feature = Int32(exactly: features[index]), feature >= 0 else {
        throw .invalidModel("feature \(features[index]) is out of range")
      }
      var node = TreeSource.Node(mode: mode, value: splits.values[index], feature: UInt32(feature))
      node.trueChild = try child(trueIDs[index], isLeaf: trueLeaves[index] != 0)
      node.falseChild = try child(falseIDs[index], isLeaf: falseLeaves[index] != 0)
      node.nanIsTrue = !missing.isEmpty && missing[index] != 0
      if mode == .member {
        let start = member
        while member < members.count, !members[member].isNaN {
          try poll.count(1)
          member += 1
        }
        node.range = start..<member
        member += 1
      }
      nodes.append(node)
    }
    var weights: [(target: Int, weight: Double)] = []
    for index in leafTargets.indices {
      try poll.count(16)
      weights.append((Int(clamping: leafTargets[index]), leafWeights.values[index]))
      nodes.append(TreeSource.Node(mode: .leaf, range: index..<index + 1))
    }
    var roots: [Int] = []
    for root in try attributes.ints("tree_roots") {
      guard root >= 0, root < Int64(count) else { throw .invalidModel("there is no node \(root) for a root") }
      roots.append(Int(root))
    }
    source = try TreeSource(
      nodes: nodes, roots: roots, weights: weights, members: members, targets: targets, aggregate: aggregate,
      isDouble: splits.isDouble || leafWeights.isDouble, &poll)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    let rows = try type.element == .float16 ? FeatureRows(TensorType(.float32, type.shape)) : FeatureRows(type)
    return [TensorType(type.element, try Shape([rows.rows, source.targets]))]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(context[0].element, [context.featureRows, source.targets])] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let element = try context.outputType(0).element
    let targets = source.targets
    let postTransform = postTransform
    return try forestKernel(source, context) { frame, rows, scores in
      for row in 0..<rows.count { postTransform.apply(scores + row &* targets, targets) }
      writeScores(scores, rows.count &* targets, to: frame.rawOutput(0), at: rows.lowerBound &* targets, element)
    }
  }
}
