import PinionBase
import PinionGraph
import PinionTensor

/// What all graphs of one program share while it is imported.
final class LoweringReport {
  /// What the records of a node are counted as.
  private static let nodeBytes = 2048
  /// How many of the nodes that are not supported are named one by one.
  private static let reportLimit = 1000
  /// Nodes that the program's own may become in total.
  static let nodeLimit = 4_000_000
  static let depthLimit = 32
  /// The limits of the load.
  let control: RunControl
  private var unsupported: [PinionError] = []
  private var unsupportedNames: [String] = []
  private var unsupportedKinds: Set<String> = []
  private var unsupportedCount = 0
  private var nodeCount = 0

  init(_ control: RunControl) { self.control = control }

  func countNode() throws(PinionError) {
    try control.check()
    try control.takeBytes(LoweringReport.nodeBytes)
    nodeCount += 1
    guard nodeCount <= LoweringReport.nodeLimit else { throw .invalidModel("the program becomes more than \(LoweringReport.nodeLimit) nodes") }
  }

  func add(_ error: PinionError) {
    unsupportedCount += 1
    if unsupportedKinds.insert(error.operatorName).inserted, unsupportedNames.count < LoweringReport.reportLimit {
      unsupportedNames.append(error.operatorName)
    }
    if unsupported.count < LoweringReport.reportLimit { unsupported.append(error) }
  }

  /// All that is missing as one error.
  func error() -> PinionError? {
    guard let first = unsupported.first else { return nil }
    guard unsupportedCount > 1 else { return first }
    let more = unsupportedKinds.count - unsupportedNames.count
    var error = PinionError.unsupported(
      "\(unsupportedCount) nodes are not supported; targets: " + unsupportedNames.joined(separator: ", ") + (more > 0 ? " and \(more) more" : ""))
    error.others = unsupported
    return error
  }
}

/// Turns one graph of a program into a graph of operators.
final class Lowering {
  let resolver: any OperatorResolver
  let report: LoweringReport
  let depth: Int
  var graph = Graph()
  var source: PT2Graph
  /// The tensors that the program's names stand for.
  var tensors: [String: TensorHandle] = [:]
  var numbers: [String: Number] = [:]
  /// Results that a target's mapping does not give, with their place among the target's results.
  private var omitted: [String: (target: String, index: Int)] = [:]
  /// The enclosing graph's values that this one uses, in the order of `graph.captures`.
  private(set) var captured: [ValueID] = []
  private var capturedTerms: [ValueID: ValueID] = [:]
  private var vectors: [[Int64]: ValueID] = [:]
  /// The node of the program that is being lowered.
  var nodeName = ""

  init(_ source: PT2Graph, resolver: any OperatorResolver, report: LoweringReport, depth: Int = 0) throws(PinionError) {
    guard depth < LoweringReport.depthLimit else { throw .invalidModel("graphs lie more than \(LoweringReport.depthLimit) deep") }
    self.source = source
    self.resolver = resolver
    self.report = report
    self.depth = depth
  }

  // MARK: Nodes of the program

  func lowerNodes() throws(PinionError) {
    for node in source.nodes {
      try report.control.check()
      nodeName = node.name
      do throws(PinionError) {
        try lower(node)
      } catch {
        var located = error.at(node: node.name, operator: node.target)
        guard located.code == .unsupported else { throw located }
        if !node.place.isEmpty { located.message += ", at \(node.place)" }
        report.add(located)
        try bindPlaceholders(node)
      }
    }
    nodeName = ""
  }

  private func lower(_ node: PT2Node) throws(PinionError) {
    let call = Call(node, self)
    if try lowerAliasing(call) { return }
    if try lowerSymbolic(call) { return }
    if try lowerControl(call) { return }
    if let results = try results(of: call) { return try bind(results, call) }
    if node.target.hasPrefix("torch._functorch.predispatch.") {
      throw .unsupported("vmap as it was traced is not supported; export after run_decompositions(), which takes it apart")
    }
    throw .unsupported("target is not supported")
  }

  /// The results of a target that makes new tensors; nil for one that no family knows.
  func results(of call: Call) throws(PinionError) -> [Term]? {
    if let results = try complexHalves(call) { return results }
    if let results = try elementwise(call) { return results }
    if let results = try arithmetic(call) { return results }
    if let results = try comparison(call) { return results }
    if let results = try products(call) { return results }
    if let results = try convolution(call) { return results }
    if let results = try pooling(call) { return results }
    if let results = try normalization(call) { return results }
    if let results = try reduction(call) { return results }
    if let results = try shaping(call) { return results }
    if let results = try indexing(call) { return results }
    if let results = try creation(call) { return results }
    if let results = try sorting(call) { return results }
    if let results = try quantiles(call) { return results }
    if let results = try differenceQuotients(call) { return results }
    if let results = try attention(call) { return results }
    if let results = try recurrent(call) { return results }
    if let results = try resampling(call) { return results }
    if let results = try spectral(call) { return results }
    if let results = try losses(call) { return results }
    if let results = try linearAlgebra(call) { return results }
    if let results = try quantization(call) { return results }
    if let results = try compositions(call) { return results }
    return try vision(call)
  }

  /// Targets that do the same to the real and the imaginary halves of complex numbers, which they take one after the other.
  private func complexHalves(_ call: Call) throws(PinionError) -> [Term]? {
    switch call.base {
    case "pad", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d", "replication_pad2d",
      "replication_pad3d", "tril", "triu", "sum", "mean", "cumsum", "trace", "diag", "diag_embed", "gather", "take_along_dim":
      break
    default: return nil
    }
    guard case .tensor? = call.argument("self") else { return nil }
    let term = try call.tensor("self")
    guard term.isComplex else { return nil }
    var halves: [Term] = []
    for index in 0..<2 {
      // No name of a program begins like this.
      let name = "\u{0}half"
      tensors[name] = TensorHandle(try apply(.part(index), term))
      defer { tensors[name] = nil }
      var half = call.replacing("self", by: .tensor(name))
      // What is filled in is real.
      if index == 1, call.has("value") { half = half.replacing("value", by: .float(0)) }
      guard let result = try results(of: half)?.first else { return nil }
      halves.append(result)
    }
    return [try pair(halves[0], halves[1])]
  }

  func bind(_ results: [Term], _ call: Call) throws(PinionError) {
    var names: [String?] = []
    for output in call.node.outputs {
      switch output {
      case .tensor(let name): names.append(name)
      case .tensors(let list): names += list
      case .symbol(let name): names.append(name)
      default: names.append(nil)
      }
    }
    for (index, name) in names.enumerated() {
      guard let name else { continue }
      guard index < results.count else {
        omitted[name] = (call.key, index)
        continue
      }
      if case .symbol? = index < call.node.outputs.count ? call.node.outputs[index] : nil {
        numbers[name] = .symbol(results[index])
        continue
      }
      tensors[name] = TensorHandle(try conform(results[index], to: name), layout: source.tensors[name])
    }
  }

  /// The term in the element type that the program has traced, with the extents it knows.
  func conform(_ term: Term, to name: String) throws(PinionError) -> Term {
    guard let meta = source.tensors[name] else { return term }
    let (element, isComplex) = try meta.element()
    guard term.isComplex == isComplex else { throw .unsupported("the result is \(isComplex ? "complex" : "real"), which this target's mapping does not give") }
    var result = try cast(term, element)
    if meta.sizes.count == result.rank {
      for (axis, size) in meta.knownSizes.enumerated() where result.dims[axis] == nil { result.dims[axis] = size }
    } else {
      result.dims = meta.knownSizes
    }
    if graph[result.id].name.isEmpty { graph[result.id].name = name }
    return result
  }

  /// Values that let the rest be looked at where a node cannot be lowered.
  private func bindPlaceholders(_ node: PT2Node) throws(PinionError) {
    for output in node.outputs {
      switch output {
      case .tensor(let name): tensors[name] = TensorHandle(try placeholder(name))
      case .tensors(let names): for case let name? in names { tensors[name] = TensorHandle(try placeholder(name)) }
      case .symbol(let name): numbers[name] = .symbol(Term(id: graph.addValue(name), element: .int64, dims: []))
      default: break
      }
    }
  }

  private func placeholder(_ name: String) throws(PinionError) -> Term {
    var term = Term(id: graph.addValue(name), element: .float32, dims: [])
    if let meta = source.tensors[name] {
      (term.element, term.isComplex) = try meta.element()
      term.dims = meta.knownSizes
    }
    return term
  }

  // MARK: Names

  func term(_ name: String) throws(PinionError) -> Term { try read(try handle(name)) }

  func handle(_ name: String) throws(PinionError) -> TensorHandle {
    if let handle = tensors[name] { return handle }
    if let (target, index) = omitted[name] { throw .unsupported("result \(index) of \(target) is used, which is not computed") }
    throw .invalidModel("tensor '\(name)' is used before it is made")
  }

  func number(named name: String) throws(PinionError) -> Number {
    guard let number = numbers[name] else { throw .invalidModel("number '\(name)' is used before it is made") }
    return number
  }

  // MARK: Values of the enclosing graph

  /// A value of the enclosing graph in this one: a constant again where it is one there.
  func capture(_ term: Term, from outer: Lowering) -> Term {
    var inner = term
    if let known = capturedTerms[term.id] {
      inner.id = known
    } else if let constant = outer.graph.constants[term.id] {
      inner.id = graph.addConstant(constant)
    } else {
      inner.id = graph.addValue(outer.graph[term.id].name, type: outer.graph[term.id].type)
      graph.captures.append(Capture(inner: inner.id, input: captured.count))
      captured.append(term.id)
    }
    capturedTerms[term.id] = inner.id
    return inner
  }

  // MARK: Nodes of the graph

  /// Adds a node.
  /// - Parameter bodies: its subgraphs, in the order of their attributes' numbers.
  func emit(
    _ name: String, domain: String = "", _ inputs: [ValueID?], _ attributes: [String: AttributeValue] = [:], outputs: Int = 1,
    bodies: [Lowering] = []
  ) throws(PinionError) -> [ValueID] {
    try report.countNode()
    var operands = inputs
    while let last = operands.last, last == nil { operands.removeLast() }
    let results = (0..<outputs).map { _ in graph.addValue("") }
    var subgraphs: [Graph] = []
    var captures: [ValueID] = []
    for body in bodies {
      var subgraph = body.graph
      for index in subgraph.captures.indices { subgraph.captures[index].input += operands.count + captures.count }
      captures += body.captured
      subgraphs.append(subgraph)
    }
    var node = try resolver.node(
      name, domain: domain, name: nodeName, attributes: attributes, inputs: operands, outputs: results, subgraphs: subgraphs)
    node.inputs += captures.map(Optional.some)
    graph.nodes.append(node)
    return results
  }

  /// A node of one result, of the first input's type where nothing else is said.
  func op(
    _ name: String, _ inputs: [Term?], _ attributes: [String: AttributeValue] = [:], element: ElementType? = nil, dims: [Int?]? = nil
  ) throws(PinionError) -> Term {
    // A program may give an empty list where a target takes any number of tensors.
    guard let first = inputs.first ?? nil else { throw .invalidModel("the target has no operands") }
    guard Lowering.takingPairs.contains(name) || !inputs.contains(where: { $0?.isComplex ?? false }) else {
      throw .unsupported("the target for complex numbers")
    }
    guard let id = try emit(name, inputs.map { $0?.id }, attributes).first else { throw .internal("a node without results") }
    return Term(id: id, element: element ?? first.element, dims: dims ?? first.dims, isComplex: first.isComplex)
  }

  // MARK: Constants

  func vector(_ values: [Int64]) throws(PinionError) -> ValueID {
    if let known = vectors[values] { return known }
    let id = graph.addConstant(try Tensor(vector: values))
    vectors[values] = id
    return id
  }

  func vectorTerm(_ values: [Int64]) throws(PinionError) -> Term {
    Term(id: try vector(values), element: .int64, dims: [values.count])
  }

  func constant(_ tensor: Tensor) -> Term {
    Term(id: graph.addConstant(tensor), element: tensor.element, dims: tensor.shape.dims)
  }

  /// A scalar of an element type, with the value as that type has it.
  func scalar(_ value: Double, _ element: ElementType) throws(PinionError) -> Term {
    switch element {
    case .float32: return constant(try Tensor(scalar: Float(value)))
    case .float64: return constant(try Tensor(scalar: value))
    case .float16: return constant(try Tensor(scalar: Float16(value)))
    case .bfloat16: return constant(try Tensor(scalar: BFloat16(Float(value))))
    case .bool: return constant(try Tensor(scalar: value != 0))
    default:
      if element.isInteger {
        guard let whole = Int64(exactly: value.rounded(.towardZero)) else { throw .invalidValue("number \(value) as \(element)") }
        return try scalar(whole, element)
      }
      return try cast(constant(try Tensor(scalar: Float(value))), element)
    }
  }

  func scalar(_ value: Int64, _ element: ElementType) throws(PinionError) -> Term {
    switch element {
    case .int64: constant(try Tensor(scalar: value))
    case .int32: constant(try Tensor(scalar: Int32(truncatingIfNeeded: value)))
    case .int16: constant(try Tensor(scalar: Int16(truncatingIfNeeded: value)))
    case .int8: constant(try Tensor(scalar: Int8(truncatingIfNeeded: value)))
    case .uint8: constant(try Tensor(scalar: UInt8(truncatingIfNeeded: value)))
    case .uint16: constant(try Tensor(scalar: UInt16(truncatingIfNeeded: value)))
    case .uint32: constant(try Tensor(scalar: UInt32(truncatingIfNeeded: value)))
    case .uint64: constant(try Tensor(scalar: UInt64(bitPattern: value)))
    default: try scalar(Double(value), element)
    }
  }

  func scalar(_ number: Number, _ element: ElementType) throws(PinionError) -> Term {
    switch number {
    case .int(let value): try scalar(value, element)
    case .float(let value): try scalar(value, element)
    case .bool(let value): try scalar(Int64(value ? 1 : 0), element)
    case .symbol(let term): try cast(term, element)
    }
  }
}
