import CPinion
import Pinion
import PinionBase
import PinionOperators

/// A graph that is made through the C interface.
// Unchecked: the interface leaves it to the caller that one thread at a time changes the draft; what is asked of values is locked.
final class GraphBox: @unchecked Sendable {
  let draft: GraphDraft
  let runtime: RuntimeBox
  /// What has been said of values, kept as long as the graph: a later name is a later object.
  private let infos = Lock<(current: [Int64: InfoBox], old: [InfoBox])>(([:], []))

  init(_ draft: GraphDraft, runtime: RuntimeBox) {
    self.draft = draft
    self.runtime = runtime
  }

  func info(_ value: GraphDraft.Value) -> InfoBox? {
    guard let info = try? draft.info(value) else { return nil }
    return infos.withLock { infos in
      if let known = infos.current[value.code] {
        if String(cString: known.name.pointer) == info.name { return known }
        infos.old.append(known)
      }
      let box = InfoBox(name: info.name, type: info.type, isOptional: false)
      infos.current[value.code] = box
      return box
    }
  }
}

private nonisolated(unsafe) let defaultGraphOptions = pinion_graph_options(
  struct_size: MemoryLayout<pinion_graph_options>.size, runtime: nil, name: nil, opset: 0)

private nonisolated(unsafe) let defaultNodeOptions = pinion_node_options(
  struct_size: MemoryLayout<pinion_node_options>.size, name: nil, domain: nil, opset: 0, attributes: nil, output_names: nil)

func graphBox(_ graph: OpaquePointer?) throws(PinionError) -> GraphBox { object(try required(graph, "graph"), GraphBox.self) }

/// The text of a string that may be NULL.
func text(_ string: UnsafePointer<CChar>?) -> String { string.map { String(cString: $0) } ?? "" }

@c @implementation
public func pinion_graph_create(_ given: UnsafePointer<pinion_graph_options>!, _ graph: UnsafeMutablePointer<OpaquePointer?>!) -> pinion_status {
  status { () throws(PinionError) in
    let graph = try required(graph, "graph")
    graph.pointee = nil
    let options = try options(given, default: defaultGraphOptions) { $0.struct_size }
    let draft = try GraphDraft(
      name: text(options.name), opset: options.opset == 0 ? GraphDraft.defaultOpset : options.opset, resolver: OperatorCatalog())
    graph.pointee = handle(GraphBox(draft, runtime: runtimeBox(options.runtime)))
  }
}

@c @implementation
public func pinion_graph_create_subgraph(
  _ graph: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ subgraph: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let subgraph = try required(subgraph, "subgraph")
    subgraph.pointee = nil
    let outer = try graphBox(graph)
    subgraph.pointee = handle(GraphBox(try outer.draft.subgraph(name: text(name)), runtime: outer.runtime))
  }
}

@c @implementation
public func pinion_graph_retain(_ graph: OpaquePointer!) -> OpaquePointer! { retain(graph, GraphBox.self) }

@c @implementation
public func pinion_graph_release(_ graph: OpaquePointer!) { release(graph, GraphBox.self) }

@c @implementation
public func pinion_graph_set_opset(_ graph: OpaquePointer!, _ domain: UnsafePointer<CChar>!, _ version: Int64) -> pinion_status {
  status { () throws(PinionError) in try graphBox(graph).draft.setOpset(version, domain: text(domain)) }
}

@c @implementation
public func pinion_graph_set_metadata(_ graph: OpaquePointer!, _ key: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!) -> pinion_status {
  status { () throws(PinionError) in
    try graphBox(graph).draft.setProperty(String(cString: try required(key, "key")), String(cString: try required(text, "text")))
  }
}

/// Runs a body that gives a value, which is 0 where it fails.
private func giving(
  _ value: UnsafeMutablePointer<Int64>?, _ body: () throws(PinionError) -> GraphDraft.Value
) -> pinion_status {
  status { () throws(PinionError) in
    let value = try required(value, "value")
    value.pointee = 0
    value.pointee = try body().code
  }
}

@c @implementation
public func pinion_graph_add_input(
  _ graph: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ element: pinion_element_type, _ rank: Int32, _ dims: UnsafePointer<Int64>!,
  _ names: UnsafePointer<UnsafePointer<CChar>?>!, _ value: UnsafeMutablePointer<Int64>!
) -> pinion_status {
  giving(value) { () throws(PinionError) in
    let draft = try graphBox(graph).draft, name = String(cString: try required(name, "name")), element = try ElementType(c: element)
    guard (-1...64).contains(rank) else { throw .invalidArgument("input '\(name)' has rank \(rank), expected -1 to 64") }
    guard rank >= 0 else { return try draft.addInput(name, .tensor(element, dims: nil)) }
    guard rank == 0 || dims != nil else { throw .invalidArgument("dims is NULL") }
    var dimensions: [Dimension] = []
    for axis in 0..<Int(rank) {
      let extent = dims?[axis] ?? -1, symbol = text(names?[axis])
      guard extent >= -1 else { throw .invalidArgument("input '\(name)' has an extent of \(extent), expected -1 or more") }
      guard extent < 0 || symbol.isEmpty else {
        throw .invalidArgument("dimension \(axis) of input '\(name)' has the extent \(extent) and the name '\(symbol)', expected one of both")
      }
      dimensions.append(extent >= 0 ? .known(Int(extent)) : symbol.isEmpty ? .unknown : .symbol(symbol))
    }
    return try draft.addInput(name, .tensor(element, dims: dimensions))
  }
}

@c @implementation
public func pinion_graph_add_input_of_type(
  _ graph: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ type: UnsafePointer<CChar>!, _ value: UnsafeMutablePointer<Int64>!
) -> pinion_status {
  giving(value) { () throws(PinionError) in
    let type = try ValueType(parsing: String(cString: try required(type, "type")))
    return try graphBox(graph).draft.addInput(String(cString: try required(name, "name")), type)
  }
}

/// A tensor of the caller's, shared or in memory of its own.
private func contents(_ contents: OpaquePointer?, copy: Bool, _ box: GraphBox) throws(PinionError) -> Tensor {
  let tensor = try tensor(try required(contents, "contents"), "contents")
  return copy ? try tensor.copy(allocator: box.runtime.allocator) : tensor
}

/// The tensor that a value is.
func tensor(_ value: OpaquePointer, _ what: String) throws(PinionError) -> Tensor {
  guard case .tensor(let tensor)? = try valueBox(value)?.current() else { throw .invalidArgument("\(what) is no tensor") }
  return tensor
}

@c @implementation
public func pinion_graph_add_input_with_default(
  _ graph: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ given: OpaquePointer!, _ copy: Bool, _ value: UnsafeMutablePointer<Int64>!
) -> pinion_status {
  giving(value) { () throws(PinionError) in
    let box = try graphBox(graph)
    return try box.draft.addInput(String(cString: try required(name, "name")), default: try contents(given, copy: copy, box))
  }
}

@c @implementation
public func pinion_graph_add_constant(
  _ graph: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ given: OpaquePointer!, _ copy: Bool, _ value: UnsafeMutablePointer<Int64>!
) -> pinion_status {
  giving(value) { () throws(PinionError) in
    let box = try graphBox(graph)
    return try box.draft.addConstant(try contents(given, copy: copy, box), name: text(name))
  }
}

@c @implementation
public func pinion_graph_add_node(
  _ graph: OpaquePointer!, _ operatorName: UnsafePointer<CChar>!, _ given: UnsafePointer<pinion_node_options>!, _ inputCount: Int,
  _ inputs: UnsafePointer<Int64>!, _ outputCount: Int, _ outputs: UnsafeMutablePointer<Int64>!
) -> pinion_status {
  status { () throws(PinionError) in
    guard (0...0xffff).contains(outputCount) else { throw .invalidArgument("output_count is \(outputCount), expected 0 to 65535") }
    guard (0...0xffff).contains(inputCount) else { throw .invalidArgument("input_count is \(inputCount), expected 0 to 65535") }
    // Read before the outputs are written, which may be the same variables.
    let codes = inputCount > 0 ? Array(UnsafeBufferPointer(start: try required(inputs, "inputs"), count: inputCount)) : []
    if outputCount > 0 { try required(outputs, "outputs").update(repeating: 0, count: outputCount) }
    let draft = try graphBox(graph).draft, options = try options(given, default: defaultNodeOptions) { $0.struct_size }
    var operands: [GraphDraft.Value?] = []
    do {
      for code in codes {
        guard code == 0 || GraphDraft.Value(code: code) != nil else {
          throw .invalidArgument("input \(operands.count) is \(code), which is the value of no graph")
        }
        operands.append(GraphDraft.Value(code: code))
      }
    }
    let names = (0..<outputCount).map { index in options.output_names.flatMap { $0[index].map { String(cString: $0) } } }
    let attributes = options.attributes.map { object($0, AttributesBox.self).attributes } ?? [:]
    let values = try draft.add(
      String(cString: try required(operatorName, "operator_name")), domain: text(options.domain), opset: options.opset == 0 ? nil : options.opset,
      name: text(options.name), inputs: operands, attributes: attributes, outputNames: names)
    for (index, value) in values.enumerated() { outputs[index] = value?.code ?? 0 }
  }
}

@c @implementation
public func pinion_graph_add_output(_ graph: OpaquePointer!, _ value: Int64, _ name: UnsafePointer<CChar>!) -> pinion_status {
  status { () throws(PinionError) in
    let draft = try graphBox(graph).draft
    guard let value = GraphDraft.Value(code: value) else { throw .invalidArgument("value is \(value), which is the value of no graph") }
    try draft.addOutput(value, name: text(name))
  }
}

@c @implementation
public func pinion_graph_value_info(_ graph: OpaquePointer!, _ value: Int64) -> OpaquePointer! {
  guard let graph, let value = GraphDraft.Value(code: value) else { return nil }
  return borrowed(object(graph, GraphBox.self).info(value))
}

@c @implementation
public func pinion_graph_text(_ graph: OpaquePointer!, _ text: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!) -> pinion_status {
  status { () throws(PinionError) in
    let text = try required(text, "text")
    text.pointee = nil
    text.pointee = try ownedString(try graphBox(graph).draft.text)
  }
}

@c @implementation
public func pinion_model_create(
  _ graph: OpaquePointer!, _ given: UnsafePointer<pinion_model_options>!, _ model: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let model = try required(model, "model")
    model.pointee = nil
    let box = try graphBox(graph), options = try options(given, default: defaultModelOptions) { $0.struct_size }
    let runtime = options.runtime.map { object($0, RuntimeBox.self) } ?? box.runtime
    let made = try runtime.logging("making a model") { () throws(PinionError) in
      _ = try options.mutationsAsked()
      let limits = try options.limits()
      return try ModelBox(
        try Model(box.draft, allocator: runtime.allocator, limits: limits), runtime: runtime, control: RunControl(limits.of("the load")))
    }
    runtime.log(PINION_LOG_INFO, "made a model of \(made.model.graph.nodes.count) nodes")
    model.pointee = handle(made)
  }
}
