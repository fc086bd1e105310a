import PinionTensor

extension GraphMaker {
  /// A declaration of a body's output: right, open, without extents or none at all.
  func declaration(_ operand: Operand) -> ValueSpec {
    guard let tensor = operand.tensor else { return ValueSpec(name: operand.name, type: random.chance(0.7) ? operand.value.openType : nil) }
    switch random.below(5) {
    case 0: return ValueSpec(name: operand.name, type: nil)
    case 1: return ValueSpec(name: operand.name, type: .tensor(tensor.element, dims: nil))
    case 2: return ValueSpec(name: operand.name, type: .tensor(tensor.element, dims: tensor.shape.dims.map { _ in .symbol("P\(counterForSymbols())") }))
    default: return ValueSpec(name: operand.name, type: .tensor(tensor.element, dims: tensor.shape.dims.map { _ in .unknown }))
    }
  }

  private func counterForSymbols() -> Int { freshID() }

  /// A few nodes in the innermost graph.
  func addNodes(_ count: Int) {
    for _ in 0..<count { addNode() }
  }

  /// A value of the innermost graph, where it made one, or else any.
  func result(where fits: (Operand) -> Bool) -> Operand? {
    let own = scopes[depth].operands.filter(fits)
    if !own.isEmpty, random.chance(0.85) { return random.chance(0.6) ? own[own.count - 1] : random.pick(own) }
    return existing(where: fits)
  }

  func condition(_ value: Bool?) -> Operand? {
    guard let tensor = try? Tensor(scalar: value ?? random.chance(0.5)) else { return nil }
    return add(tensor)
  }

  func makeIf() {
    guard depth < 3, let condition = condition(nil) else { return }
    var types: [(ElementType, [Int])] = []
    let count = random.int(1...2)
    var branches: [GraphSpec] = []
    for branch in 0..<2 {
      guard let graph = subgraph({ g, _ in
        g.addNodes(g.random.below(4))
        var outputs: [ValueSpec] = []
        for index in 0..<count {
          let wanted = branch == 0 ? nil : types[index]
          var found = g.result { x in x.tensor != nil && (wanted == nil || (x.element == wanted?.0 && x.dims == wanted?.1)) }
          if found == nil, let wanted { found = g.new(wanted.0, wanted.1) }
          // A branch may give one value twice.
          guard let operand = found, let element = operand.element else { return nil }
          if branch == 0 { types.append((element, operand.dims)) }
          outputs.append(g.declaration(operand))
        }
        return outputs
      }) else { return }
      branches.append(graph)
    }
    node("If", [condition], outputs: count, [("then_branch", .graph(branches[0])), ("else_branch", .graph(branches[1]))])
  }

  func makeLoop() {
    guard depth < 3 else { return }
    let trips = random.pick([0, 1, 2, 3, 3, 4])
    guard let limit = random.chance(0.9) || trips == 0 ? ints([trips], shape: []) : nil else { return }
    let startsTrue = random.chance(0.3) ? condition(random.chance(0.9)) : nil
    var carried: [Operand] = []
    for _ in 0..<random.int(0...2) {
      if let x = tensor(anything, ranks: 0...3), x.count <= 600 { carried.append(x) }
    }
    let scans = random.int((carried.isEmpty ? 1 : 0)...2)
    let iteration = freshName("i"), going = freshName("b")
    var inputs = [ValueSpec(name: iteration, type: .tensor(.int64, dims: [])), ValueSpec(name: going, type: .tensor(.bool, dims: []))]
    for x in carried { inputs.append(ValueSpec(name: freshName("k"), type: random.chance(0.3) ? nil : x.value.openType)) }
    guard let zero = try? Tensor(scalar: Int64(0)), let yes = try? Tensor(scalar: true) else { return }
    let body = subgraph(inputs: inputs, values: [.tensor(zero), .tensor(yes)] + carried.map(\.value)) { g, arguments in
      g.addNodes(g.random.int(1...4))
      guard let condition = g.node("Identity", [arguments[1]])?.first else { return nil }
      var outputs = [ValueSpec(name: condition.name, type: .tensor(.bool, dims: []))]
      for (index, x) in carried.enumerated() {
        // A carried value that is viewed, and one that is changed.
        if g.random.chance(0.5) { g.view(of: arguments[2 + index]) }
        if g.random.chance(0.5), x.element?.isFloatingPoint ?? false { g.node(g.random.pick(["Neg", "Abs", "Relu"]), [arguments[2 + index]]) }
        guard let next = g.result(where: { $0.element == x.element && $0.dims == x.dims && $0.tensor != nil }) else { return nil }
        outputs.append(g.declaration(next))
      }
      for _ in 0..<scans {
        guard let scan = g.result(where: { $0.tensor != nil && $0.count <= 600 }) else { return nil }
        outputs.append(g.declaration(scan))
      }
      return outputs
    }
    guard let body else { return }
    node("Loop", [limit, startsTrue] + carried, outputs: carried.count + scans, [("body", .graph(body))])
  }

  func makeScan() {
    guard depth < 3, opset >= 9 else { return }
    var state: [Operand] = []
    if random.chance(0.7), let x = tensor(numbers, ranks: 0...2), x.count <= 300 { state = [x] }
    guard let first = tensor(numbers, ranks: 1...3), first.count <= 1000, let element = first.element else { return }
    var scanned = [first]
    var axes = [random.below(first.rank)]
    let steps = first.dims[axes[0]]
    guard steps <= 9 else { return }
    if random.chance(0.4), let other = new(element, [steps, 2]) {
      scanned.append(other)
      axes.append(0)
    }
    var inputs: [ValueSpec] = [], values: [Value] = []
    for x in state {
      inputs.append(ValueSpec(name: freshName("k"), type: x.value.openType))
      values.append(x.value)
    }
    for (x, axis) in zip(scanned, axes) {
      guard let tensor = x.tensor, steps > 0, let slice = try? tensor.slice(axis: axis, 0) else { return }
      inputs.append(ValueSpec(name: freshName("k"), type: x.value.openType))
      values.append(.tensor(slice))
    }
    let outputs = random.int((state.isEmpty ? 1 : 0)...2)
    let body = subgraph(inputs: inputs, values: values) { g, arguments in
      g.addNodes(g.random.int(1...4))
      var declared: [ValueSpec] = []
      for (index, x) in state.enumerated() {
        if g.random.chance(0.5) { g.view(of: arguments[index]) }
        if g.random.chance(0.5) { g.node("Neg", [arguments[index]]) }
        guard let next = g.result(where: { $0.element == x.element && $0.dims == x.dims && $0.tensor != nil }) else { return nil }
        declared.append(g.declaration(next))
      }
      for _ in 0..<outputs {
        guard let scan = g.result(where: { $0.tensor != nil && $0.count <= 600 }) else { return nil }
        declared.append(g.declaration(scan))
      }
      return declared
    }
    guard let body else { return }
    var attributes: Attributes = [("body", .graph(body)), ("num_scan_inputs", .int(scanned.count)), ("scan_input_axes", .ints(axes))]
    if random.chance(0.3) { attributes.append(("scan_input_directions", .ints(axes.map { _ in random.below(2) }))) }
    if random.chance(0.3), outputs > 0 { attributes.append(("scan_output_directions", .ints((0..<outputs).map { _ in random.below(2) }))) }
    node("Scan", state + scanned, outputs: state.count + outputs, attributes)
  }

  /// A function of the model, of another opset, and a call of it.
  func makeFunction() {
    guard depth == 0 else { return }
    let name = freshName("f")
    let outer = opset
    var arguments: [Operand] = []
    for _ in 0..<random.int(1...2) { if let x = tensor(numbers + [.bool], ranks: 0...3) { arguments.append(x) } }
    opset = random.pick([6, 7, 9, 11, 12, 13, 17, 18, 21, 23])
    defer { opset = outer }
    let names = arguments.map { _ in freshName("p") }
    let body = subgraph(isClosed: true, inputs: names.map { ValueSpec(name: $0, type: nil) }, values: arguments.map(\.value)) { g, _ in
      g.addNodes(g.random.int(2...5))
      let made = g.scopes[g.depth].operands.dropFirst(names.count).filter { $0.tensor != nil && !$0.isConstant }
      guard let last = made.last else { return nil }
      return g.random.chance(0.5) ? [ValueSpec(name: last.name, type: nil)] : [ValueSpec(name: last.name, type: nil), ValueSpec(name: g.random.pick(Array(made)).name, type: nil)]
    }
    guard let body else { return }
    spec.functions.append(
      FunctionSpec(domain: "test", name: name, inputs: names, outputs: body.outputs.map(\.name), attributes: [], nodes: body.nodes, opset: opset))
    interpreter.spec.functions = spec.functions
    opset = outer
    if node(name, arguments, outputs: body.outputs.count, domain: "test") != nil, random.chance(0.3) {
      node(name, arguments, outputs: body.outputs.count, domain: "test")
    }
  }
}

extension Recipe {
  static let control: [Recipe] = [
    Recipe("If", weight: 6) { $0.makeIf() },
    Recipe("Loop", weight: 10) { $0.makeLoop() },
    Recipe("Scan", from: 9, weight: 5) { $0.makeScan() },
    Recipe([], weight: 3) { $0.makeFunction() },
  ]
}
