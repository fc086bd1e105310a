import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct TreeEnsembleTests {
  /// Trees of one branch each: leaf weights -1 and 1 for `targets[tree]`.
  private func stumps(
    modes: [String], values: [Float], targets: [Int64], prefix: String, missing: [Int64] = []
  ) -> [String: AttributeValue] {
    let trees = modes.indices.flatMap { [Int64($0), Int64($0), Int64($0)] }
    let leafTrees = modes.indices.flatMap { [Int64($0), Int64($0)] }
    var attributes: [String: AttributeValue] = [
      "nodes_treeids": .ints(trees),
      "nodes_nodeids": .ints(modes.flatMap { _ in [0, 1, 2] as [Int64] }),
      "nodes_featureids": .ints(trees.map { _ in 0 }),
      "nodes_modes": .strings(modes.flatMap { [$0, "LEAF", "LEAF"] }),
      "nodes_values": .floats(values.flatMap { [$0, 0, 0] }),
      "nodes_truenodeids": .ints(modes.flatMap { _ in [1, 0, 0] as [Int64] }),
      "nodes_falsenodeids": .ints(modes.flatMap { _ in [2, 0, 0] as [Int64] }),
      "\(prefix)_treeids": .ints(leafTrees),
      "\(prefix)_nodeids": .ints(modes.flatMap { _ in [1, 2] as [Int64] }),
      "\(prefix)_ids": .ints(targets.flatMap { [$0, $0] }),
      "\(prefix)_weights": .floats(modes.flatMap { _ in [1, -1] as [Float] }),
    ]
    if !missing.isEmpty { attributes["nodes_missing_value_tracks_true"] = .ints(missing.flatMap { [$0, 0, 0] }) }
    return attributes
  }

  private func regress(_ attributes: [String: AttributeValue], _ input: Tensor) throws -> Tensor {
    try evaluate("TreeEnsembleRegressor", domain: "ai.onnx.ml", attributes: attributes, [input])
  }

  @Test(arguments: [
    ("BRANCH_LEQ", [1, 1, -1, -1] as [Float]), ("BRANCH_LT", [1, -1, -1, -1]), ("BRANCH_GTE", [-1, 1, 1, -1]),
    ("BRANCH_GT", [-1, -1, 1, -1]),
    ("BRANCH_EQ", [-1, 1, -1, -1]), ("BRANCH_NEQ", [1, -1, 1, 1]),
  ])
  func comparesInEveryMode(mode: String, expected: [Float]) throws {
    let x: [Float] = [0.5, 1, 2, .nan]
    let attributes = stumps(modes: [mode], values: [1], targets: [0], prefix: "target")
    try expect(try regress(attributes, tensor(x, [4, 1])), expected, [4, 1])
    try expect(try regress(attributes, tensor(x.map(Double.init), [4, 1])), expected, [4, 1])
    let tracking = stumps(modes: [mode], values: [1], targets: [0], prefix: "target", missing: [1])
    try expect(try regress(tracking, tensor([Float.nan], [1, 1])), [Float(1)], [1, 1])
  }

  @Test func aggregates() throws {
    for (name, expected) in [("SUM", [1, 3] as [Float]), ("AVERAGE", [1.0 / 3, 1]), ("MIN", [-1, 1]), ("MAX", [1, 1])] {
      var attributes = stumps(modes: ["BRANCH_LEQ", "BRANCH_LEQ", "BRANCH_LEQ"], values: [1, 2, 3], targets: [0, 0, 0], prefix: "target")
      attributes["aggregate_function"] = .string(name)
      try expect(try regress(attributes, tensor([Int64(2), 1], [2, 1])), near: expected, [2, 1])
      attributes["base_values"] = .floats([10])
      try expect(try regress(attributes, tensor([Float(2), 1], [2, 1])), near: expected.map { $0 + 10 }, [2, 1])
    }
  }

  @Test func manyTreesAndRowsAddUp() throws {
    let count = 300
    let values = (0..<count).map { Float($0) }
    let attributes = stumps(modes: values.map { _ in "BRANCH_LT" }, values: values, targets: values.map { _ in 0 }, prefix: "target")
    for rows in [1, 16, 17, 200] {
      let x = (0..<rows).map { Float($0) + 0.5 }
      // x < value holds for all values above x.
      try expect(try regress(attributes, tensor(x, [rows, 1])), x.map { Float(count - 2 * (Int($0) + 1)) }, [rows, 1])
    }
  }

  @Test func classifies() throws {
    var attributes = stumps(modes: ["BRANCH_LEQ", "BRANCH_LEQ", "BRANCH_LEQ"], values: [1, 2, 3], targets: [0, 1, 2], prefix: "class")
    attributes["classlabels_strings"] = .strings(["a", "b", "c"])
    attributes["base_values"] = .floats([0.5, 0, 0])
    let results = try evaluate(
      "TreeEnsembleClassifier", domain: "ai.onnx.ml", attributes: attributes, [value([Float(0), 2, 3], [3, 1])], outputCount: 2)
    #expect(try results[0].asTensor().strings() == ["a", "b", "c"])
    try expect(try results[1].asTensor(), [Float(1.5), 1, 1, -0.5, 1, 1, -0.5, -1, 1], [3, 3])
  }

  @Test func oneScoreDecidesBetweenTwoClasses() throws {
    var attributes = stumps(modes: ["BRANCH_LEQ"], values: [1], targets: [0], prefix: "class")
    attributes["classlabels_int64s"] = .ints([10, 20])
    attributes["post_transform"] = .string("LOGISTIC")
    let results = try evaluate(
      "TreeEnsembleClassifier", domain: "ai.onnx.ml", attributes: attributes, [value([Float(1), 2], [2, 1])], outputCount: 2)
    try expect(try results[0].asTensor(), [Int64(20), 10], [2])
    try expect(try results[1].asTensor(), near: [0.26894142, 0.73105858, 0.73105858, 0.26894142], [2, 2])
  }

  // Ten trees of weight 0.1 for class 1, as a forest of ten has them: the first five agree for x = 0, all but one for x = 4.
  @Test(arguments: [1, 40]) func halfOfTheVotesIsATie(rows: Int) throws {
    let modes = (0..<10).map { _ in "BRANCH_GT" }
    var attributes = stumps(modes: modes, values: (0..<10).map { Float($0) - 4.5 }, targets: modes.map { _ in 1 }, prefix: "class")
    attributes["class_weights"] = .floats(modes.flatMap { _ in [0.1, 0] as [Float] })
    attributes["classlabels_int64s"] = .ints([7, 9])
    let x = (0..<rows).flatMap { _ in [0, 4] as [Float] }
    let results = try evaluate(
      "TreeEnsembleClassifier", domain: "ai.onnx.ml", attributes: attributes, [value(x, [2 * rows, 1])], outputCount: 2)
    try expect(try results[0].asTensor(), (0..<rows).flatMap { _ in [7, 9] as [Int64] }, [2 * rows])
    try expect(try results[1].asTensor(), near: (0..<rows).flatMap { _ in [0, 0.5, 0, 0.9] as [Float] }, [2 * rows, 2])
  }

  // skl2onnx writes the numbers of a classifier's leaves (decision_leaf, decision_path) once for every class, all for target 0.
  @Test(arguments: [1, 2]) func numbersOfLeavesRepeat(targets: Int) throws {
    var attributes = stumps(modes: ["BRANCH_LEQ"], values: [1], targets: [0], prefix: "target")
    attributes["n_targets"] = .int(Int64(targets))
    attributes["target_treeids"] = .ints([0, 0, 0, 0, 0, 0])
    attributes["target_nodeids"] = .ints([1, 2, 1, 2, 1, 2])
    attributes["target_ids"] = .ints([0, 0, 0, 0, 0, 0])
    attributes["target_weights"] = .floats([5, 6, 5, 6, 5, 6])
    let results = try regress(attributes, tensor([Float(0), 2], [2, 1]))
    if targets == 1 { try expect(results, [Float(5), 6], [2, 1]) } else { try expect(results, [Float(15), 0, 18, 0], [2, 2]) }
    attributes["target_ids"] = .ints([0, 0, Int64(targets), 0, 0, 0])
    #expect(throws: PinionError.self) { try regress(attributes, tensor([Float(0)], [1, 1])) }
  }

  // x == 3, else x == 5, go both to node 3, x <= 4: as onnxmltools writes LightGBM's sets of categories. Anything else is leaf 2.
  @Test func branchesWithTwoParents() throws {
    var attributes: [String: AttributeValue] = [
      "nodes_treeids": .ints([0, 0, 0, 0, 0, 0]), "nodes_nodeids": .ints([0, 1, 2, 3, 4, 5]), "nodes_featureids": .ints([0, 0, 0, 0, 0, 0]),
      "nodes_modes": .strings(["BRANCH_EQ", "BRANCH_EQ", "LEAF", "BRANCH_LEQ", "LEAF", "LEAF"]), "nodes_values": .floats([3, 5, 0, 4, 0, 0]),
      "nodes_truenodeids": .ints([3, 3, 0, 4, 0, 0]), "nodes_falsenodeids": .ints([1, 2, 0, 5, 0, 0]),
      "target_treeids": .ints([0, 0, 0]), "target_nodeids": .ints([2, 4, 5]), "target_ids": .ints([0, 0, 0]),
      "target_weights": .floats([1, 10, 100]),
    ]
    for rows in [1, 30] {
      let x = (0..<rows).flatMap { _ in [3, 5, 4] as [Float] }
      try expect(try regress(attributes, tensor(x, [3 * rows, 1])), (0..<rows).flatMap { _ in [10, 100, 1] as [Float] }, [3 * rows, 1])
    }
    // Node 3 goes back to node 1.
    attributes["nodes_truenodeids"] = .ints([3, 3, 0, 1, 0, 0])
    #expect(throws: PinionError.self) { try regress(attributes, tensor([Float(3)], [1, 1])) }
  }

  @Test func rejectsWhatIsNoTree() throws {
    var cycle = stumps(modes: ["BRANCH_LEQ"], values: [1], targets: [0], prefix: "target")
    cycle["nodes_modes"] = .strings(["BRANCH_LEQ", "BRANCH_LEQ", "LEAF"])
    cycle["nodes_truenodeids"] = .ints([1, 1, 0])
    cycle["nodes_falsenodeids"] = .ints([2, 2, 0])
    #expect(throws: PinionError.self) { try regress(cycle, tensor([Float(1)], [1, 1])) }
    var missing = stumps(modes: ["BRANCH_LEQ"], values: [1], targets: [0], prefix: "target")
    missing["nodes_falsenodeids"] = .ints([7, 0, 0])
    #expect(throws: PinionError.self) { try regress(missing, tensor([Float(1)], [1, 1])) }
    let wide = stumps(modes: ["BRANCH_LEQ"], values: [1], targets: [5], prefix: "target")
    #expect(throws: PinionError.self) { try regress(wide, tensor([Float(1)], [1, 1])) }
    let fine = stumps(modes: ["BRANCH_LEQ"], values: [1], targets: [0], prefix: "target")
    #expect(throws: PinionError.self) { try regress(fine, tensor([Float](), [1, 0])) }
  }

  // Node 0: x0 in {1, 4}? leaf 0 : node 1. Node 1: x1 > 2? leaf 1 : leaf 2.
  @Test func setMembershipAndPrecision() throws {
    func run<T: Element>(_ input: [T], splits: [T], weights: [T], members: [T], expected: [T]) throws where T: Equatable {
      let attributes: [String: AttributeValue] = [
        "n_targets": .int(2), "tree_roots": .ints([0]), "nodes_featureids": .ints([0, 1]),
        "nodes_modes": .tensor(try Tensor(vector: [UInt8(6), 3])), "nodes_splits": .tensor(try Tensor(vector: splits)),
        "nodes_truenodeids": .ints([0, 1]), "nodes_trueleafs": .ints([1, 1]), "nodes_falsenodeids": .ints([1, 2]),
        "nodes_falseleafs": .ints([0, 1]), "leaf_targetids": .ints([0, 1, 0]), "leaf_weights": .tensor(try Tensor(vector: weights)),
        "membership_values": .tensor(try Tensor(vector: members)),
      ]
      let result = try evaluate("TreeEnsemble", domain: "ai.onnx.ml", attributes: attributes, [tensor(input, [4, 2])])
      try expect(result, expected, [4, 2])
    }
    try run(
      [Float(1), 0, 4, 0, 2, 3, 2, 2], splits: [.nan, 2], weights: [10, 20, 30], members: [1, 4, .nan],
      expected: [10, 0, 10, 0, 0, 20, 30, 0])
    try run(
      [1.0, 0, 4, 0, 2, 3, 2, 2], splits: [.nan, 2], weights: [10, 20, 30], members: [1, 4, .nan], expected: [10, 0, 10, 0, 0, 20, 30, 0])
    try run(
      [Float16(1), 0, 4, 0, 2, 3, 2, 2], splits: [.nan, 2], weights: [10, 20, 30], members: [1, 4, .nan],
      expected: [10, 0, 10, 0, 0, 20, 30, 0])
  }
}
