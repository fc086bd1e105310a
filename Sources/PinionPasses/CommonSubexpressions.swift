import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// Computes only once what several nodes compute from the same inputs with the same attributes.
struct CommonSubexpressions: Pass {
  let name = "CommonSubexpressions"
  /// Bytes up to which constants are compared by their contents.
  private static let constantLimit = 4096

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    try editor.edit { (editor) throws(PinionError) in
      try mergeConstants(&editor)
      var seen = Candidates<Int, Int>()
      for index in editor.indices {
        guard let kind = editor.kindNumber(index) else { continue }
        try editor.visit(index)
        guard editor.operators[kind].isDeterministic, !editor.hasSubgraphs(index), sharesInputs(index, editor) else { continue }
        let node = editor[index]
        let hash = CommonSubexpressions.hash(node)
        guard let earlier = seen.first(hash, where: { editor.isThere($0) && computeTheSame(editor[$0], node) }) else {
          seen.add(index, hash)
          continue
        }
        merge(index, into: earlier, &editor)
      }
    }
  }

  /// Whether somebody else reads each of the inputs as well, without which no other node computes the same.
  private func sharesInputs(_ index: Int, _ editor: GraphEditor) -> Bool {
    for case let input? in editor.inputs(of: index) where editor.useCount(input) < 2 { return false }
    return true
  }

  private func mergeConstants(_ editor: inout GraphEditor) throws(PinionError) {
    guard editor.takeNewConstants() else { return }
    var seen = Candidates<UInt64, ValueID>()
    var poll = Poll(editor.control)
    for value in editor.graph.constants.keys.sorted() {
      try poll.count(64)
      guard let tensor = editor.constant(value), tensor.byteCount <= CommonSubexpressions.constantLimit, tensor.element != .string,
        !editor.isOutput(value)
      else { continue }
      try poll.count(tensor.byteCount / 4)
      let hash = editor.contentHash(value, tensor)
      if let earlier = seen.first(hash, where: { editor.constant($0)?.hasSameContents(as: tensor) == true }) {
        editor.forward(value, to: earlier)
      } else {
        seen.add(value, hash)
      }
    }
  }

  private func merge(_ index: Int, into earlier: Int, _ editor: inout GraphEditor) {
    let old = editor.outputs(of: index), new = editor.outputs(of: earlier)
    for case let (old?, new?) in zip(old, new) {
      guard editor.mayForward(old, to: new) else { return }
    }
    for case let (old?, new?) in zip(old, new) { editor.forward(old, to: new) }
  }

  private static func hash(_ node: Node) -> Int {
    var hasher = Hasher()
    hasher.combine(ObjectIdentifier(type(of: node.op)))
    hasher.combine(node.inputs)
    hasher.combine(node.outputs.count)
    hasher.combine(node.attributes.count)
    // Numbers tell nodes of one operator and input apart; other attributes hardly ever do.
    var numbers = 0
    for case .int(let value) in node.attributes.values { numbers &+= Int(truncatingIfNeeded: value) }
    for case .float(let value) in node.attributes.values { numbers &+= Int(value.bitPattern) }
    for case .ints(let values) in node.attributes.values { numbers &+= values.reduce(0) { $0 &* 31 &+ Int(truncatingIfNeeded: $1) } }
    hasher.combine(numbers)
    return hasher.finalize()
  }

  private func computeTheSame(_ a: Node, _ b: Node) -> Bool {
    guard type(of: a.op) == type(of: b.op), a.inputs == b.inputs, a.outputs.count == b.outputs.count,
      zip(a.outputs, b.outputs).allSatisfy({ ($0 == nil) == ($1 == nil) }), a.attributes.count == b.attributes.count
    else { return false }
    return a.attributes.allSatisfy { name, value in b.attributes[name].map { isIdentical(value, $0) } ?? false }
  }

  /// Equal to the bit: the two zeros of floating point differ.
  private func isIdentical(_ a: AttributeValue, _ b: AttributeValue) -> Bool {
    switch (a, b) {
    case (.float(let x), .float(let y)): x.bitPattern == y.bitPattern
    case (.floats(let x), .floats(let y)): x.map(\.bitPattern) == y.map(\.bitPattern)
    default: a == b
    }
  }
}

/// Elements by a hash that few of them share: no list is made for one that is alone.
private struct Candidates<Hash: Hashable, Element> {
  private var first: [Hash: Element] = [:]
  private var others: [Hash: [Element]] = [:]

  mutating func add(_ element: Element, _ hash: Hash) {
    if first[hash] == nil { first[hash] = element } else { others[hash, default: []].append(element) }
  }

  /// The first that was added of those for which the condition holds.
  func first(_ hash: Hash, where condition: (Element) -> Bool) -> Element? {
    guard let found = first[hash] else { return nil }
    return condition(found) ? found : others.isEmpty ? nil : others[hash]?.first(where: condition)
  }
}
