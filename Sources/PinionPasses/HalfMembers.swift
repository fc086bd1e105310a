import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionTensor

/// Which nodes of a graph compute in float32 instead of float16 and bfloat16.
///
/// A region is worth its conversions where at least two of its nodes compute, at least one of them in float32 anyhow. Nodes that only move
/// elements are in it where that does not make them move float32 that is converted back: between members.
struct HalfMembers {
  /// What becomes float32 of a node.
  struct Member {
    let part: HalfPart
    let inputs: [Int]
    let outputs: [Int]
    /// The half types of those outputs.
    let element: [Int: ElementType]
  }

  private var members: [Member?]
  /// How often members read a value as float32.
  private var reads: [Int]

  /// More sweeps than it takes to decide what a graph that somebody made has.
  private static let sweepLimit = 64

  init(_ editor: inout GraphEditor) {
    members = [Member?](repeating: nil, count: editor.indices.count)
    reads = [Int](repeating: 0, count: editor.graph.values.count)
    for index in editor.indices where editor.isThere(index) {
      guard let member = Member(index, &editor) else { continue }
      members[index] = member
      for slot in member.inputs { count(editor.inputs(of: index)[slot], 1) }
    }
    var sweeps = 0
    while dropMovement(editor) {
      sweeps += 1
      guard sweeps < HalfMembers.sweepLimit else {
        members = []
        return
      }
    }
    dropSmallRegions(editor)
  }

  subscript(index: Int) -> Member? { members.indices.contains(index) ? members[index] : nil }
  var isEmpty: Bool { members.allSatisfy { $0 == nil } }

  /// Whether somebody outside the regions reads the value of a member.
  func isSeen(_ value: ValueID, _ editor: GraphEditor) -> Bool { reads[value.index] < editor.useCount(value) }

  private mutating func count(_ value: ValueID?, _ change: Int) {
    if let value { reads[value.index] += change }
  }

  private mutating func drop(_ index: Int, _ editor: GraphEditor) {
    guard let member = members[index] else { return }
    for slot in member.inputs { count(editor.inputs(of: index)[slot], -1) }
    members[index] = nil
  }

  /// The member that makes a value in float32.
  private func maker(_ value: ValueID?, _ editor: GraphEditor) -> Int? {
    guard let value, let index = editor.producer(value), let member = self[index],
      member.outputs.contains(where: { editor.outputs(of: index)[$0] == value })
    else { return nil }
    return index
  }

  /// Drops nodes that move or look at elements and are not between members.
  /// - Returns: whether there were any.
  private mutating func dropMovement(_ editor: GraphEditor) -> Bool {
    var hasChanged = false
    for index in members.indices {
      guard let member = members[index], member.part == .selection || member.part == .reader else { continue }
      guard !member.inputs.contains(where: { maker(editor.inputs(of: index)[$0], editor) != nil }) else { continue }
      drop(index, editor)
      hasChanged = true
    }
    for index in members.indices.reversed() {
      guard let member = members[index], member.part == .selection || member.part == .layout else { continue }
      let isBetween = member.outputs.allSatisfy {
        editor.outputs(of: index)[$0].map { editor.useCount($0) > 0 && !isSeen($0, editor) } ?? true
      }
      guard !isBetween else { continue }
      drop(index, editor)
      hasChanged = true
    }
    return hasChanged
  }

  private mutating func dropSmallRegions(_ editor: GraphEditor) {
    var regions = DisjointSets(count: members.count)
    for index in members.indices {
      for slot in members[index]?.inputs ?? [] {
        if let maker = maker(editor.inputs(of: index)[slot], editor) { regions.unite(maker, index) }
      }
    }
    var computing = [Int](repeating: 0, count: members.count)
    var needsFloat32 = [Bool](repeating: false, count: members.count)
    for index in members.indices {
      guard let member = members[index] else { continue }
      let region = regions.representative(of: index)
      if member.part == .computation || editor.kind(index) == Cast.self { computing[region] += 1 }
      if (editor.kind(index) as? any CPUExecutable.Type)?.computesHalfInFloat32 == true { needsFloat32[region] = true }
    }
    for index in members.indices where members[index] != nil {
      let region = regions.representative(of: index)
      if computing[region] < 2 || !needsFloat32[region] { drop(index, editor) }
    }
  }
}

extension HalfMembers.Member {
  /// What would become of the node; nil where it has nothing to do with half precision or cannot be in a region.
  fileprivate init?(_ index: Int, _ editor: inout GraphEditor) {
    let node = editor[index], schema = node.schema
    guard let kind = editor.kind(index), let part = HalfPart(kind), node.subgraphs.isEmpty else { return nil }
    // A text shows every digit.
    if editor.op(index, Cast.self)?.to == .string { return nil }
    var elements: [ElementType?] = []
    var inputs: [Int] = []
    for (slot, input) in node.inputs.prefix(node.formalInputCount).enumerated() {
      let element = editor.fact(input, at: index).element
      guard input == nil || element != nil else { return nil }
      elements.append(element)
      guard let element, element.isHalf, !part.keeps(slot, of: kind) else { continue }
      guard schema.admits(.float32, input: slot) else { return nil }
      elements[slot] = .float32
      inputs.append(slot)
    }
    guard !inputs.isEmpty else { return nil }
    var outputs: [Int] = []
    var halves: [Int: ElementType] = [:]
    for (slot, output) in node.outputs.enumerated() where kind != Cast.self {
      guard let output else { continue }
      guard let element = editor.fact(output, at: index + 1).element else { return nil }
      guard element.isHalf else { continue }
      guard schema.element(ofOutput: slot, inputs: elements) == .float32 else { return nil }
      outputs.append(slot)
      halves[slot] = element
    }
    self.init(part: part, inputs: inputs, outputs: outputs, element: halves)
  }
}

extension ElementType {
  fileprivate var isHalf: Bool { self == .float16 || self == .bfloat16 }
}
