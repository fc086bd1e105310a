import PinionBase
import PinionGraph
import PinionTensor
import Testing

/// Ensembles of random trees against walks over the same trees in the test.
@Suite struct ForestTests {
  private struct Generator: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      // splitmix64
      state &+= 0x9e37_79b9_7f4a_7c15
      var z = state
      z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
      z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
      return z ^ (z >> 31)
    }
  }

  private struct Node {
    var mode = "LEAF", feature = 0, value: Float = 0, tracks = false, yes = 0, no = 0
    var weight: Float = 0
  }

  /// - Parameter leans: whether each branch lies under the one before on one side, -1 where the comparison holds, 1 where not; 0 for any place.
  private func tree(leaves: Int, features: Int, modes: [String], leans: Int, _ random: inout Generator) -> [Node] {
    var nodes = [Node()], ends = [0]
    while ends.count < leaves {
      let place = ends.remove(at: leans == 0 ? Int.random(in: 0..<ends.count, using: &random) : max(ends.count + (leans < 0 ? -2 : -1), 0))
      nodes[place].mode = modes.randomElement(using: &random) ?? "BRANCH_LEQ"
      nodes[place].feature = Int.random(in: 0..<features, using: &random)
      nodes[place].value = Float(Int.random(in: -3...3, using: &random)) / 2
      nodes[place].tracks = Bool.random(using: &random)
      nodes[place].yes = nodes.count
      nodes[place].no = nodes.count + 1
      ends += [nodes.count, nodes.count + 1]
      nodes += [Node(), Node()]
    }
    for end in ends { nodes[end].weight = Float(Int.random(in: -8...8, using: &random)) }
    return nodes
  }

  /// The specification's walk: NaN takes the branch that holds only where the node says so.
  private func score(_ nodes: [Node], _ row: ArraySlice<Float>) -> Float {
    var at = 0
    while nodes[at].mode != "LEAF" {
      let node = nodes[at], x = row[row.startIndex + node.feature]
      let holds =
        switch node.mode {
        case "BRANCH_LEQ": x <= node.value
        case "BRANCH_LT": x < node.value
        case "BRANCH_GTE": x >= node.value
        default: x > node.value
        }
      at = holds || x.isNaN && node.tracks ? node.yes : node.no
    }
    return nodes[at].weight
  }

  @Test(arguments: [1, 2, 3, 63, 64, 65, 66, 90], [0, -1, 1]) func rowsReachTheirLeaves(leaves: Int, leans: Int) throws {
    var random = Generator(state: UInt64(leaves))
    let features = 5
    for modes in [["BRANCH_LEQ"], ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT"]] {
      let sizes = (0..<7).map { _ in Int.random(in: max(1, leaves - 3)...leaves, using: &random) } + [leaves]
      let trees = sizes.map { tree(leaves: $0, features: features, modes: modes, leans: leans, &random) }
      let all = trees.enumerated().flatMap { number, nodes in nodes.indices.map { (number, $0, nodes[$0]) } }
      let ends = all.filter { $0.2.mode == "LEAF" }
      let attributes: [String: AttributeValue] = [
        "n_targets": .int(1),
        "nodes_treeids": .ints(all.map { Int64($0.0) }), "nodes_nodeids": .ints(all.map { Int64($0.1) }),
        "nodes_featureids": .ints(all.map { Int64($0.2.feature) }), "nodes_modes": .strings(all.map(\.2.mode)),
        "nodes_values": .floats(all.map(\.2.value)), "nodes_truenodeids": .ints(all.map { Int64($0.2.yes) }),
        "nodes_falsenodeids": .ints(all.map { Int64($0.2.no) }), "nodes_missing_value_tracks_true": .ints(all.map { $0.2.tracks ? 1 : 0 }),
        "target_treeids": .ints(ends.map { Int64($0.0) }), "target_nodeids": .ints(ends.map { Int64($0.1) }),
        "target_ids": .ints(ends.map { _ in 0 }), "target_weights": .floats(ends.map(\.2.weight)),
      ]
      for rows in [1, 3, 4, 5, 16, 17, 19, 20, 37] {
        let x = (0..<rows * features).map { _ in
          Int.random(in: 0..<8, using: &random) == 0 ? Float.nan : Float(Int.random(in: -4...4, using: &random)) / 2
        }
        let expected = (0..<rows).map { row in trees.reduce(Float(0)) { $0 + score($1, x[row * features..<(row + 1) * features]) } }
        let found = try evaluate("TreeEnsembleRegressor", domain: "ai.onnx.ml", attributes: attributes, [tensor(x, [rows, features])])
        try expect(found, expected, [rows, 1])
      }
    }
  }
}
