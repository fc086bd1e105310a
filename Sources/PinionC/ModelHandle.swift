import CPinion
import Pinion

/// A model with its metadata as C strings.
final class ModelBox: @unchecked Sendable {
  let model: Model
  let runtime: RuntimeBox
  let producerName, producerVersion, domain, docString, graphName: CText
  let opsets: [(domain: CText, version: Int64)]
  let properties: [(key: CText, value: CText, name: String)]
  let operators: [(name: CText, uses: Int)]
  let inputs, outputs: [InfoBox]
  /// Where each name stands first.
  let inputPositions, outputPositions: [String: Int]
  let nodeCount: Int
  let weightBytes: Int

  /// - Parameter control: the limits of what waits for the model.
  init(_ model: Model, runtime: RuntimeBox, control: RunControl) throws(PinionError) {
    var poll = Poll(control)
    self.model = model
    self.runtime = runtime
    let metadata = model.metadata
    producerName = CText(metadata.producerName)
    producerVersion = CText(metadata.producerVersion)
    domain = CText(metadata.domain)
    docString = CText(metadata.docString)
    graphName = CText(metadata.graphName)
    opsets = metadata.opsets.map { (CText($0.domain.isEmpty ? "ai.onnx" : $0.domain), $0.version) }
    properties = metadata.properties.map { (CText($0.key), CText($0.value), $0.key) }
    let inputPaths = ModelBox.byName(model.imported.paths.inputs), outputPaths = ModelBox.byName(model.imported.paths.outputs)
    (inputs, inputPositions) = try ModelBox.boxes(model.inputs, model.overridableInputs, inputPaths, &poll)
    (outputs, outputPositions) = try ModelBox.boxes(model.outputs, [], outputPaths, &poll)
    // By the operator's type, since names are long to compare.
    var uses: [ObjectIdentifier: (name: String, count: Int)] = [:]
    var weights = 0
    var nodes = 0
    func visit(_ graph: Graph) throws(PinionError) {
      for tensor in graph.constants.values {
        try poll.count(16)
        weights &+= tensor.byteCount
      }
      for index in graph.nodes.indices {
        try poll.count(64)
        nodes += 1
        let op = type(of: graph.nodes[index].op)
        uses[ObjectIdentifier(op), default: (op.schema.qualifiedName, 0)].count += 1
        for subgraph in graph.nodes[index].subgraphs { try visit(subgraph) }
      }
    }
    try visit(model.graph)
    operators = Dictionary(uses.values.map { ($0.name, $0.count) }, uniquingKeysWith: +).sorted { $0.key < $1.key }.map { (CText($0.key), $0.value) }
    nodeCount = nodes
    weightBytes = weights
  }

  /// What is said of inputs or outputs, the optional ones behind the others, and where each name stands first.
  private static func boxes(
    _ required: [ValueInfo], _ optional: [ValueInfo], _ paths: [String: String], _ poll: inout Poll
  ) throws(PinionError) -> ([InfoBox], [String: Int]) {
    var boxes: [InfoBox] = [], positions: [String: Int] = [:]
    boxes.reserveCapacity(required.count + optional.count)
    positions.reserveCapacity(required.count + optional.count)
    for info in required + optional {
      try poll.count(512)
      if positions[info.name] == nil { positions[info.name] = boxes.count }
      let isOptional = boxes.count >= required.count
      boxes.append(InfoBox(name: info.name, type: info.type, isOptional: isOptional, path: isOptional ? "" : paths[info.name] ?? ""))
    }
    return (boxes, positions)
  }

  private static func byName(_ paths: [String: String]) -> [String: String] {
    var result: [String: String] = [:]
    for (path, name) in paths { result[name] = path }
    return result
  }
}

nonisolated(unsafe) let defaultModelOptions = pinion_model_options(
  struct_size: MemoryLayout<pinion_model_options>.size, runtime: nil, external_data_folder: nil, timeout_ns: 0, cancel_token: nil, byte_budget: 0,
  should_stop: nil, should_stop_context: nil, read_files: 0, mutations: PINION_MUTATIONS_OUTPUTS)

/// What a load asks for besides the file.
private struct LoadRequest {
  let folder: String?
  let runtime: RuntimeBox
  let limits: RunLimits
  let readsFiles: Bool
  let mutations: Mutations
}

extension pinion_model_options {
  /// The limits of loading or making a model.
  func limits() throws(PinionError) -> RunLimits {
    guard byte_budget >= 0 else { throw .invalidArgument("byte_budget is \(byte_budget)") }
    var limits = try creationLimits(timeout: timeout_ns, cancel_token, should_stop, should_stop_context)
    if byte_budget > 0 { limits.bytes = Int(byte_budget) }
    return limits
  }

  func mutationsAsked() throws(PinionError) -> Mutations {
    guard let result = Mutations(rawValue: Int32(bitPattern: mutations.rawValue)) else {
      throw .invalidArgument("mutations is \(mutations.rawValue), expected one of pinion_mutations")
    }
    return result
  }
}

private func load(
  _ given: UnsafePointer<pinion_model_options>?, _ result: UnsafeMutablePointer<OpaquePointer?>?,
  _ body: (LoadRequest) throws(PinionError) -> Model
) -> pinion_status {
  status { () throws(PinionError) in
    let result = try required(result, "model")
    result.pointee = nil
    let options = try options(given, default: defaultModelOptions) { $0.struct_size }
    let folder = options.external_data_folder.map { String(cString: $0) }
    let runtime = runtimeBox(options.runtime)
    let begin = monotonicNanoseconds()
    let box = try runtime.logging("loading") { () throws(PinionError) in
      let limits = try options.limits(), mutations = try options.mutationsAsked(), readsFiles = try flag(options.read_files, "read_files")
      let model = try body(LoadRequest(folder: folder, runtime: runtime, limits: limits, readsFiles: readsFiles, mutations: mutations))
      return try ModelBox(model, runtime: runtime, control: RunControl(limits.of("the load")))
    }
    runtime.log(
      PINION_LOG_INFO, "loaded \(box.model.path ?? "a model from memory"): \(box.model.graph.nodes.count) nodes in \(microseconds(since: begin)) us")
    result.pointee = handle(box)
  }
}

@c @implementation
public func pinion_model_load_file(
  _ path: UnsafePointer<CChar>!, _ options: UnsafePointer<pinion_model_options>!, _ model: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  load(options, model) { (request) throws(PinionError) in
    try Model(
      path: String(cString: try required(path, "path")), externalData: request.folder, allocator: request.runtime.allocator,
      registry: request.runtime.models, readsFiles: request.readsFiles, mutations: request.mutations, limits: request.limits)
  }
}

@c @implementation
public func pinion_model_load_memory(
  _ bytes: UnsafeRawPointer!, _ length: Int, _ copy: Bool, _ options: UnsafePointer<pinion_model_options>!,
  _ model: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  load(options, model) { (request) throws(PinionError) in
    let source = UnsafeRawBufferPointer(start: try required(bytes, "bytes"), count: try positive(length, "length"))
    let allocator = request.runtime.allocator
    let file = copy ? try FileMapping(copying: source, allocator: allocator) : try FileMapping(borrowing: source)
    return try Model(file, externalData: request.folder, allocator: allocator, mutations: request.mutations, limits: request.limits)
  }
}

@c @implementation
public func pinion_model_load_callback(
  _ read: pinion_read_fn!, _ context: UnsafeMutableRawPointer!, _ length: Int64, _ options: UnsafePointer<pinion_model_options>!,
  _ model: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  load(options, model) { (request) throws(PinionError) in
    let read = try required(read, "read")
    let bytes: Int = try length.converted()
    let count = try positive(bytes, "length")
    let buffer = try request.runtime.allocator.buffer(bytes: count)
    let chunk = 1 << 24
    var offset = 0
    let control = RunControl(request.limits.of("the load"))
    while offset < count {
      try control.check()
      let part = min(chunk, count - offset)
      guard read(Int64(offset), part, buffer.pointer + offset, context) == 0 else {
        throw PinionError(.io, "the reader failed at offset \(offset), \(part) bytes")
      }
      offset += part
    }
    return try Model(
      try FileMapping(owning: buffer, count: count), externalData: request.folder, allocator: request.runtime.allocator,
      mutations: request.mutations, limits: request.limits)
  }
}

private func positive(_ count: Int, _ name: StaticString) throws(PinionError) -> Int {
  guard count > 0 else { throw .invalidArgument("\(name) is \(count)") }
  return count
}

private func box(_ model: OpaquePointer?) -> ModelBox? { model.map { object($0, ModelBox.self) } }

@c @implementation
public func pinion_model_retain(_ model: OpaquePointer!) -> OpaquePointer! { retain(model, ModelBox.self) }

@c @implementation
public func pinion_model_release(_ model: OpaquePointer!) { release(model, ModelBox.self) }

@c @implementation
public func pinion_model_ir_version(_ model: OpaquePointer!) -> Int64 { box(model)?.model.metadata.irVersion ?? 0 }

@c @implementation
public func pinion_model_producer_name(_ model: OpaquePointer!) -> UnsafePointer<CChar>! { box(model)?.producerName.pointer ?? CText.empty }

@c @implementation
public func pinion_model_producer_version(_ model: OpaquePointer!) -> UnsafePointer<CChar>! { box(model)?.producerVersion.pointer ?? CText.empty }

@c @implementation
public func pinion_model_domain(_ model: OpaquePointer!) -> UnsafePointer<CChar>! { box(model)?.domain.pointer ?? CText.empty }

@c @implementation
public func pinion_model_version(_ model: OpaquePointer!) -> Int64 { box(model)?.model.metadata.modelVersion ?? 0 }

@c @implementation
public func pinion_model_doc_string(_ model: OpaquePointer!) -> UnsafePointer<CChar>! { box(model)?.docString.pointer ?? CText.empty }

@c @implementation
public func pinion_model_graph_name(_ model: OpaquePointer!) -> UnsafePointer<CChar>! { box(model)?.graphName.pointer ?? CText.empty }

@c @implementation
public func pinion_model_opset_count(_ model: OpaquePointer!) -> Int { box(model)?.opsets.count ?? 0 }

@c @implementation
public func pinion_model_opset_domain(_ model: OpaquePointer!, _ index: Int) -> UnsafePointer<CChar>! {
  guard let box = box(model), box.opsets.indices.contains(index) else { return CText.empty }
  return box.opsets[index].domain.pointer
}

@c @implementation
public func pinion_model_opset_version(_ model: OpaquePointer!, _ index: Int) -> Int64 {
  guard let box = box(model), box.opsets.indices.contains(index) else { return 0 }
  return box.opsets[index].version
}

@c @implementation
public func pinion_model_metadata_count(_ model: OpaquePointer!) -> Int { box(model)?.properties.count ?? 0 }

@c @implementation
public func pinion_model_metadata_key(_ model: OpaquePointer!, _ index: Int) -> UnsafePointer<CChar>! {
  guard let box = box(model), box.properties.indices.contains(index) else { return CText.empty }
  return box.properties[index].key.pointer
}

@c @implementation
public func pinion_model_metadata_value(_ model: OpaquePointer!, _ index: Int) -> UnsafePointer<CChar>! {
  guard let box = box(model), box.properties.indices.contains(index) else { return CText.empty }
  return box.properties[index].value.pointer
}

@c @implementation
public func pinion_model_metadata_find(_ model: OpaquePointer!, _ key: UnsafePointer<CChar>!) -> UnsafePointer<CChar>! {
  guard let box = box(model), let key else { return nil }
  let name = String(cString: key)
  return box.properties.first { $0.name == name }?.value.pointer
}

@c @implementation
public func pinion_model_input_count(_ model: OpaquePointer!) -> Int { box(model)?.inputs.count ?? 0 }

@c @implementation
public func pinion_model_input(_ model: OpaquePointer!, _ index: Int) -> OpaquePointer! {
  guard let box = box(model), box.inputs.indices.contains(index) else { return nil }
  return borrowed(box.inputs[index])
}

@c @implementation
public func pinion_model_output_count(_ model: OpaquePointer!) -> Int { box(model)?.outputs.count ?? 0 }

@c @implementation
public func pinion_model_output(_ model: OpaquePointer!, _ index: Int) -> OpaquePointer! {
  guard let box = box(model), box.outputs.indices.contains(index) else { return nil }
  return borrowed(box.outputs[index])
}

@c @implementation
public func pinion_model_node_count(_ model: OpaquePointer!) -> Int { box(model)?.nodeCount ?? 0 }

@c @implementation
public func pinion_model_weight_bytes(_ model: OpaquePointer!) -> Int64 { Int64(box(model)?.weightBytes ?? 0) }

@c @implementation
public func pinion_model_operator_count(_ model: OpaquePointer!) -> Int { box(model)?.operators.count ?? 0 }

@c @implementation
public func pinion_model_operator_name(_ model: OpaquePointer!, _ index: Int) -> UnsafePointer<CChar>! {
  guard let box = box(model), box.operators.indices.contains(index) else { return CText.empty }
  return box.operators[index].name.pointer
}

@c @implementation
public func pinion_model_operator_uses(_ model: OpaquePointer!, _ index: Int) -> Int {
  guard let box = box(model), box.operators.indices.contains(index) else { return 0 }
  return box.operators[index].uses
}

@c @implementation
public func pinion_model_text(_ model: OpaquePointer!, _ text: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!) -> pinion_status {
  status { () throws(PinionError) in
    let text = try required(text, "text")
    text.pointee = nil
    guard let box = box(model) else { throw .invalidArgument("model is NULL") }
    text.pointee = try ownedString(box.model.graph.description)
  }
}
