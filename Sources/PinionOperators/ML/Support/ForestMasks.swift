import CKernels
import PinionBase

/// The branches of small trees as many rows meet them at once: see `pk_tree_mask`.
struct ForestMasks {
  /// Leaves that a mask has room for.
  private static let mostLeaves = 64

  let memory: [Buffer]
  let branches: UnsafePointer<pk_tree_mask>
  let branchStarts: UnsafePointer<UInt32>
  let leaves: UnsafePointer<UInt32>
  let leafStarts: UnsafePointer<UInt32>

  /// Nil where some tree has too many leaves.
  /// - Parameter nodes: of an ensemble all of whose branches are `x <= value`.
  init?(_ nodes: UnsafePointer<pk_tree_node_f32>, roots: UnsafePointer<UInt32>, trees: Int, _ poll: inout BuildPoll) throws(PinionError) {
    var masks: [pk_tree_mask] = [], maskStarts: [UInt32] = [], leaves: [UInt32] = [], leafStarts: [UInt32] = []
    // A node, and where it is met again behind what lies under it on the left, the first leaf there.
    var open: [(node: UInt32, firstLeaf: Int?)] = []
    for tree in 0..<trees {
      maskStarts.append(UInt32(truncatingIfNeeded: masks.count))
      leafStarts.append(UInt32(truncatingIfNeeded: leaves.count))
      var count = 0
      open.append((roots[tree], nil))
      while let (index, firstLeaf) = open.popLast() {
        try poll.count(16)
        let node = nodes[Int(index)]
        if let firstLeaf {
          // There is a leaf at least on the right.
          guard count < ForestMasks.mostLeaves else { return nil }
          let left = ((UInt64(1) << UInt64(count - firstLeaf)) - 1) << UInt64(firstLeaf)
          masks.append(pk_tree_mask(keeps: ~left, value: node.value, feature: node.feature, nan_fails: UInt32(node.nan)))
          open.append((node.first + 1, nil))
        } else if node.step == 0 {
          count += 1
          guard count <= ForestMasks.mostLeaves else { return nil }
          leaves.append(index)
        } else {
          open.append((index, count))
          open.append((node.first, nil))
        }
      }
    }
    maskStarts.append(UInt32(truncatingIfNeeded: masks.count))
    var memory: [Buffer] = []
    branches = try masks.kept(in: &memory)
    branchStarts = try maskStarts.kept(in: &memory)
    self.leaves = try leaves.kept(in: &memory)
    self.leafStarts = try leafStarts.kept(in: &memory)
    self.memory = memory
  }
}

extension Array where Element: BitwiseCopyable {
  /// A copy in memory that does not move.
  fileprivate func kept(in memory: inout [Buffer]) throws(PinionError) -> UnsafePointer<Element> {
    let buffer = try Allocator.system.buffer(bytes: try Swift.max(count, 1).multiplied(by: MemoryLayout<Element>.stride))
    let elements = buffer.pointer.bindMemory(to: Element.self, capacity: Swift.max(count, 1))
    for (index, element) in enumerated() { (elements + index).initialize(to: element) }
    memory.append(buffer)
    return UnsafePointer(elements)
  }
}
