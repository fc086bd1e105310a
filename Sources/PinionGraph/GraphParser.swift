import PinionBase
import PinionTensor

extension Graph {
  /// Reads a graph from the form that `text(elementLimit:)` writes.
  /// - Throws: `.invalidModel` with line and column, also where the resolver does not know an operator.
  public init(parsing text: String, resolver: any OperatorResolver) throws(PinionError) {
    var parser = GraphParser(text, resolver: resolver)
    guard parser.cursor.accept(word: "graph") else { throw parser.cursor.error("expected 'graph', found \(parser.cursor.found())") }
    self = try parser.graph(outer: nil).graph
    try parser.cursor.expectEnd()
    try verify()
  }
}

/// Recursive descent over graph text.
struct GraphParser {
  static let depthLimit = 64

  var cursor: GraphCursor
  private let resolver: any OperatorResolver
  private var depth = 0

  init(_ text: String, resolver: any OperatorResolver) {
    cursor = GraphCursor(text)
    self.resolver = resolver
  }

  private typealias Scope = [String: ValueID]

  /// A graph from its name on, and the enclosing graph's value for each of its captures.
  mutating func graph(outer: [String: ValueID]?) throws(PinionError) -> (graph: Graph, captured: [ValueID]) {
    depth += 1
    defer { depth -= 1 }
    guard depth <= GraphParser.depthLimit else { throw cursor.error("graphs are nested more than \(GraphParser.depthLimit) deep") }
    var graph = Graph(name: cursor.peek() == UInt8(ascii: "\"") ? try cursor.string() : "")
    var scope: Scope = [:]
    var captured: [ValueID] = []
    try cursor.expect("{")
    while !cursor.accept("}") {
      if cursor.accept(word: "input") {
        graph.inputs.append(try define(in: &graph, &scope))
      } else if cursor.accept(word: "output") {
        graph.outputs.append(try use(scope))
      } else if cursor.accept(word: "constant") {
        let (name, key) = try valueName(in: scope)
        try cursor.expect(":")
        scope[key] = graph.addConstant(try tensor(), name: name)
      } else if cursor.accept(word: "capture") {
        let inner = try define(in: &graph, &scope)
        try cursor.expect("=")
        guard let outer else { throw cursor.error("only a subgraph captures values") }
        graph.captures.append(Capture(inner: inner, input: captured.count))
        captured.append(try use(outer))
      } else {
        try node(in: &graph, &scope)
      }
    }
    return (graph, captured)
  }

  // MARK: Values

  /// The name of a value, and the text that stands for it.
  private mutating func valueToken() throws(PinionError) -> (name: String, key: String) {
    try cursor.expect("%")
    let name = cursor.next == UInt8(ascii: "\"") ? try cursor.string() : cursor.take(while: isNameByte)
    guard cursor.next == UInt8(ascii: "#") else {
      guard !name.isEmpty else { throw cursor.error("expected the name of a value, found \(cursor.found())") }
      return (name, "\(name)#1")
    }
    cursor.skip()
    return (name, "\(name)#\(try cursor.integer("a number", as: UInt32.self))")
  }

  private mutating func valueName(in scope: Scope) throws(PinionError) -> (name: String, key: String) {
    _ = cursor.peek()
    let start = cursor.position
    let token = try valueToken()
    guard scope[token.key] == nil else { throw cursor.error("'%\(token.name)' is defined twice", at: start) }
    return token
  }

  private mutating func define(in graph: inout Graph, _ scope: inout Scope) throws(PinionError) -> ValueID {
    let (name, key) = try valueName(in: scope)
    let value = graph.addValue(name, type: cursor.accept(":") ? try type() : nil)
    scope[key] = value
    return value
  }

  private mutating func use(_ scope: Scope) throws(PinionError) -> ValueID {
    _ = cursor.peek()
    let start = cursor.position
    let (name, key) = try valueToken()
    guard let value = scope[key] else { throw cursor.error("'%\(name)' is not defined before it is used", at: start) }
    return value
  }

  // MARK: Nodes

  private mutating func node(in graph: inout Graph, _ scope: inout Scope) throws(PinionError) {
    _ = cursor.peek()
    let start = cursor.position
    var outputs: [ValueID?] = []
    if cursor.peek() == UInt8(ascii: "%") || cursor.peek() == UInt8(ascii: "_") {
      repeat {
        outputs.append(cursor.accept("_") ? nil : try define(in: &graph, &scope))
      } while cursor.accept(",")
      try cursor.expect("=")
    }
    var domain = ""
    var name = try cursor.word("an operator")
    if cursor.accept(sequence: "::") {
      domain = name
      name = try cursor.word("an operator")
    }
    let opset: Int64? = cursor.accept("@") ? try cursor.integer("an opset") : nil
    var inputs: [ValueID?] = []
    try cursor.expect("(")
    if !cursor.accept(")") {
      repeat { inputs.append(cursor.accept("_") ? nil : try use(scope)) } while cursor.accept(",")
      try cursor.expect(")")
    }
    var attributes: [String: AttributeValue] = [:]
    var subgraphs: [Graph] = []
    var captured: [ValueID] = []
    if cursor.accept("{"), !cursor.accept("}") {
      repeat {
        let name = try cursor.word("the name of an attribute")
        guard attributes[name] == nil else { throw cursor.error("attribute '\(name)' is there twice") }
        try cursor.expect("=")
        if cursor.accept(word: "graph") {
          var (subgraph, outer) = try self.graph(outer: scope)
          for index in subgraph.captures.indices { subgraph.captures[index].input += inputs.count + captured.count }
          captured += outer
          attributes[name] = .graph(subgraphs.count)
          subgraphs.append(subgraph)
        } else {
          attributes[name] = try attribute()
        }
      } while cursor.accept(",")
      try cursor.expect("}")
    }
    let nodeName = cursor.peek() == UInt8(ascii: "\"") ? try cursor.string() : ""
    do throws(PinionError) {
      var node = try resolver.node(
        name, domain: domain, name: nodeName, attributes: attributes, inputs: inputs, outputs: outputs, subgraphs: subgraphs)
      node.inputs += captured.map(Optional.some)
      if let opset { node.opset = opset }
      graph.nodes.append(node)
    } catch { throw cursor.error(error.message, at: start) }
  }

  private mutating func attribute() throws(PinionError) -> AttributeValue {
    switch cursor.peek() {
    case UInt8(ascii: "\"")?: return .string(try cursor.string())
    case UInt8(ascii: "[")?: return try attributeList()
    default: break
    }
    let start = cursor.position
    if cursor.accept(word: "ints") { return .ints(try list { (parser) throws(PinionError) in try parser.cursor.integer("an integer") }) }
    if cursor.accept(word: "floats") {
      return .floats(try list { (parser) throws(PinionError) in try parser.float() })
    }
    if cursor.accept(word: "strings") { return .strings(try list { (parser) throws(PinionError) in try parser.cursor.string() }) }
    if cursor.accept(word: "tensors") { return .tensors(try list { (parser) throws(PinionError) in try parser.tensor() }) }
    if cursor.accept(word: "type") { return .type(try type()) }
    if let word = cursor.plainWord(), ElementType(name: word) != nil {
      cursor.rewind(to: start)
      return .tensor(try tensor())
    }
    cursor.rewind(to: start)
    let text = try cursor.number()
    if let value = Int64(text) { return .int(value) }
    if let value = Float(graphText: text) { return .float(value) }
    throw cursor.error("expected the value of an attribute, found '\(text)'", at: start)
  }

  /// A list without a word for its kind: its elements tell.
  private mutating func attributeList() throws(PinionError) -> AttributeValue {
    let start = cursor.position
    try cursor.expect("[")
    let isString = cursor.peek() == UInt8(ascii: "\"")
    cursor.rewind(to: start)
    if isString { return .strings(try list { (parser) throws(PinionError) in try parser.cursor.string() }) }
    let texts = try list { (parser) throws(PinionError) in try parser.cursor.number() }
    guard !texts.isEmpty else { throw cursor.error("an empty list needs its kind: ints [], floats [] or strings []", at: start) }
    let ints = texts.compactMap { Int64($0) }
    if ints.count == texts.count { return .ints(ints) }
    let floats = texts.compactMap { Float(graphText: $0) }
    guard floats.count == texts.count else { throw cursor.error("expected integers or floats", at: start) }
    return .floats(floats)
  }

  private mutating func float() throws(PinionError) -> Float {
    let text = try cursor.number()
    guard let value = Float(graphText: text) else { throw cursor.error("expected a float, found '\(text)'") }
    return value
  }

  mutating func list<T>(_ element: (inout GraphParser) throws(PinionError) -> T) throws(PinionError) -> [T] {
    try cursor.expect("[")
    var result: [T] = []
    if cursor.accept("]") { return result }
    repeat { result.append(try element(&self)) } while cursor.accept(",")
    try cursor.expect("]")
    return result
  }
}
