import PinionBase
import PinionGraph
import PinionTensor

/// A graph that is being rewritten by one pass after the other: who makes and who reads each value and what is known of it, kept up to
/// date with every change.
///
/// A sweep visits the nodes in order. Rules look at the node in hand and back at what feeds it; a node may be replaced,
/// nodes may be put in front of it, and a value may be forwarded to another, which later nodes then read instead.
/// Nodes whose outputs nobody reads any more go at once. Between sweeps the nodes stand in order, without gaps, and forwarded values
/// have no readers.
struct GraphEditor {
  private(set) var graph: Graph
  /// The limits of what waits for the graph, polled at each node of a sweep.
  var control: RunControl { didSet { facts.setControl(control) } }
  /// Whether this sweep has changed anything.
  private(set) var hasChanged = false
  private var visits = 0
  /// How many sweeps have changed the graph.
  private(set) var revision = 0
  private var facts: LearnedFacts
  var symbols: Symbols { facts.symbols }

  private(set) var operators = OperatorKinds()
  /// For each node the number of its operator, by which rules know it; `gone` for a node that is no longer there.
  private var kinds: [Int] = []
  private static let gone = -1
  private var producers: [Int]
  private var uses: [Int]
  /// Whether the graph gives the value out, and whether it comes from outside.
  private var isGivenOut: [Bool]
  private var isTakenIn: [Bool]
  /// False where no node has a subgraph.
  private var mayHaveSubgraphs = false
  /// The editors of subgraphs, from one sweep to the next, by the first value that the node makes. A subgraph that anybody else has changed
  /// gets a new one.
  private var inner: [ValueID: [GraphEditor]] = [:]
  /// The pass that is at work, whose sweep over a subgraph does nothing where it has done nothing before and nothing has changed; nil for one
  /// that does what depends on more than the graph.
  var pass: String?
  /// The revision at which a pass has found nothing to do, in a subgraph.
  private var idle: [String: Int] = [:]
  /// Values that others stand for, by index.
  private var forwarded: [ValueID?]
  /// New nodes to stand in front of a node, by its index.
  private var insertions: [Int: [Int]] = [:]
  private var originalCount: Int
  /// Whether this sweep has forwarded values.
  private var hasForwarded = false
  private var hasNewConstants = true
  /// By value: the hash of a constant that has been compared by its contents; 0 where it is not known.
  private var hashes: [UInt64] = []

  /// - Parameters:
  ///   - captured: what is known of the values that the graph captures, in their order; nil for a main graph.
  ///   - control: the limits of what waits for the graph.
  /// - Throws: what the limits say.
  init(
    _ graph: Graph, captured: [Fact]? = nil, _ symbols: Symbols = Symbols(), control: RunControl = RunControl()
  ) throws(PinionError) {
    self.control = control
    var poll = Poll(control)
    self.graph = graph
    facts = LearnedFacts(graph, captured: captured, symbols, control: control)
    let count = graph.values.count
    originalCount = graph.nodes.count
    producers = [Int](repeating: -1, count: count)
    forwarded = [ValueID?](repeating: nil, count: count)
    isGivenOut = [Bool](repeating: false, count: count)
    isTakenIn = [Bool](repeating: false, count: count)
    uses = graph.useCounts()
    kinds.reserveCapacity(originalCount)
    try poll.count(count)
    for index in graph.nodes.indices {
      try poll.count(32 &+ 4 &* graph.nodes[index].outputs.count)
      kinds.append(operators.enter(type(of: graph.nodes[index].op)))
      if !graph.nodes[index].subgraphs.isEmpty { mayHaveSubgraphs = true }
      for case let output? in graph.nodes[index].outputs { producers[output.index] = index }
    }
    for output in graph.outputs { isGivenOut[output.index] = true }
    for input in graph.inputs { isTakenIn[input.index] = true }
    for capture in graph.captures { isTakenIn[capture.inner.index] = true }
  }

  // MARK: Looking

  /// What is known of a value that nodes before the one at `index` make.
  mutating func fact(_ value: ValueID?, at index: Int) -> Fact {
    learn(to: min(index, originalCount))
    return facts[value]
  }

  /// Whether any value is known to be of such an element type.
  mutating func knows(anyOf elements: [ElementType]) -> Bool {
    learn(to: originalCount)
    return !facts.elements.isDisjoint(with: elements.map(\.rawValue))
  }

  private mutating func learn(to end: Int) {
    guard facts.isToLearn(to: end) else { return }
    facts.learn(to: end, graph, isThere: { [kinds] in kinds[$0] != GraphEditor.gone })
  }

  private mutating func know(_ value: ValueID, _ constant: Tensor) {
    hasNewConstants = true
    facts.know(value, constant)
  }

  /// The facts of the values that the node's subgraph captures.
  mutating func capturedFacts(_ subgraph: Graph, of index: Int) -> [Fact] {
    subgraph.captures.map { fact(graph.nodes[index].inputs[$0.input], at: index) }
  }

  /// The indices of the nodes that a sweep visits.
  var indices: Range<Int> { 0..<originalCount }

  func isThere(_ index: Int) -> Bool { kinds[index] != GraphEditor.gone }
  /// The number of the node's operator in `operators`; nil for a node that is gone.
  func kindNumber(_ index: Int) -> Int? { kinds[index] != GraphEditor.gone ? kinds[index] : nil }
  /// The operator of the node, by which rules know it; nil for a node that is gone.
  func kind(_ index: Int) -> (any Operator.Type)? { kinds[index] != GraphEditor.gone ? operators[kinds[index]].type : nil }
  /// The node. Where one member is all that is looked at, `inputs(of:)` and the like copy less.
  subscript(index: Int) -> Node { graph.nodes[index] }
  func inputs(of index: Int) -> [ValueID?] { graph.nodes[index].inputs }
  func outputs(of index: Int) -> [ValueID?] { graph.nodes[index].outputs }
  func hasSubgraphs(_ index: Int) -> Bool { mayHaveSubgraphs && !graph.nodes[index].subgraphs.isEmpty }

  /// The constant that the value is.
  func constant(_ value: ValueID?) -> Tensor? {
    guard let value, producers[value.index] < 0 else { return nil }
    return graph.constants[value]
  }

  /// Whether `constant(value)` is there.
  func isConstant(_ value: ValueID) -> Bool { producers[value.index] < 0 && graph.constants.contains(value) }

  /// Whether constants have come since this was asked last.
  mutating func takeNewConstants() -> Bool {
    defer { hasNewConstants = false }
    return hasNewConstants
  }

  /// The node that makes the value.
  func producer(_ value: ValueID?) -> Int? {
    guard let value else { return nil }
    let index = producers[value.index]
    return index >= 0 && kinds[index] != GraphEditor.gone ? index : nil
  }

  /// How often nodes read the value and the graph gives it out.
  func useCount(_ value: ValueID) -> Int { uses[value.index] }

  func isOutput(_ value: ValueID) -> Bool { isGivenOut[value.index] }

  /// The hash of a constant's contents.
  mutating func contentHash(_ value: ValueID, _ constant: Tensor) -> UInt64 {
    if hashes.count < producers.count { hashes += [UInt64](repeating: 0, count: producers.count - hashes.count) }
    if hashes[value.index] == 0 { hashes[value.index] = constant.contentHash }
    return hashes[value.index]
  }

  // MARK: Changing

  /// Brings the inputs of the node up to date; to be called when the sweep comes to it.
  mutating func visit(_ index: Int) throws(PinionError) {
    if let stop = facts.stop { throw stop }
    // A rule takes microseconds at a node.
    visits &+= 1
    if visits & 7 == 0 { try control.check() }
    renew(index)
  }

  /// Brings the node's inputs up to date with what has been forwarded.
  private mutating func renew(_ index: Int) {
    guard hasForwarded else { return }
    for slot in graph.nodes[index].inputs.indices {
      guard let input = graph.nodes[index].inputs[slot], forwarded[input.index] != nil else { continue }
      graph.nodes[index].inputs[slot] = resolve(input)
      facts.doubt(index)
    }
  }

  private mutating func setKind(_ index: Int, _ type: any Operator.Type) {
    if kinds[index] != GraphEditor.gone { operators.leave(kinds[index]) }
    kinds[index] = operators.enter(type)
  }

  private mutating func setGone(_ index: Int) {
    operators.leave(kinds[index])
    kinds[index] = GraphEditor.gone
  }

  private func resolve(_ value: ValueID) -> ValueID {
    var value = value
    while let next = forwarded[value.index] { value = next }
    return value
  }

  mutating func addConstant(_ tensor: Tensor, name: String = "") -> ValueID {
    let value = graph.addConstant(tensor, name: name)
    grow()
    know(value, tensor)
    return value
  }

  /// A new value, for the output of a node that is about to be inserted.
  mutating func addValue(_ name: String = "", type: ValueType? = nil) -> ValueID {
    let value = graph.addValue(name, type: type)
    grow()
    return value
  }

  private mutating func grow() {
    producers.append(-1)
    forwarded.append(nil)
    uses.append(0)
    facts.addValue()
    isGivenOut.append(false)
    isTakenIn.append(false)
  }

  /// Puts another node, which makes all values of the old one that somebody reads, in its place.
  mutating func replace(_ index: Int, with node: Node) {
    hasChanged = true
    let old = graph.nodes[index]
    graph.nodes[index] = node
    setKind(index, type(of: node.op))
    forgetSubgraphs(of: old)
    if !node.subgraphs.isEmpty { mayHaveSubgraphs = true }
    facts.doubt(index)
    for case let output? in node.outputs { producers[output.index] = index }
    for case let input? in node.inputs { uses[input.index] += 1 }
    for case let input? in old.inputs { release(input) }
  }

  /// Puts a node in front of the one at `index`, after those put there before.
  mutating func insert(_ node: Node, before index: Int) {
    hasChanged = true
    let new = graph.nodes.count
    graph.nodes.append(node)
    kinds.append(operators.enter(type(of: node.op)))
    forgetSubgraphs(of: node)
    if !node.subgraphs.isEmpty { mayHaveSubgraphs = true }
    insertions[index, default: []].append(new)
    for case let output? in node.outputs { producers[output.index] = new }
    for case let input? in node.inputs { uses[input.index] += 1 }
    learn(to: min(index, originalCount))
    facts.addNode(graph)
  }

  /// Lets everybody who reads `value` read `other` instead.
  mutating func forward(_ value: ValueID, to other: ValueID) {
    let other = resolve(other)
    guard value != other else { return }
    hasChanged = true
    if graph[other].type == nil { graph[other].type = graph[value].type }
    uses[other.index] += uses[value.index]
    uses[value.index] = 0
    if isGivenOut[value.index] { isGivenOut[other.index] = true }
    isGivenOut[value.index] = false
    forwarded[value.index] = other
    hasForwarded = true
    removeIfUnused(producers[value.index])
  }

  /// Whether forwarding would make two outputs of the graph share their memory, or an output be an input.
  func mayForward(_ value: ValueID, to other: ValueID) -> Bool {
    guard isOutput(value) else { return true }
    return !isGivenOut[other.index] && !isTakenIn[other.index]
  }

  /// Makes the outputs of a node constants and the node go, and constants that nobody else reads: what has been computed beforehand is
  /// given back as soon as what it was computed for is there.
  mutating func fold(_ index: Int, _ results: [Tensor]) {
    hasChanged = true
    for (slot, output) in graph.nodes[index].outputs.enumerated() {
      guard let output, uses[output.index] > 0 else { continue }
      graph.constants[output] = results[slot]
      graph[output].type = .tensor(results[slot].element, dims: results[slot].shape.dims.map(Dimension.known))
      producers[output.index] = -1
      know(output, results[slot])
    }
    facts.recede(to: index)
    remove(index)
    for case let input? in graph.nodes[index].inputs {
      let input = resolve(input)
      if uses[input.index] == 0, isConstant(input) { graph.constants[input] = nil }
    }
  }

  /// Replaces the subgraphs of a node by rewritten ones, whose captures may be fewer, and drops inputs that none of them captures.
  mutating func setSubgraphs(_ index: Int, _ subgraphs: [Graph]) {
    forgetSubgraphs(of: graph.nodes[index])
    exchangeSubgraphs(index, subgraphs)
  }

  private mutating func forgetSubgraphs(of node: Node) {
    if !inner.isEmpty, let place = GraphEditor.place(of: node) { inner[place] = nil }
  }

  private static func place(of node: Node) -> ValueID? {
    for case let output? in node.outputs { return output }
    return nil
  }

  private mutating func exchangeSubgraphs(_ index: Int, _ subgraphs: [Graph]) {
    hasChanged = true
    var subgraphs = subgraphs
    let formal = graph.nodes[index].formalInputCount
    let old = graph.nodes[index].inputs
    var inputs = Array(old[..<formal])
    for number in subgraphs.indices {
      for capture in subgraphs[number].captures.indices {
        inputs.append(old[subgraphs[number].captures[capture].input])
        subgraphs[number].captures[capture].input = inputs.count - 1
      }
    }
    for case let input? in inputs { uses[input.index] += 1 }
    graph.nodes[index].inputs = inputs
    graph.nodes[index].subgraphs = subgraphs
    for case let input? in old { release(input) }
  }

  /// Drops outputs from the end, which nobody reads.
  mutating func trimOutputs(_ index: Int, to count: Int) {
    hasChanged = true
    graph.nodes[index].outputs.removeLast(graph.nodes[index].outputs.count - count)
  }

  private mutating func release(_ value: ValueID) {
    let value = resolve(value)
    uses[value.index] -= 1
    if uses[value.index] == 0 { removeIfUnused(producers[value.index]) }
  }

  /// Removes a node whose outputs nobody reads.
  mutating func removeIfUnused(_ index: Int) {
    guard index >= 0, kinds[index] != GraphEditor.gone,
      graph.nodes[index].outputs.allSatisfy({ $0.map { uses[$0.index] == 0 } ?? true })
    else { return }
    remove(index)
  }

  private mutating func remove(_ index: Int) {
    var pending = [index]
    while let index = pending.popLast() {
      setGone(index)
      for case let input? in graph.nodes[index].inputs {
        let input = resolve(input)
        uses[input.index] -= 1
        let producer = producers[input.index]
        if uses[input.index] == 0, producer >= 0, kinds[producer] != GraphEditor.gone,
          graph.nodes[producer].outputs.allSatisfy({ $0.map { uses[$0.index] == 0 } ?? true })
        {
          pending.append(producer)
        }
      }
    }
  }

  /// Removes every node whose outputs nobody reads.
  mutating func removeUnused() throws(PinionError) {
    var poll = Poll(control)
    for index in graph.nodes.indices.reversed() where isThere(index) {
      try poll.count(64)
      removeIfUnused(index)
      if !isThere(index) { hasChanged = true }
    }
  }

  // MARK: Sweeps

  /// Runs `body` over the subgraphs, innermost first, and then over this graph.
  /// - Returns: whether anything has changed.
  mutating func edit(_ body: (inout GraphEditor) throws(PinionError) -> Void) throws(PinionError) -> Bool {
    hasChanged = false
    hasForwarded = false
    if mayHaveSubgraphs { try editSubgraphs(body) }
    try body(&self)
    if let stop = facts.stop { throw stop }
    guard hasChanged else { return false }
    try settle()
    revision += 1
    return true
  }

  private mutating func editSubgraphs(_ body: (inout GraphEditor) throws(PinionError) -> Void) throws(PinionError) {
    for index in indices where !graph.nodes[index].subgraphs.isEmpty {
      var subgraphs = graph.nodes[index].subgraphs
      let place = GraphEditor.place(of: graph.nodes[index])
      var editors = place.flatMap { inner.removeValue(forKey: $0) } ?? []
      var haveChanged = false
      for number in subgraphs.indices {
        let known = capturedFacts(subgraphs[number], of: index)
        if editors.count > number, editors[number].graph.captures.count == known.count {
          if editors[number].facts.know(captured: known, editors[number].graph) { editors[number].idle = [:] }
        } else {
          editors.removeLast(editors.count - min(editors.count, number))
          editors.append(try GraphEditor(subgraphs[number], captured: known, symbols, control: control))
        }
        editors[number].control = control
        editors[number].pass = pass
        guard try editors[number].editSubgraph(body) else { continue }
        subgraphs[number] = editors[number].graph
        haveChanged = true
      }
      if haveChanged {
        exchangeSubgraphs(index, subgraphs)
        for number in editors.indices { editors[number].graph.captures = graph.nodes[index].subgraphs[number].captures }
      }
      if let place { inner[place] = editors }
    }
  }

  private mutating func editSubgraph(_ body: (inout GraphEditor) throws(PinionError) -> Void) throws(PinionError) -> Bool {
    if let pass, idle[pass] == revision { return false }
    let hasChanged = try edit(body)
    if !hasChanged, let pass { idle[pass] = revision }
    return hasChanged
  }

  /// Brings the nodes in order, closes gaps, and drops constants that nobody reads.
  private mutating func settle() throws(PinionError) {
    var poll = Poll(control)
    for index in kinds.indices {
      try poll.count(32)
      if isThere(index) {
        renew(index)
      } else {
        for case let output? in graph.nodes[index].outputs where producers[output.index] == index { producers[output.index] = -1 }
      }
    }
    if insertions.isEmpty { try closeGaps(&poll) } else { try reorder(&poll) }
    originalCount = graph.nodes.count
    for index in graph.outputs.indices { graph.outputs[index] = resolve(graph.outputs[index]) }
    var unread: [ValueID] = []
    for value in graph.constants.keys {
      try poll.count(8)
      if uses[value.index] <= 0 { unread.append(value) }
    }
    for value in unread {
      try poll.count(128)
      graph.constants[value] = nil
    }
  }

  /// Whether what the editor knows of makers and readers is what the graph says; between sweeps.
  var isConsistent: Bool {
    let makers = graph.producers()
    return uses == graph.useCounts() && kinds.count == graph.nodes.count && facts.nodeCount == graph.nodes.count
      && graph.nodes.indices.allSatisfy { kind($0) == type(of: graph.nodes[$0].op) }
      && operators.kinds.allSatisfy { kind in kind.count == graph.nodes.count { type(of: $0.op) == kind.type } }
      && graph.values.indices.allSatisfy { uses[$0] == 0 || producers[$0] == makers[$0] ?? -1 }
  }

  private mutating func closeGaps(_ poll: inout Poll) throws(PinionError) {
    var count = 0, order: [Int] = []
    order.reserveCapacity(kinds.count)
    for index in kinds.indices where isThere(index) {
      try poll.count(32)
      order.append(index)
      if count < index {
        graph.nodes.withUnsafeMutableBufferPointer { $0.swapAt(count, index) }
        kinds[count] = kinds[index]
        for case let output? in graph.nodes[count].outputs { producers[output.index] = count }
      }
      count += 1
    }
    graph.nodes.removeLast(graph.nodes.count - count)
    kinds.removeLast(kinds.count - count)
    facts.arrange(order)
  }

  private mutating func reorder(_ poll: inout Poll) throws(PinionError) {
    var order: [Int] = []
    func append(_ index: Int) {
      for inserted in insertions[index] ?? [] { append(inserted) }
      if isThere(index) { order.append(index) }
    }
    for index in indices { append(index) }
    insertions.removeAll()
    try poll.count(16 &* order.count)
    graph.nodes.bring(order)
    kinds = order.map { kinds[$0] }
    facts.arrange(order)
    for index in graph.nodes.indices {
      try poll.count(16)
      for case let output? in graph.nodes[index].outputs { producers[output.index] = index }
    }
  }
}
