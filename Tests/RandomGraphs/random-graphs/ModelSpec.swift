import Pinion
import PinionBase
import PinionTensor

/// An attribute of a node, as a model file has it.
indirect enum AttributeSpec {
  case int(Int)
  case float(Float)
  case string(String)
  case tensor(Tensor)
  case graph(GraphSpec)
  case ints([Int])
  case floats([Float])
  case strings([String])
  case type(ValueType)
  /// The attribute of the function call in whose body the node stands.
  case reference(String, kind: Int)
}

/// A node, as a model file has it. Operands are names; an empty name is an absent operand.
struct NodeSpec {
  /// Tells nodes of one model apart.
  var id: Int
  var domain: String
  var op: String
  var inputs: [String]
  var outputs: [String]
  var attributes: [(name: String, value: AttributeSpec)]

  func attribute(_ name: String) -> AttributeSpec? { attributes.first { $0.name == name }?.value }
  func int(_ name: String) -> Int? {
    guard case .int(let value)? = attribute(name) else { return nil }
    return value
  }
  func ints(_ name: String) -> [Int]? {
    guard case .ints(let values)? = attribute(name) else { return nil }
    return values
  }
  func graph(_ name: String) -> GraphSpec? {
    guard case .graph(let graph)? = attribute(name) else { return nil }
    return graph
  }
  var subgraphs: [GraphSpec] {
    attributes.compactMap { if case .graph(let graph) = $0.value { graph } else { nil } }
  }
}

/// A value with what the model says of it; nil for nothing at all.
struct ValueSpec {
  var name: String
  var type: ValueType?
}

struct GraphSpec {
  var inputs: [ValueSpec] = []
  var initializers: [(name: String, tensor: Tensor)] = []
  var nodes: [NodeSpec] = []
  var outputs: [ValueSpec] = []
}

struct FunctionSpec {
  var domain: String
  var name: String
  var inputs: [String]
  var outputs: [String]
  var attributes: [String]
  var nodes: [NodeSpec]
  var opset: Int
}

/// What one run gives: values of inputs by name.
typealias Feeds = [String: Value]

/// What a model is made for and held against.
enum Kind: String, CaseIterable {
  /// Every check of a model by itself, at a few extents.
  case single
  /// Many runs at extents that grow, shrink and come again on one session, against a session for each of them.
  case sequences
  /// Values that a state keeps from run to run, against the same values as plain inputs and outputs.
  case state
}

/// An input and the output that is this input in the next run.
struct CarriedSpec: Hashable {
  var input: String
  var output: String
}

/// A model and the runs that it is checked with, in order, on one session.
struct ModelSpec {
  var kind = Kind.single
  /// What a state keeps.
  var carried: [CarriedSpec] = []
  /// What it begins with.
  var initial: Feeds = [:]
  var graph = GraphSpec()
  var functions: [FunctionSpec] = []
  var opset = 22
  var mlOpset = 3
  var runs: [Feeds] = []
  /// All names of values are different, also between graphs.
  func function(_ node: NodeSpec) -> FunctionSpec? { functions.first { $0.domain == node.domain && $0.name == node.op } }
}

extension ModelSpec {
  /// Names of the nodes whose values outputs are computed from, types alone left out; nil where subgraphs and functions make it hard to tell.
  var neededNodes: Set<String>? {
    guard functions.isEmpty, graph.nodes.allSatisfy({ $0.subgraphs.isEmpty }) else { return nil }
    var values = Set(graph.outputs.map(\.name)), nodes: Set<String> = []
    for node in graph.nodes.reversed() where node.outputs.contains(where: values.contains) {
      nodes.formUnion(node.outputs)
      guard node.op != "Shape", node.op != "Size", !node.op.hasSuffix("Like") else { continue }
      values.formUnion(node.inputs)
      // An absent operand.
      values.remove("")
    }
    return nodes
  }

  /// The model as Pinion reads it.
  func loaded() throws(PinionError) -> Model {
    let file = encoded().withUnsafeBytes { bytes in Result { () throws(PinionError) in try FileMapping(copying: bytes) } }
    return try Model(try file.get())
  }
}
