import PinionBase
import PinionGraph
import PinionTensor

/// What is known of each value of a graph, found node by node.
///
/// Where all inputs' types are known, the operators' own inference says what follows, elsewhere their rules for facts. Declarations
/// inside the model are not trusted: they are not checked.
struct Facts {
  private var facts: [Fact]
  /// The types that the facts give, by value.
  private var types: [TensorType?]
  /// Memory for what a node's rules are told, from one node to the next.
  private var inputs: [Fact?] = []
  private var constants: [Tensor?] = []
  /// The element types of all values that have been known so far, by their raw values.
  private(set) var elements: Set<Int32> = []
  private var latest: ElementType?
  let symbols: Symbols

  /// Constants of a node's inputs that its rules are told: those that decide shapes are among the first.
  private static let toldConstants = 64

  /// - Parameter captured: the facts of captured values, in their order; nil for a main graph, whose inputs a session checks.
  /// - Throws: what the limits say.
  init(_ graph: Graph, captured: [Fact]?, _ symbols: Symbols, _ poll: inout Poll) throws(PinionError) {
    self.symbols = symbols
    facts = [Fact](repeating: Fact(), count: graph.values.count)
    types = [TensorType?](repeating: nil, count: graph.values.count)
    if let captured {
      for (capture, fact) in zip(graph.captures, captured) {
        try poll.count(8)
        set(capture.inner, fact)
      }
    } else {
      for input in graph.inputs {
        try poll.count(32)
        set(input, Fact(declared: graph[input].type, symbols))
      }
    }
    var latest = Fact()
    for (value, tensor) in graph.constants {
      try poll.count(32)
      latest = Fact(constant: tensor, like: latest)
      set(value, latest, tensor.type)
    }
  }

  subscript(value: ValueID?) -> Fact {
    guard let value, value.index < facts.count else { return Fact() }
    return facts[value.index]
  }

  mutating func set(_ value: ValueID, _ fact: Fact) { set(value, fact, fact.type) }

  private mutating func set(_ value: ValueID, _ fact: Fact, _ type: TensorType?) {
    while facts.count <= value.index {
      facts.append(Fact())
      types.append(nil)
    }
    facts[value.index] = fact
    types[value.index] = type
    note(fact)
  }

  private mutating func note(_ fact: Fact) {
    guard let element = fact.element, element != latest else { return }
    latest = element
    elements.insert(element.rawValue)
  }

  /// Finds the facts of the outputs of a node without subgraphs.
  /// - Parameters:
  ///   - nodes: of which the one at `index` is meant, so that it need not be copied.
  ///   - constant: the constant that a value is.
  ///   - hasChanged: called for each output of which other things are known than before.
  mutating func infer(_ nodes: [Node], _ index: Int, constant: (ValueID) -> Tensor?, hasChanged: (ValueID) -> Void) {
    let operands = nodes[index].inputs, outputs = nodes[index].outputs
    var inputs: [Fact?] = [], constants: [Tensor?] = []
    swap(&inputs, &self.inputs)
    swap(&constants, &self.constants)
    defer {
      inputs.removeAll(keepingCapacity: inputs.count <= Facts.toldConstants)
      constants.removeAll(keepingCapacity: constants.count <= Facts.toldConstants)
      swap(&inputs, &self.inputs)
      swap(&constants, &self.constants)
    }
    for (slot, input) in operands.enumerated() {
      inputs.append(input.map { self[$0] })
      constants.append(slot < Facts.toldConstants ? input.flatMap(constant) : nil)
    }
    let op = nodes[index].op
    let types = known(op, operands, inputs, constants, outputCount: outputs.count)
    var rules: [Fact] = []
    // What the types do not tell is the values.
    if types?.contains(where: { ($0.element == .int64 || $0.element == .bool) && $0.rank <= 1 && Fact.hasValues($0.element, $0.dims) }) ?? true {
      rules = op.facts(FactContext(inputs: inputs, constants: constants, outputCount: outputs.count, symbols: symbols))
    }
    for (slot, output) in outputs.enumerated() {
      guard let output else { continue }
      var fact = slot < rules.count ? rules[slot] : Fact()
      let type = types.flatMap { slot < $0.count ? $0[slot] : nil }
      if let type {
        fact.element = type.element
        fact.dims = type.dims
      }
      fact = fact.consistent
      guard !fact.isSame(as: self[output]) else { continue }
      // The number of values may tell an extent that was not known.
      set(output, fact, type ?? fact.type)
      hasChanged(output)
    }
  }

  /// - Parameters:
  ///   - operands: the values of which `inputs` are the facts.
  ///   - constants: those of them that are constants.
  private func known(
    _ op: any Operator, _ operands: [ValueID?], _ inputs: [Fact?], _ constants: [Tensor?], outputCount: Int
  ) -> [TensorType]? {
    for case let operand? in operands where type(of: operand) == nil { return nil }
    var types: [TensorType?] = []
    types.reserveCapacity(operands.count)
    var values = constants
    for (slot, operand) in operands.enumerated() {
      types.append(operand.flatMap { type(of: $0) })
      if slot < Facts.toldConstants, values[slot] == nil, let tensor = inputs[slot]?.tensor { values[slot] = tensor }
    }
    return try? op.outputTypes(InferenceContext(schema: Swift.type(of: op).schema, inputs: types, values: values, outputCount: outputCount))
  }

  private func type(of value: ValueID) -> TensorType? { value.index < types.count ? types[value.index] : nil }
}

extension Fact {
  func isSame(as other: Fact) -> Bool { element == other.element && dims == other.dims && values == other.values }
}
