import PinionBase
import PinionGraph
import PinionTensor

/// What is known of the values of a graph that is being rewritten: inferred as far as somebody asks, and again where something has changed.
struct LearnedFacts {
  /// Filled when somebody asks.
  private var facts: Facts
  private var isFilled = false
  private var captured: [Fact]?
  let symbols: Symbols
  /// The nodes before this one have facts that are up to date: none of them, nor a value that they read, has changed since.
  private var frontier = 0
  /// Counts inferences, from 1 on.
  private var clock = 0
  /// When the fact of a value changed last, by value, and when a node's facts were inferred, by node: 0 for one that has changed since.
  /// A node is inferred again where an input has changed later.
  private var changes: [Int]
  private var inferences: [Int]
  /// Polled while facts are learned.
  private var poll: Poll
  /// What ended the learning of facts, which say less from then on; the sweep ends with it at the next node.
  private(set) var stop: PinionError?

  /// - Parameter captured: what is known of the values that the graph captures, in their order; nil for a main graph.
  init(_ graph: Graph, captured: [Fact]?, _ symbols: Symbols, control: RunControl) {
    self.captured = captured
    self.symbols = symbols
    facts = Facts(symbols)
    changes = [Int](repeating: 0, count: graph.values.count)
    inferences = [Int](repeating: 0, count: graph.nodes.count)
    poll = Poll(control)
  }

  mutating func setControl(_ control: RunControl) { poll = Poll(control) }

  var nodeCount: Int { inferences.count }
  /// The element types of all values that have been known so far, by their raw values.
  var elements: Set<Int32> { facts.elements }
  subscript(value: ValueID?) -> Fact { facts[value] }

  /// Whether something has to be learned before the nodes before `end` have facts.
  func isToLearn(to end: Int) -> Bool { frontier < end || !isFilled }

  /// Infers the facts of nodes before `end` that have changed. After a limit has ended it once, nothing more is learned.
  /// - Parameter isThere: whether a node still is.
  mutating func learn(to end: Int, _ graph: Graph, isThere: (Int) -> Bool) {
    guard stop == nil else { return }
    do throws(PinionError) {
      if !isFilled {
        isFilled = true
        try facts.fill(graph, captured: captured, &poll)
      }
      while frontier < end {
        try poll.count(64 &+ 16 &* graph.nodes[frontier].inputs.count)
        if isThere(frontier), isStale(frontier, graph) { infer(frontier, graph) }
        frontier += 1
      }
    } catch { stop = error }
  }

  private func isStale(_ index: Int, _ graph: Graph) -> Bool {
    let time = inferences[index]
    if time == 0 { return true }
    for case let input? in graph.nodes[index].inputs where changes[input.index] > time { return true }
    return false
  }

  private mutating func infer(_ index: Int, _ graph: Graph) {
    clock += 1
    inferences[index] = clock
    guard graph.nodes[index].subgraphs.isEmpty else { return }
    // Apart for so long, so that the closure does not hold the whole.
    var changes: [Int] = []
    swap(&changes, &self.changes)
    let clock = clock
    facts.infer(graph.nodes, index, graph.constants) { changes[$0.index] = clock }
    swap(&changes, &self.changes)
  }

  // MARK: What has changed

  mutating func addValue() { changes.append(0) }

  /// Infers the facts of a node that has been put behind all others, where those before its place are up to date.
  mutating func addNode(_ graph: Graph) {
    inferences.append(0)
    if isFilled { infer(inferences.count - 1, graph) }
  }

  mutating func know(_ value: ValueID, _ constant: Tensor) {
    clock += 1
    changes[value.index] = clock
    if isFilled { facts.set(value, Fact(constant: constant)) }
  }

  /// Takes note of what is known of the captured values now.
  /// - Returns: whether that is something else than before.
  mutating func know(captured new: [Fact], _ graph: Graph) -> Bool {
    guard let old = captured, old.count == new.count, graph.captures.count == new.count else { return false }
    var hasChanged = false
    for (slot, capture) in graph.captures.enumerated() where !new[slot].isSame(as: old[slot]) {
      clock += 1
      changes[capture.inner.index] = clock
      if isFilled { facts.set(capture.inner, new[slot]) }
      frontier = 0
      hasChanged = true
    }
    captured = new
    return hasChanged
  }

  /// Has a node's facts inferred again when somebody asks.
  mutating func doubt(_ index: Int) {
    inferences[index] = 0
    recede(to: index)
  }

  /// Has nodes from here on looked at again.
  mutating func recede(to index: Int) { frontier = min(frontier, index) }

  /// Nodes have other places: those that are left, in this order.
  mutating func arrange(_ order: [Int]) {
    inferences = order.map { inferences[$0] }
    frontier = 0
  }
}
