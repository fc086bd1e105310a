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
      var seen = Buckets<Int>()
      for index in editor.indices {
        guard let kind = editor.kindNumber(index) else { continue }
        try editor.visit(index)
        guard editor.operators[kind].isDeterministic, !editor.hasSubgraphs(index), sharesInputs(index, editor) else { continue }
        let node = editor[index]
        let hash = CommonSubexpressions.hash(node)
        guard let earlier = seen.find(index, hash, where: { editor.isThere($0) && computeTheSame(editor[$0], node) }) else { continue }
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
    var seen = Buckets<ValueID>()
    var poll = Poll(editor.control)
    for number in editor.graph.values.indices {
      let value = ValueID(index: number)
      try poll.count(4)
      guard editor.isConstant(value) else { continue }
      try poll.count(64)
      guard let tensor = editor.constant(value), tensor.byteCount <= CommonSubexpressions.constantLimit, tensor.element != .string,
        !editor.isOutput(value)
      else { continue }
      try poll.count(tensor.byteCount / 4)
      let hash = editor.contentHash(value, tensor)
      if let earlier = seen.find(value, hash, where: { editor.constant($0)?.hasSameContents(as: tensor) == true }) {
        editor.forward(value, to: earlier)
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

  private static func hash(_ node: Node) -> UInt64 {
    var hash = Mix(Int(bitPattern: ObjectIdentifier(type(of: node.op))))
    for input in node.inputs { hash.add(input.map(\.index) ?? -1) }
    hash.add(node.outputs.count)
    hash.add(node.attributes.count)
    // Numbers tell nodes of one operator and input apart; other attributes hardly ever do.
    var numbers = 0
    for value in node.attributes.values {
      switch value {
      case .int(let value): numbers &+= Int(truncatingIfNeeded: value)
      case .float(let value): numbers &+= Int(value.bitPattern)
      case .ints(let values): numbers &+= values.reduce(0) { $0 &* 31 &+ Int(truncatingIfNeeded: $1) }
      default: break
      }
    }
    hash.add(numbers)
    return hash.value
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

/// A hash of numbers, all of whose bits are those of the last.
private struct Mix {
  private(set) var value: UInt64

  init(_ number: Int) {
    value = 0
    add(number)
  }

  mutating func add(_ number: Int) {
    // The golden ratio's bits, as Fibonacci hashing has them.
    let product = (value ^ UInt64(bitPattern: Int64(number))).multipliedFullWidth(by: 0x9E37_79B9_7F4A_7C15)
    value = product.high ^ product.low
  }
}

/// Elements that have been seen, by their hashes.
private struct Buckets<Element> {
  /// Of the hashes with these low bits the last place in `elements`, or -1.
  private var heads = [Int](repeating: -1, count: 64)
  private var elements: [(element: Element, hash: UInt64, next: Int)] = []

  /// An element of the same hash that is the same; where there is none, `element` is entered.
  mutating func find(_ element: Element, _ hash: UInt64, where isSame: (Element) -> Bool) -> Element? {
    var place = heads[slot(hash)]
    while place >= 0 {
      if elements[place].hash == hash, isSame(elements[place].element) { return elements[place].element }
      place = elements[place].next
    }
    if elements.count == heads.count { spread() }
    elements.append((element, hash, heads[slot(hash)]))
    heads[slot(hash)] = elements.count - 1
    return nil
  }

  private func slot(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash & UInt64(heads.count &- 1)) }

  /// Twice as many heads.
  private mutating func spread() {
    heads = [Int](repeating: -1, count: heads.count * 2)
    for place in elements.indices {
      elements[place].next = heads[slot(elements[place].hash)]
      heads[slot(elements[place].hash)] = place
    }
  }
}
