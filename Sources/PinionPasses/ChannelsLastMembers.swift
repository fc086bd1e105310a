import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// Which nodes of a graph compute on codes whose channels come last: quantised convolutions over two axes, and sums, products and pools of what they make.
///
/// A region is worth its transpositions where there are no more of them than convolutions, and at least two of these.
struct ChannelsLastMembers {
  /// For each member the inputs that are turned.
  private var members: [[Int]?]
  /// How often members read a value with its channels last.
  private var reads: [Int]

  init(_ editor: inout GraphEditor) {
    members = [[Int]?](repeating: nil, count: editor.indices.count)
    reads = [Int](repeating: 0, count: editor.graph.values.count)
    for index in editor.indices where editor.isThere(index) {
      guard let slots = ChannelsLastMembers.slots(index, &editor) else { continue }
      // What is no convolution comes behind one.
      guard editor.kind(index) == QLinearConv.self || slots.contains(where: { maker(editor.inputs(of: index)[$0], editor) != nil }) else { continue }
      members[index] = slots
      for slot in slots { count(editor.inputs(of: index)[slot], 1) }
    }
    dropRegionsThatDoNotPay(editor)
  }

  subscript(index: Int) -> [Int]? { members.indices.contains(index) ? members[index] : nil }
  var isEmpty: Bool { members.allSatisfy { $0 == nil } }

  /// Whether somebody outside the regions reads the value of a member.
  func isSeen(_ value: ValueID, _ editor: GraphEditor) -> Bool { reads[value.index] < editor.useCount(value) }

  private mutating func count(_ value: ValueID?, _ change: Int) {
    if let value { reads[value.index] += change }
  }

  /// The member that makes a value.
  private func maker(_ value: ValueID?, _ editor: GraphEditor) -> Int? {
    guard let index = editor.producer(value), self[index] != nil else { return nil }
    return index
  }

  /// The inputs that would be turned; nil for a node that cannot be in a region.
  private static func slots(_ index: Int, _ editor: inout GraphEditor) -> [Int]? {
    let node = editor[index]
    guard node.outputs.dropFirst().allSatisfy({ $0 == nil }) else { return nil }
    switch editor.kind(index) {
    case QLinearConv.self: return hasKernel(index, editor) ? [0] : nil
    case QLinearGlobalAveragePool.self:
      return editor.op(index, QLinearGlobalAveragePool.self)?.isChannelsLast == false && hasFourAxes(0, index, &editor) ? [0] : nil
    case QLinearAveragePool.self:
      return editor.op(index, QLinearAveragePool.self)?.isChannelsLast == false && hasFourAxes(0, index, &editor) ? [0] : nil
    case MaxPool.self:
      let element = editor.fact(editor.input(index, 0), at: index).element
      return hasFourAxes(0, index, &editor) && (element == .int8 || element == .uint8) ? [0] : nil
    case QLinearAdd.self, QLinearMul.self:
      var slots: [Int] = []
      for slot in [0, 3] {
        // One code is the same for all places.
        if let constant = editor.constant(editor.input(index, slot)), constant.count == 1, constant.shape.rank <= 4 { continue }
        guard hasFourAxes(slot, index, &editor) else { return nil }
        slots.append(slot)
      }
      return slots
    default: return nil
    }
  }

  private static func hasFourAxes(_ slot: Int, _ index: Int, _ editor: inout GraphEditor) -> Bool {
    editor.fact(editor.input(index, slot), at: index).rank == 4
  }

  /// Whether the weights are those that the kernels take.
  private static func hasKernel(_ index: Int, _ editor: GraphEditor) -> Bool {
    guard let weights = editor.constant(editor.input(index, 3)), weights.shape.rank == 4, weights.count > 0 else { return false }
    return editor.constant(editor.input(index, 5)) != nil
  }

  private mutating func dropRegionsThatDoNotPay(_ editor: GraphEditor) {
    var regions = DisjointSets(count: members.count)
    for index in members.indices {
      for slot in members[index] ?? [] {
        if let maker = maker(editor.inputs(of: index)[slot], editor) { regions.unite(maker, index) }
      }
    }
    var convolutions = [Int](repeating: 0, count: members.count)
    var transpositions = [Int](repeating: 0, count: members.count)
    var entering: Set<ValueID> = []
    for index in members.indices {
      guard let slots = members[index] else { continue }
      let region = regions.representative(of: index), node = editor[index]
      if editor.kind(index) == QLinearConv.self { convolutions[region] += 1 }
      for case let value? in slots.map({ node.inputs[$0] }) where editor.constant(value) == nil && maker(value, editor) == nil {
        if entering.insert(value).inserted { transpositions[region] += 1 }
      }
      // One place for each channel is the same either way.
      guard editor.kind(index) != QLinearGlobalAveragePool.self, let value = node.outputs[0], isSeen(value, editor) else { continue }
      transpositions[region] += 1
    }
    for index in members.indices {
      guard let slots = members[index] else { continue }
      let region = regions.representative(of: index)
      guard convolutions[region] < 2 || transpositions[region] > convolutions[region] else { continue }
      for slot in slots { count(editor.inputs(of: index)[slot], -1) }
      members[index] = nil
    }
  }
}
