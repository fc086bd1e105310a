import PinionGraph

/// The nodes that a resolution has come by last, a few, for others that compute the same: layers are alike but for their operands, and where
/// an operand is no constant, the kernel for one layer is that for all of them.
struct LikeNodes: Sendable {
  private struct Entry {
    let node: PlannedNode
    let position: Int
  }

  /// By the operator, each in the place of the last one with the same place; empty until there is one.
  private var entries: [Entry?] = []

  private func place(of node: PlannedNode) -> Int {
    // Types lie a multiple of some bytes apart.
    let bits = UInt(bitPattern: ObjectIdentifier(type(of: node.op)))
    return Int(truncatingIfNeeded: (bits >> 4 ^ bits >> 9) & 15)
  }

  /// Keeps a node with an outcome that others can have.
  mutating func note(_ node: PlannedNode, _ outcome: Outcome, at position: Int) {
    switch outcome {
    case .computed, .view:
      if entries.isEmpty { entries = [Entry?](repeating: nil, count: 16) }
      entries[place(of: node)] = Entry(node: node, position: position)
    case .known, .postponed: break
    }
  }

  /// A node of the same operator, and where it was.
  func find(_ node: PlannedNode) -> (node: PlannedNode, position: Int)? {
    guard !entries.isEmpty, let entry = entries[place(of: node)], type(of: entry.node.op) == type(of: node.op) else { return nil }
    return (entry.node, entry.position)
  }
}

extension PlannedNode {
  /// Whether a node of the same operator has outputs for the same slots and the same attributes.
  func computesLike(_ other: PlannedNode) -> Bool {
    guard isDeterministic, !hasSubgraphs, !other.hasSubgraphs, outputs.count == other.outputs.count, attributes.count == other.attributes.count else {
      return false
    }
    for slot in outputs.indices where (outputs[slot] == nil) != (other.outputs[slot] == nil) { return false }
    if attributes.isEmpty { return true }
    return attributes.allSatisfy { name, value in other.attributes[name].map { value.isIdentical(to: $0) } ?? false }
  }
}

extension AttributeValue {
  /// Equal to the bit: the two zeros of floating point differ.
  fileprivate func isIdentical(to other: AttributeValue) -> Bool {
    switch (self, other) {
    case (.float(let x), .float(let y)): x.bitPattern == y.bitPattern
    case (.floats(let x), .floats(let y)): x.count == y.count && zip(x, y).allSatisfy { $0.bitPattern == $1.bitPattern }
    default: self == other
    }
  }
}
