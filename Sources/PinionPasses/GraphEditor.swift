import PinionBase
import PinionGraph
import PinionTensor

/// A graph that is being rewritten: who makes and who reads each value, kept up to date with every change.
///
/// A sweep visits the nodes in order. Rules look at the node in hand and back at what feeds it; a node may be replaced,
/// nodes may be put in front of it, and a value may be forwarded to another, which later nodes then read instead.
/// Nodes whose outputs nobody reads any more go at once.
struct GraphEditor {
  private(set) var graph: Graph
  /// Whether anything has been changed.
  private(set) var hasChanged = false
  /// What is known of the values' types, made when somebody asks.
  private var facts: Facts?
  private let captured: [Fact]?
  let symbols: Symbols
  /// The nodes before this one have been asked about their outputs' types.
  private var frontier = 0

  /// For each node its operator's qualified name; nil for a node that is gone.
  private var names: [String?] = []
  private var producers: [Int]
  private var uses: [Int]
  /// Values that others stand for, by index.
  private var forwarded: [ValueID?]
  /// New nodes to stand in front of a node, by its index.
  private var insertions: [Int: [Int]] = [:]
  private let originalCount: Int

  /// - Parameter captured: what is known of the values that the graph captures, in their order; nil for a main graph.
  init(_ graph: Graph, captured: [Fact]?, _ symbols: Symbols) {
    self.graph = graph
    self.symbols = symbols
    originalCount = graph.nodes.count
    producers = [Int](repeating: -1, count: graph.values.count)
    forwarded = [ValueID?](repeating: nil, count: graph.values.count)
    names.reserveCapacity(graph.nodes.count)
    for (index, node) in graph.nodes.enumerated() {
      names.append(node.schema.qualifiedName)
      for case let output? in node.outputs { producers[output.index] = index }
    }
    uses = graph.useCounts()
    self.captured = captured
  }

  // MARK: Looking

  /// What is known of a value that nodes before the one at `index` make.
  mutating func fact(_ value: ValueID?, at index: Int) -> Fact {
    var known = facts ?? Facts(graph, captured: captured, symbols)
    facts = nil
    let end = min(index, originalCount)
    while frontier < end {
      if names[frontier] != nil { known.infer(graph.nodes[frontier], constants: graph.constants) }
      frontier += 1
    }
    facts = known
    return known[value]
  }

  /// The facts of the values that the node's subgraph captures.
  mutating func capturedFacts(_ subgraph: Graph, of index: Int) -> [Fact] {
    subgraph.captures.map { fact(graph.nodes[index].inputs[$0.input], at: index) }
  }

  /// The indices of the nodes that a sweep visits.
  var indices: Range<Int> { 0..<originalCount }

  func isThere(_ index: Int) -> Bool { names[index] != nil }
  func name(_ index: Int) -> String { names[index] ?? "" }
  subscript(index: Int) -> Node { graph.nodes[index] }

  /// The constant that the value is.
  func constant(_ value: ValueID?) -> Tensor? { value.flatMap { graph.constants[$0] } }

  /// The node that makes the value.
  func producer(_ value: ValueID?) -> Int? {
    guard let value else { return nil }
    let index = producers[value.index]
    return index >= 0 && names[index] != nil ? index : nil
  }

  /// The node that makes the value, if its operator is one of these.
  func producer(_ value: ValueID?, _ operators: String...) -> Int? {
    guard let index = producer(value), operators.contains(name(index)) else { return nil }
    return index
  }

  /// How often nodes read the value and the graph gives it out.
  func useCount(_ value: ValueID) -> Int { uses[value.index] }

  /// The node that makes the value, if its operator is one of these and nobody else reads the value.
  func soleProducer(_ value: ValueID?, _ operators: String...) -> Int? {
    guard let value, uses[value.index] == 1, let index = producer(value), operators.contains(name(index)) else { return nil }
    return index
  }

  /// The input of a node, nil for an absent one.
  func input(_ node: Int, _ slot: Int) -> ValueID? {
    let inputs = graph.nodes[node].inputs
    return slot < graph.nodes[node].formalInputCount ? inputs[slot] : nil
  }

  /// The input of a node of two inputs that is not `value`; nil where both are.
  func other(_ node: Int, than value: ValueID) -> ValueID? {
    let inputs = graph.nodes[node].inputs
    guard inputs.count == 2 else { return nil }
    if inputs[0] == value { return inputs[1] == value ? nil : inputs[1] }
    return inputs[1] == value ? inputs[0] : nil
  }

  /// The constant input and the other one of a node of two inputs; nil where not exactly one is constant.
  func constantAndOther(_ node: Int) -> (constant: Tensor, constantSlot: Int, other: ValueID)? {
    let inputs = graph.nodes[node].inputs
    guard inputs.count == 2, let a = inputs[0], let b = inputs[1] else { return nil }
    switch (graph.constants[a], graph.constants[b]) {
    case (let constant?, nil): return (constant, 0, b)
    case (nil, let constant?): return (constant, 1, a)
    default: return nil
    }
  }

  func isOutput(_ value: ValueID) -> Bool { graph.outputs.contains { resolve($0) == value } }

  // MARK: Changing

  /// Brings the inputs of the node up to date; to be called when the sweep comes to it.
  mutating func visit(_ index: Int) {
    for slot in graph.nodes[index].inputs.indices {
      guard let input = graph.nodes[index].inputs[slot], forwarded[input.index] != nil else { continue }
      graph.nodes[index].inputs[slot] = resolve(input)
    }
  }

  private func resolve(_ value: ValueID) -> ValueID {
    var value = value
    while let next = forwarded[value.index] { value = next }
    return value
  }

  mutating func addConstant(_ tensor: Tensor, name: String = "") -> ValueID {
    let value = graph.addConstant(tensor, name: name)
    grow()
    facts?.set(value, Fact(constant: tensor))
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
  }

  /// Puts another node, which makes all values of the old one that somebody reads, in its place.
  mutating func replace(_ index: Int, with node: Node) {
    hasChanged = true
    let old = graph.nodes[index]
    graph.nodes[index] = node
    names[index] = node.schema.qualifiedName
    for case let output? in node.outputs { producers[output.index] = index }
    for case let input? in node.inputs { uses[input.index] += 1 }
    for case let input? in old.inputs { release(input) }
  }

  /// Puts a node in front of the one at `index`, after those put there before.
  mutating func insert(_ node: Node, before index: Int) {
    hasChanged = true
    let new = graph.nodes.count
    graph.nodes.append(node)
    names.append(node.schema.qualifiedName)
    insertions[index, default: []].append(new)
    for case let output? in node.outputs { producers[output.index] = new }
    for case let input? in node.inputs { uses[input.index] += 1 }
    _ = fact(nil, at: index)
    var known = facts
    facts = nil
    known?.infer(node, constants: graph.constants)
    facts = known
  }

  /// Lets everybody who reads `value` read `other` instead.
  mutating func forward(_ value: ValueID, to other: ValueID) {
    let other = resolve(other)
    guard value != other else { return }
    hasChanged = true
    if graph[other].type == nil { graph[other].type = graph[value].type }
    uses[other.index] += uses[value.index]
    uses[value.index] = 0
    forwarded[value.index] = other
    removeIfUnused(producers[value.index])
  }

  /// Whether forwarding would make two outputs of the graph share their memory, or an output be an input.
  func mayForward(_ value: ValueID, to other: ValueID) -> Bool {
    guard isOutput(value) else { return true }
    return !isOutput(other) && !graph.inputs.contains(other) && !graph.captures.contains { $0.inner == other }
  }

  /// Makes the outputs of a node constants and the node go.
  mutating func fold(_ index: Int, _ results: [Tensor]) {
    hasChanged = true
    for (slot, output) in graph.nodes[index].outputs.enumerated() {
      guard let output else { continue }
      graph.constants[output] = results[slot]
      graph[output].type = .tensor(results[slot].element, dims: results[slot].shape.dims.map(Dimension.known))
      producers[output.index] = -1
      facts?.set(output, Fact(constant: results[slot]))
    }
    remove(index)
  }

  /// Replaces the subgraphs of a node by rewritten ones, whose captures may be fewer, and drops inputs that none of them captures.
  mutating func setSubgraphs(_ index: Int, _ subgraphs: [Graph]) {
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

  private mutating func removeIfUnused(_ index: Int) {
    guard index >= 0, names[index] != nil,
      graph.nodes[index].outputs.allSatisfy({ $0.map { uses[$0.index] == 0 } ?? true })
    else { return }
    remove(index)
  }

  private mutating func remove(_ index: Int) {
    var pending = [index]
    while let index = pending.popLast() {
      names[index] = nil
      for case let input? in graph.nodes[index].inputs {
        let input = resolve(input)
        uses[input.index] -= 1
        let producer = producers[input.index]
        if uses[input.index] == 0, producer >= 0, names[producer] != nil,
          graph.nodes[producer].outputs.allSatisfy({ $0.map { uses[$0.index] == 0 } ?? true })
        {
          pending.append(producer)
        }
      }
    }
  }

  /// Removes every node whose outputs nobody reads.
  mutating func removeUnused() {
    for index in graph.nodes.indices.reversed() where names[index] != nil {
      removeIfUnused(index)
      if names[index] == nil { hasChanged = true }
    }
  }

  // MARK: Finishing

  /// The rewritten graph.
  mutating func finish() -> Graph {
    guard hasChanged else { return graph }
    var nodes: [Node] = []
    nodes.reserveCapacity(graph.nodes.count)
    var order: [Int] = []
    func append(_ index: Int) {
      for inserted in insertions[index] ?? [] { append(inserted) }
      order.append(index)
    }
    for index in indices { append(index) }
    for index in order where names[index] != nil {
      visit(index)
      nodes.append(graph.nodes[index])
    }
    graph.nodes = nodes
    graph.outputs = graph.outputs.map(resolve)
    graph.constants = graph.constants.filter { uses[$0.key.index] > 0 }
    return graph
  }
}
