import PinionBase
import PinionTensor

/// A value of one graph: its index in the graph's `values`.
public struct ValueID: Hashable, Sendable, Comparable {
  public let index: Int
  public init(index: Int) { self.index = index }
  public static func < (a: ValueID, b: ValueID) -> Bool { a.index < b.index }
}

/// Name and declared type of a value.
public struct ValueInfo: Sendable {
  /// The name in the model; empty for values that a pass made.
  public var name: String
  /// What the model says about it, nil where it says nothing.
  public var type: ValueType?
  public init(name: String, type: ValueType? = nil) {
    self.name = name
    self.type = type
  }
}

/// An operator applied to values.
public struct Node: Sendable {
  public var name: String
  public var op: any Operator
  /// The operator-set version that the model asked for.
  public var opset: Int64
  /// The attributes in the operator's newest form, from which `op` was made.
  public var attributes: [String: AttributeValue]
  /// The operator's inputs, nil for absent ones, then the values that the subgraphs capture.
  public var inputs: [ValueID?]
  /// How many of `inputs` are the operator's own.
  public var formalInputCount: Int
  /// Nil for an output that nobody reads. One that the operator computes in any case has an entry, and so memory in a plan, even where
  /// the model does not name it: a kernel asks for none of them before it writes.
  public var outputs: [ValueID?] { didSet { completeOutputs() } }
  public var subgraphs: [Graph]

  public init(
    name: String, op: any Operator, opset: Int64, attributes: [String: AttributeValue], inputs: [ValueID?], outputs: [ValueID?],
    subgraphs: [Graph] = []
  ) {
    self.name = name
    self.op = op
    self.opset = opset
    self.attributes = attributes
    self.inputs = inputs
    formalInputCount = inputs.count
    self.outputs = outputs
    self.subgraphs = subgraphs
    completeOutputs()
  }

  private mutating func completeOutputs() {
    let missing = schema.leastOutputs - outputs.count
    if missing > 0 { outputs += [ValueID?](repeating: nil, count: missing) }
  }

  public var schema: Schema { type(of: op).schema }

  /// Of how many inputs an error says the types.
  private static let shownInputs = 64

  /// The types of inputs as an error shows them: the first of many.
  /// - Parameter text: of the type of an input.
  public static func texts<Inputs: Collection>(ofInputs inputs: Inputs, _ text: (Inputs.Element) -> String) -> [String] {
    let shown = inputs.prefix(shownInputs).map(text)
    return inputs.count > shownInputs ? shown + ["… \(inputs.count) in all"] : shown
  }

  /// `error` with this node as its place.
  public func locate(_ error: PinionError, inputTypes: @autoclosure () -> [String] = []) -> PinionError {
    error.at(node: name, operator: schema.qualifiedName, opset: opset, inputTypes: inputTypes())
  }
}

/// A value of the enclosing graph that a subgraph uses.
public struct Capture: Sendable {
  /// The value inside the subgraph.
  public var inner: ValueID
  /// The index in the owning node's `inputs`.
  public var input: Int
  public init(inner: ValueID, input: Int) {
    self.inner = inner
    self.input = input
  }
}

/// A computation: nodes in an order in which each follows the ones it depends on, and the values between them.
public struct Graph: Sendable {
  public var name: String
  public private(set) var values: [ValueInfo] = []
  public var nodes: [Node] = []
  /// Values that are known before any run.
  public var constants = ConstantTable()
  public var inputs: [ValueID] = []
  public var outputs: [ValueID] = []
  /// Values from the enclosing graph, for a subgraph.
  public var captures: [Capture] = []
  /// Inputs that nodes append to where they lie.
  public var held: [HeldInput] = []

  public init(name: String = "") { self.name = name }

  public mutating func addValue(_ name: String, type: ValueType? = nil) -> ValueID {
    values.append(ValueInfo(name: name, type: type))
    return ValueID(index: values.count - 1)
  }

  /// - Parameter type: the tensor's, where it is at hand already.
  public mutating func addConstant(_ tensor: Tensor, name: String = "", type: ValueType? = nil) -> ValueID {
    let id = addValue(name, type: type ?? ValueType(tensor.type))
    constants[id] = tensor
    return id
  }

  public subscript(id: ValueID) -> ValueInfo {
    get { values[id.index] }
    set { values[id.index] = newValue }
  }

  /// For each value, the index of the node that makes it, or nil.
  public func producers() -> [Int?] {
    var result = [Int?](repeating: nil, count: values.count)
    for (index, node) in nodes.enumerated() {
      for case let output? in node.outputs { result[output.index] = index }
    }
    return result
  }

  /// For each value, how often nodes read it, plus one for each time it is an output of the graph.
  public func useCounts() -> [Int] {
    var result = [Int](repeating: 0, count: values.count)
    for node in nodes {
      for case let input? in node.inputs { result[input.index] += 1 }
    }
    for output in outputs { result[output.index] += 1 }
    return result
  }

  /// Makes every reader of `old` read `new` instead.
  public mutating func replaceUses(of old: ValueID, with new: ValueID) {
    for index in nodes.indices {
      for slot in nodes[index].inputs.indices where nodes[index].inputs[slot] == old { nodes[index].inputs[slot] = new }
    }
    for index in outputs.indices where outputs[index] == old { outputs[index] = new }
  }
}
