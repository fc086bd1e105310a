import PinionBase
import PinionGraph
import PinionTensor

/// Higher-order operators: If, Loop, Scan, and wrappers that are inlined.
extension Lowering {
  /// A tensor or number that is given to a subgraph.
  private enum Given {
    case tensor(Term)
    case number(Number)
  }

  func lowerControl(_ c: Call) throws(PinionError) -> Bool {
    guard c.key.hasPrefix("higher_order.") else { return false }
    let arguments = c.node.inputs.map(\.argument)
    var graphs: [PT2Graph] = []
    for case .graph(let graph) in arguments { graphs.append(graph) }
    let name = c.key.dropFirst("higher_order.".count)
    switch name {
    case "wrap_with_set_grad_enabled", "wrap_with_autocast", "wrap", "checkpoint", "tag_activation_checkpoint":
      guard let graph = graphs.first, let at = arguments.firstIndex(where: { if case .graph = $0 { true } else { false } }) else {
        throw .invalidModel("the target has no graph")
      }
      try inline(graph, arguments.dropFirst(at + 1).map { $0 }, c)
    case "cond": try lowerCondition(c, graphs, arguments)
    case "while_loop":
      guard graphs.count == 2, arguments.count >= 3 else { throw .invalidModel("while_loop takes two graphs") }
      try lowerLoop(c, graphs[0], graphs[1], carried: try given(arguments[2]), more: arguments.count > 3 ? try given(arguments[3]) : [])
    case "scan":
      guard let graph = graphs.first, arguments.count >= 3 else { throw .invalidModel("scan takes a graph") }
      try lowerScan(
        c, graph, states: try given(arguments[1]), slices: try given(arguments[2]), more: arguments.count > 3 ? try given(arguments[3]) : [])
    case "map_impl":
      guard let graph = graphs.first, arguments.count >= 2 else { throw .invalidModel("map takes a graph") }
      try lowerScan(c, graph, states: [], slices: try given(arguments[1]), more: arguments.count > 2 ? try given(arguments[2]) : [])
    case "with_effects":
      // A token, the operator, and its arguments; what is checked here has no results.
      guard arguments.count >= 2, case .string(let name) = arguments[1] else { throw .invalidModel("with_effects names no operator") }
      guard name.hasPrefix("torch.ops."), Lowering.isCheck(Call.key(name)) else { throw .unsupported("the effect of \(name)") }
    default: return false
    }
    return true
  }

  private func given(_ argument: PT2Argument) throws(PinionError) -> [Given] {
    switch argument {
    case .tensors(let names):
      var list: [Given] = []
      for case let name? in names { list.append(.tensor(try term(name))) }
      return list
    case .tensor(let name): return [.tensor(try term(name))]
    case .symbol(let name): return [.number(try number(named: name))]
    case .int(let value): return [.number(.int(value))]
    case .float(let value): return [.number(.float(value))]
    case .bool(let value): return [.number(.bool(value))]
    case .ints(let sizes):
      var list: [Given] = []
      for size in sizes {
        switch size {
        case .known(let value): list.append(.number(.int(value)))
        case .named(let name): list.append(.number(try number(named: name)))
        case .expression: throw .invalidModel("an operand of a graph is an expression")
        }
      }
      return list
    case .none: return []
    default: throw .unsupported("an operand of a graph that is neither tensor nor number")
    }
  }

  /// Runs a graph's nodes in this one, under names of its own; what shares memory goes on sharing it.
  private func inline(_ body: PT2Graph, _ arguments: [PT2Argument], _ c: Call) throws(PinionError) {
    guard arguments.count >= body.inputs.count else { throw .invalidModel("a graph of \(body.inputs.count) inputs is given \(arguments.count)") }
    var inner: [String: TensorHandle] = [:], innerNumbers: [String: Number] = [:]
    for (input, argument) in zip(body.inputs, arguments) {
      switch (input, argument) {
      case (.tensor(let name), .tensor(let outer)): inner[name] = try handle(outer)
      case (.symbol(let name), .symbol(let outer)): innerNumbers[name] = try number(named: outer)
      case (.symbol(let name), .int(let value)): innerNumbers[name] = .int(value)
      default: continue
      }
    }
    let results = try nested(body, inner, innerNumbers)
    var names: [String?] = []
    for output in c.node.outputs {
      switch output {
      case .tensor(let name): names.append(name)
      case .tensors(let list): names += list
      default: names.append(nil)
      }
    }
    for (name, result) in zip(names, results) { if let name, let result { tensors[name] = result } }
  }

  /// Lowers a graph's nodes into this one with other names in sight, and gives its outputs.
  private func nested(_ body: PT2Graph, _ inner: [String: TensorHandle], _ innerNumbers: [String: Number]) throws(PinionError) -> [TensorHandle?] {
    let (outerSource, outerTensors, outerNumbers, outerName) = (source, tensors, numbers, nodeName)
    (source, tensors, numbers) = (body, inner, innerNumbers)
    defer { (source, tensors, numbers, nodeName) = (outerSource, outerTensors, outerNumbers, outerName) }
    try lowerNodes()
    var results: [TensorHandle?] = []
    for output in body.outputs {
      switch output {
      case .tensor(let name): results.append(try handle(name))
      case .symbol(let name): results.append(TensorHandle(try symbol(try number(named: name))))
      default: results.append(nil)
      }
    }
    return results
  }

  /// A graph for a subgraph attribute, in which the inputs' names stand for these.
  func child(_ body: PT2Graph) throws(PinionError) -> Lowering {
    try Lowering(body, resolver: resolver, report: report, depth: depth + 1)
  }

  private func bindInputs(of child: Lowering, from first: Int, to list: [Given]) throws(PinionError) {
    let inputs = child.source.inputs
    guard first + list.count <= inputs.count else { throw .invalidModel("a graph of \(inputs.count) inputs is given \(first + list.count)") }
    for (offset, given) in list.enumerated() {
      switch (inputs[first + offset], given) {
      case (.tensor(let name), .tensor(let term)): child.tensors[name] = TensorHandle(child.capture(term, from: self))
      case (.symbol(let name), .number(.symbol(let term))): child.numbers[name] = .symbol(child.capture(term, from: self))
      case (.symbol(let name), .number(let number)): child.numbers[name] = number
      default: continue
      }
    }
  }

  /// Lowers the child's nodes and gives its outputs as values that its own nodes make.
  private func outputs(of child: Lowering) throws(PinionError) -> [Term] {
    try child.lowerNodes()
    var results: [Term] = []
    for output in child.source.outputs {
      let term: Term
      switch output {
      case .tensor(let name): term = try child.term(name)
      case .symbol(let name): term = try child.symbol(try child.number(named: name))
      case .int(let value): term = try child.scalar(value, .int64)
      default: throw .unsupported("an output of a graph that is neither tensor nor number")
      }
      results.append(try child.op("Identity", [term]))
    }
    return results
  }

  private func lowerCondition(_ c: Call, _ graphs: [PT2Graph], _ arguments: [PT2Argument]) throws(PinionError) {
    guard graphs.count == 2, let predicate = arguments.first else { throw .invalidModel("cond takes two graphs") }
    let condition: Term
    switch predicate {
    case .tensor(let name): condition = try reshape(try cast(try term(name), .bool), [] as [Int64])
    case .symbol(let name): condition = try cast(try symbol(try number(named: name)), .bool)
    case .bool(let value): condition = try scalar(Int64(value ? 1 : 0), .bool)
    default: throw .invalidModel("the condition is neither a tensor nor a number")
    }
    var list: [Given] = []
    for argument in arguments.dropFirst(3) { list += try given(argument) }
    var bodies: [Lowering] = []
    var results: [Term] = []
    for graph in graphs {
      let body = try child(graph)
      try bindInputs(of: body, from: 0, to: list)
      results = try outputs(of: body)
      body.graph.outputs = results.map(\.id)
      bodies.append(body)
    }
    guard bodies[0].graph.outputs.count == bodies[1].graph.outputs.count else { throw .invalidModel("the graphs of a cond differ in their outputs") }
    let ids = try emit("If", [condition.id], ["then_branch": .graph(0), "else_branch": .graph(1)], outputs: results.count, bodies: bodies)
    try bind(results.enumerated().map { Term(id: ids[$0], element: $1.element, dims: $1.dims.map { _ in nil }, isComplex: $1.isComplex) }, c)
  }

  func inputTerm(_ child: Lowering, like term: Term, _ name: String, dropping: Bool = false) -> Term {
    let dims = dropping ? Array(term.dims.dropFirst()) : term.dims
    let id = child.graph.addValue(name, type: nil)
    child.graph.inputs.append(id)
    return Term(id: id, element: term.element, dims: dims, isComplex: term.isComplex)
  }

  private func bindInput(_ child: Lowering, _ index: Int, _ term: Term) {
    guard index < child.source.inputs.count else { return }
    switch child.source.inputs[index] {
    case .tensor(let name): child.tensors[name] = TensorHandle(term)
    case .symbol(let name): child.numbers[name] = .symbol(term)
    default: break
    }
  }

  private func terms(_ list: [Given]) throws(PinionError) -> [Term] {
    var terms: [Term] = []
    for given in list {
      switch given {
      case .tensor(let term): terms.append(term)
      case .number(let number): terms.append(try symbol(number))
      }
    }
    return terms
  }

  private func lowerLoop(_ c: Call, _ test: PT2Graph, _ step: PT2Graph, carried: [Given], more: [Given]) throws(PinionError) {
    let initial = try terms(carried)
    guard !initial.isEmpty else { throw .invalidModel("a loop carries nothing") }
    let body = try child(step)
    _ = inputTerm(body, like: Term(id: initial[0].id, element: .int64, dims: []), "iteration")
    _ = inputTerm(body, like: Term(id: initial[0].id, element: .bool, dims: []), "condition")
    for (index, term) in initial.enumerated() { bindInput(body, index, inputTerm(body, like: term, "carried_\(index)")) }
    try bindInputs(of: body, from: initial.count, to: more)
    let extra = body.tensors, extraNumbers = body.numbers
    let next = try outputs(of: body)
    guard next.count == initial.count else { throw .invalidModel("a loop carries \(initial.count) values and gives \(next.count)") }
    func condition(_ place: Lowering, _ values: [Term], _ more: [Given]) throws(PinionError) -> Term {
      var inner: [String: TensorHandle] = [:], innerNumbers: [String: Number] = [:]
      for (index, input) in test.inputs.enumerated() {
        if index < values.count {
          switch input {
          case .tensor(let name): inner[name] = TensorHandle(values[index])
          case .symbol(let name): innerNumbers[name] = .symbol(values[index])
          default: break
          }
          continue
        }
        switch (input, place === self || index >= step.inputs.count ? nil : step.inputs[index]) {
        case (.tensor(let name), .tensor(let own)?): inner[name] = extra[own]
        case (.symbol(let name), .symbol(let own)?): innerNumbers[name] = extraNumbers[own]
        case (.tensor(let name), nil): if index - values.count < more.count, case .tensor(let term) = more[index - values.count] { inner[name] = TensorHandle(term) }
        case (.symbol(let name), nil): if index - values.count < more.count, case .number(let number) = more[index - values.count] { innerNumbers[name] = number }
        default: break
        }
      }
      guard let result = try place.nested(test, inner, innerNumbers).first ?? nil else { throw .invalidModel("a loop's condition gives nothing") }
      return try place.reshape(try place.cast(try place.read(result), .bool), [] as [Int64])
    }
    let start = try condition(self, initial, more)
    let again = try body.op("Identity", [try condition(body, next, more)])
    body.graph.outputs = [again.id] + next.map(\.id)
    let ids = try emit("Loop", [nil, start.id] + initial.map(\.id), ["body": .graph(0)], outputs: initial.count, bodies: [body])
    try bind(next.enumerated().map { Term(id: ids[$0], element: $1.element, dims: initial[$0].dims, isComplex: $1.isComplex) }, c)
  }

  private func lowerScan(_ c: Call, _ graph: PT2Graph, states: [Given], slices: [Given], more: [Given]) throws(PinionError) {
    let initial = try terms(states), scanned = try terms(slices)
    guard !scanned.isEmpty else { throw .invalidModel("a scan over nothing") }
    let body = try child(graph)
    for (index, term) in initial.enumerated() { bindInput(body, index, inputTerm(body, like: term, "state_\(index)")) }
    for (index, term) in scanned.enumerated() { bindInput(body, initial.count + index, inputTerm(body, like: term, "slice_\(index)", dropping: true)) }
    try bindInputs(of: body, from: initial.count + scanned.count, to: more)
    let results = try outputs(of: body)
    body.graph.outputs = results.map(\.id)
    let ids = try emit(
      "Scan", (initial + scanned).map(\.id), ["body": .graph(0), "num_scan_inputs": .int(Int64(scanned.count))], outputs: results.count, bodies: [body])
    let count = scanned[0].dims.first ?? nil
    try bind(
      results.enumerated().map {
        Term(id: ids[$0], element: $1.element, dims: $0 < initial.count ? initial[$0].dims : [count] + $1.dims, isComplex: $1.isComplex)
      }, c)
  }
}
