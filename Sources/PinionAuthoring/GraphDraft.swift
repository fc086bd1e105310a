import PinionBase
import PinionGraph
import PinionImport
import PinionTensor
import Synchronization

/// A graph on its way from code into a model.
///
/// Inputs, constants and nodes are added in the order in which they follow from each other; each call says at once what is wrong, and
/// then has changed nothing. Types are inferred as the graph grows. Subgraphs of If, Loop and Scan are drafts of their own, which may use
/// values of the graph around them. Not thread-safe.
public final class GraphDraft {
  /// A value of one draft, good there and in the drafts inside it.
  public struct Value: Hashable, Sendable {
    let draft: UInt32
    let id: ValueID

    /// A number that is never 0.
    package var code: Int64 { Int64(draft) << 32 | Int64(id.index &+ 1) }

    /// The value that has this number; nil for 0.
    package init?(code: Int64) {
      let index = Int(code & 0xffff_ffff)
      guard index > 0, let draft = UInt32(exactly: code >> 32) else { return nil }
      self.draft = draft
      id = ValueID(index: index - 1)
    }

    init(draft: UInt32, id: ValueID) {
      self.draft = draft
      self.id = id
    }
  }

  /// The operator-set version of ai.onnx where none is chosen.
  public static let defaultOpset: Int64 = 21
  /// Values that one graph may have.
  static let valueLimit = 1 << 31
  static let depthLimit = 64
  private static let serials = Atomic<UInt32>(1)

  let resolver: any OperatorResolver
  let parent: GraphDraft?
  let depth: Int
  /// Tells the values of this draft from those of others.
  let serial: UInt32
  var graph: Graph
  var types: KnownTypes
  /// Versions of operator sets by domain, at the outermost draft.
  private var opsets: [String: Int64]
  private(set) var properties: [(key: String, value: String)] = []
  private(set) var overridable: [(name: String, value: ValueID)] = []
  /// Names that values of this draft have.
  private var names: Set<String> = []
  private var nameCounts: [String: Int] = [:]
  /// The enclosing draft's value for each capture, in the order of `graph.captures`.
  private(set) var capturedValues: [ValueID] = []
  private var inners: [ValueID: ValueID] = [:]
  /// Constants that no run may replace.
  private(set) var settled = ConstantTable()
  /// Values that nodes make.
  private var made: Set<ValueID> = []
  /// The node whose subgraph this is, once it has one; nothing is added from then on.
  var owner: String?

  /// - Parameters:
  ///   - opset: the version of ai.onnx that nodes are of where they do not say.
  /// - Throws: `.unsupported` for an opset that this build does not read.
  package init(name: String = "", opset: Int64 = GraphDraft.defaultOpset, resolver: any OperatorResolver) throws(PinionError) {
    self.resolver = resolver
    parent = nil
    depth = 0
    serial = GraphDraft.nextSerial()
    graph = Graph(name: name)
    types = KnownTypes()
    opsets = [:]
    try setOpset(opset)
  }

  private init(inside parent: GraphDraft, name: String) {
    resolver = parent.resolver
    self.parent = parent
    depth = parent.depth + 1
    serial = GraphDraft.nextSerial()
    graph = Graph(name: name)
    types = KnownTypes(outer: parent.types)
    opsets = [:]
  }

  private static func nextSerial() -> UInt32 { serials.wrappingAdd(1, ordering: .relaxed).oldValue & 0x7fff_ffff }

  // MARK: The graph itself

  /// A draft for a subgraph of one of this draft's next nodes.
  public func subgraph(name: String = "") throws(PinionError) -> GraphDraft {
    try checkOpen()
    guard depth < GraphDraft.depthLimit else { throw .invalidArgument("subgraphs lie more than \(GraphDraft.depthLimit) deep") }
    return GraphDraft(inside: self, name: name)
  }

  /// Chooses the version of an operator set that later nodes are of where they do not say.
  /// - Parameter domain: empty or "ai.onnx" for the standard operators.
  public func setOpset(_ version: Int64, domain: String = "") throws(PinionError) {
    guard parent == nil else { throw .invalidArgument("operator sets are chosen at the outermost graph") }
    let domain = ONNXVersions.normalized(domain)
    if domain.isEmpty {
      guard ONNXVersions.opset.contains(version) else {
        throw .unsupported("opset \(version); expected \(ONNXVersions.opset.lowerBound) to \(ONNXVersions.opset.upperBound)")
      }
    } else {
      guard version >= 1 else { throw .invalidArgument("opset \(version) of '\(domain)'; expected 1 or more") }
    }
    opsets[domain] = version
  }

  /// The version of an operator set that nodes are of where they do not say.
  public func opset(domain: String = "") -> Int64 {
    if let parent { return parent.opset(domain: domain) }
    return opsets[ONNXVersions.normalized(domain)] ?? 1
  }

  /// The operator sets that were chosen.
  var chosenOpsets: [(domain: String, version: Int64)] { opsets.sorted { $0.key < $1.key }.map { ($0.key, $0.value) } }

  /// Sets one of the model's own key-value pairs.
  public func setProperty(_ key: String, _ value: String) throws(PinionError) {
    guard parent == nil else { throw .invalidArgument("properties are set at the outermost graph") }
    properties.removeAll { $0.key == key }
    properties.append((key, value))
  }

  /// The graph as text, one line a node.
  public var text: String { graph.description }

  // MARK: Values

  /// Adds an input, of the model or of a subgraph.
  /// - Parameter type: extents that are open may have names; those of one name are taken for equal.
  public func addInput(_ name: String, _ type: ValueType) throws(PinionError) -> Value {
    try checkOpen()
    try GraphDraft.check(type, of: name)
    try claim(name, "input")
    let value = graph.addValue(name, type: type)
    graph.inputs.append(value)
    types.declare(value, type)
    return Value(draft: serial, id: value)
  }

  /// Adds an input that a run may leave out: it then has these contents, which are borrowed.
  public func addInput(_ name: String, default tensor: Tensor) throws(PinionError) -> Value {
    try checkOpen()
    guard parent == nil else { throw .invalidArgument("input '\(name)' has a default, which only inputs of the outermost graph may have") }
    try claim(name, "input")
    let value = graph.addConstant(tensor, name: name)
    overridable.append((name, value))
    types.declare(value, graph[value].type)
    return Value(draft: serial, id: value)
  }

  /// Adds a tensor of which nothing changes; its memory is borrowed and must not change either.
  /// - Parameter name: empty for one that is made up.
  public func addConstant(_ tensor: Tensor, name: String = "") throws(PinionError) -> Value {
    try checkOpen()
    let name = try name.isEmpty ? freshName("constant") : claim(name, "constant")
    return Value(draft: serial, id: settle(tensor, name: name))
  }

  /// A constant that no run replaces.
  func settle(_ tensor: Tensor, name: String) -> ValueID {
    let value = graph.addConstant(tensor, name: name)
    settleConstants(from: value.index)
    return value
  }

  /// Takes note of constants among the values from an index on.
  func settleConstants(from first: Int) {
    for index in first..<graph.values.count {
      let value = ValueID(index: index)
      guard let tensor = graph.constants[value] else { continue }
      settled[value] = tensor
      types.declare(value, nil, constant: tensor)
    }
  }

  func append(_ node: Node) {
    for case let output? in node.outputs { made.insert(output) }
    graph.nodes.append(node)
  }

  /// Adds an output. Of the outermost graph the name is the output's; one that the value cannot take, since it is an input, a constant or
  /// an output already, is that of a copy.
  /// - Parameter name: empty for the value's own.
  public func addOutput(_ value: Value, name: String = "") throws(PinionError) {
    try checkOpen()
    var id = try resolve(value, "the output")
    let isMade = made.contains(id)
    if parent == nil, name.isEmpty, graph.outputs.contains(id) {
      throw .invalidArgument("value '\(graph[id].name)' is an output already; a second one needs a name of its own")
    }
    if !name.isEmpty, name != graph[id].name {
      if isMade, !graph.outputs.contains(id) {
        try claim(name, "output")
        names.remove(graph[id].name)
        graph[id].name = name
      } else {
        id = try resolve(try addNode("Identity", inputs: [Value(draft: serial, id: id)], outputNames: [name])[0], "the output")
      }
    }
    if graph[id].type == nil { graph[id].type = types.type(id) }
    graph.outputs.append(id)
  }

  /// Name and type of a value, as far as the type is known.
  public func info(_ value: Value) throws(PinionError) -> ValueInfo {
    let (draft, id) = try owner(of: value)
    return ValueInfo(name: draft.graph[id].name, type: draft.types.type(id))
  }

  private func owner(of value: Value) throws(PinionError) -> (GraphDraft, ValueID) {
    var draft: GraphDraft? = self
    while let current = draft {
      if current.serial == value.draft {
        guard current.graph.values.indices.contains(value.id.index) else { break }
        return (current, value.id)
      }
      draft = current.parent
    }
    throw .invalidArgument("value \(value.code) is none of this graph or of those around it")
  }

  /// The value in this graph; one of a graph around becomes a capture, or a constant if it is one in every run.
  func resolve(_ value: Value, _ role: @autoclosure () -> String) throws(PinionError) -> ValueID {
    if value.draft == serial {
      guard graph.values.indices.contains(value.id.index) else { throw .invalidArgument("\(role()) is value \(value.code), which this graph does not have") }
      return value.id
    }
    guard let parent else {
      throw .invalidArgument("\(role()) is value \(value.code), which is none of this graph or of those around it")
    }
    let outer = try parent.resolve(value, role())
    if let known = inners[outer] { return known }
    let inner: ValueID
    if let constant = parent.graph.constants[outer], !parent.overridable.contains(where: { $0.value == outer }) {
      inner = settle(constant, name: parent.graph[outer].name)
    } else {
      inner = graph.addValue(parent.graph[outer].name, type: parent.types.type(outer))
      graph.captures.append(Capture(inner: inner, input: capturedValues.count))
      capturedValues.append(outer)
      types.capture(inner, outer, of: parent.types)
    }
    inners[outer] = inner
    return inner
  }

  // MARK: Names

  /// Whether a value of this graph, or of one around it, has the name.
  private func isTaken(_ name: String) -> Bool { names.contains(name) || parent?.isTaken(name) ?? false }

  /// Takes a name that no value in sight has.
  @discardableResult
  func claim(_ name: String, _ what: String) throws(PinionError) -> String {
    guard !name.isEmpty else { throw .invalidArgument("an \(what) needs a name") }
    guard !name.utf8.contains(0) else { throw .invalidArgument("\(what) '\(name.replacingNULs)': the name has a NUL in it") }
    guard !isTaken(name) else { throw .invalidArgument("\(what) '\(name)': a value of this graph, or of one around it, has that name already") }
    guard graph.values.count < GraphDraft.valueLimit else { throw .invalidArgument("a graph has at most \(GraphDraft.valueLimit) values") }
    names.insert(name)
    return name
  }

  /// A name that no value in sight has, which is taken.
  func freshName(_ base: String) -> String {
    while true {
      let number = nameCounts[base, default: 0] + 1
      nameCounts[base] = number
      let name = "\(base)_\(number)"
      if !isTaken(name) {
        names.insert(name)
        return name
      }
    }
  }

  func release(_ name: String) { names.remove(name) }

  func checkOpen() throws(PinionError) {
    guard let owner else { return }
    throw .invalidArgument("the graph is a subgraph of node '\(owner)' already and takes nothing more")
  }

  private static func check(_ type: ValueType, of name: String) throws(PinionError) {
    _ = try type.allowed()
    guard case .tensor(_, let dims?) = type else { return }
    guard dims.count <= 64 else { throw .invalidArgument("input '\(name)' has rank \(dims.count), expected at most 64") }
    for case .known(let extent) in dims where extent < 0 {
      throw .invalidArgument("input '\(name)' has an extent of \(extent), expected 0 or more")
    }
  }
}
