import Glibc
import PinionBase
import PinionImport

/// Prints the canonical dump of ONNX files as Pinion reads them; see Tests/Oracle/README.md.
@main struct OnnxDump {
  static func main() {
    var paths = CommandLine.arguments.dropFirst()
    let digest = paths.first == "--digest"
    if digest { paths.removeFirst() }
    for path in paths {
      let text = dump(path)
      print(digest ? "\(hashed(text.utf8)) \(path)\n" : text, terminator: "")
    }
  }

  static func dump(_ path: String) -> String {
    guard let file = try? FileMapping(path: path) else { return "unreadable\n" }
    var dump = Dump(folder: try? ExternalDataFolder(ofModel: path))
    if path.hasSuffix(".pb") {
      dump.attempt("tensor") { (dump) throws(PinionError) in dump.tensor("tensor", try ONNXTensor(parsing: file)) }
      dump.attempt("sequence") { (dump) throws(PinionError) in dump.sequence(try ONNXSequence(parsing: file)) }
      dump.attempt("optional") { (dump) throws(PinionError) in dump.optional(try ONNXOptional(parsing: file)) }
      dump.attempt("map") { (dump) throws(PinionError) in dump.map(try ONNXMap(parsing: file)) }
    } else {
      dump.attempt("model") { (dump) throws(PinionError) in dump.model(try ONNXModel(parsing: file)) }
    }
    return dump.out
  }
}

struct Dump {
  var out = ""
  let folder: ExternalDataFolder?

  init(folder: ExternalDataFolder?) { self.folder = folder }

  mutating func line(_ text: String) {
    out += text
    out += "\n"
  }

  mutating func attempt(_ word: String, _ body: (inout Dump) throws(PinionError) -> Void) {
    do { try body(&self) } catch {
      line("not a \(word)")
      let message = Array("\(error)\n".utf8)
      _ = write(STDERR_FILENO, message, message.count)
    }
  }

  mutating func tensor(_ role: String, _ tensor: ONNXTensor) {
    let external = tensor.isExternal ? " external" : ""
    line(
      "\(role) \(escaped(tensor.name.text)) type=\(tensor.dataType) dims=\(numbers(tensor.dims))\(external)"
        + " data=\((try? data(tensor)) ?? "invalid")")
  }

  /// Hashes the mapped bytes as well where there are some, because both ways have to give the same elements.
  private func data(_ tensor: ONNXTensor) throws(PinionError) -> String {
    if tensor.elementType == .string { return hashedStrings(try tensor.strings()) }
    let bytes = try tensor.byteCount()
    guard bytes < 1 << 34 else { throw .invalidModel("too large for a dump") }
    let buffer = try Allocator.system.buffer(bytes: bytes)
    let decoded = UnsafeMutableRawBufferPointer(start: buffer.pointer, count: bytes)
    try tensor.decode(into: decoded, externalData: folder)
    let text = withExtendedLifetime(buffer) { hashed(decoded) }
    if let mapped = try tensor.mappedBytes(externalData: folder), hashed(mapped) != text { return "mapped bytes differ" }
    return text
  }

  mutating func sparse(_ role: String, _ sparse: ONNXSparseTensor) {
    line("\(role) dims=\(numbers(sparse.dims))")
    if let values = sparse.values { tensor("values", values) }
    if let indices = sparse.indices { tensor("indices", indices) }
  }

  mutating func values(_ role: String, _ list: [ONNXValueInfo]) {
    for value in list { line("\(role) \(escaped(value.name.text)) \(value.type.map(typeText) ?? "none")") }
  }

  mutating func attribute(_ a: ONNXAttribute) {
    line(
      "attribute \(escaped(a.name)) kind=\(a.kind.rawValue) ref=\(escaped(a.refAttrName)) f=\(hex(a.f.bitPattern, digits: 8))"
        + " i=\(a.i) s=\(a.s.map { hashed($0) } ?? "-") floats=\(hashedNumbers(a.floats)) ints=\(hashedNumbers(a.ints))"
        + " strings=\(hashedStrings(a.strings))")
    if let t = a.t { tensor("t", t) }
    if let g = a.g { graph(g) }
    if let tensor = a.sparseTensor { sparse("sparse", tensor) }
    if let tp = a.tp { line("tp \(typeText(tp))") }
    for element in a.tensors { tensor("tensors", element) }
    for element in a.graphs { graph(element) }
    for element in a.sparseTensors { sparse("sparses", element) }
    for element in a.types { line("types \(typeText(element))") }
  }

  mutating func nodes(_ list: [ONNXNode]) {
    for node in list {
      line(
        "node \(escaped(node.name)) \(escaped(node.domain.text))::\(escaped(node.opType.text)):\(escaped(node.overload))"
          + " \(names(node.inputs.map(\.text))) -> \(names(node.outputs.map(\.text)))")
      for element in node.attributes { attribute(element) }
    }
  }

  mutating func entries(_ list: [ONNXEntry]) {
    for entry in list { line("metadata \(escaped(entry.key)) \(hashed(entry.value.utf8))") }
  }

  mutating func opsets(_ list: [ONNXOpset]) {
    for opset in list { line("opset \(escaped(opset.domain)) \(opset.version)") }
  }

  mutating func graph(_ graph: ONNXGraph) {
    line("graph \(escaped(graph.name)) doc=\(hashed(graph.docString.utf8))")
    values("input", graph.inputs)
    values("output", graph.outputs)
    values("inner", graph.valueInfos)
    for element in graph.initializers { tensor("initializer", element) }
    for element in graph.sparseInitializers { sparse("sparse-initializer", element) }
    nodes(graph.nodes)
    entries(graph.metadata)
    line("end")
  }

  mutating func function(_ f: ONNXFunction) {
    line(
      "function \(escaped(f.domain))::\(escaped(f.name)):\(escaped(f.overload)) \(names(f.inputs.map(\.text))) -> \(names(f.outputs.map(\.text)))"
        + " attributes=\(names(f.attributeNames))")
    for element in f.attributeDefaults { attribute(element) }
    opsets(f.opsetImports)
    values("inner", f.valueInfos)
    nodes(f.nodes)
    line("end")
  }

  mutating func model(_ model: ONNXModel) {
    line(
      "model ir=\(model.irVersion) version=\(model.modelVersion) domain=\(escaped(model.domain))"
        + " producer=\(escaped(model.producerName)) producer_version=\(escaped(model.producerVersion))"
        + " doc=\(hashed(model.docString.utf8))")
    opsets(model.opsetImports)
    entries(model.metadata)
    for element in model.functions { function(element) }
    if let graph = model.graph { self.graph(graph) }
  }

  mutating func sequence(_ s: ONNXSequence) {
    line("sequence \(escaped(s.name)) kind=\(s.elementKind.rawValue)")
    for element in s.tensors { tensor("tensor", element) }
    for element in s.sparseTensors { sparse("sparse", element) }
    for element in s.sequences { sequence(element) }
    for element in s.maps { map(element) }
    for element in s.optionals { optional(element) }
    line("end")
  }

  mutating func optional(_ o: ONNXOptional) {
    line("optional \(escaped(o.name)) kind=\(o.elementKind.rawValue)")
    if let element = o.tensor { tensor("tensor", element) }
    if let element = o.sparseTensor { sparse("sparse", element) }
    if let element = o.sequence { sequence(element) }
    if let element = o.map { map(element) }
    if let element = o.optional { optional(element) }
    line("end")
  }

  mutating func map(_ m: ONNXMap) {
    line(
      "map \(escaped(m.name)) key=\(m.keyType) keys=\(hashedNumbers(m.keys)) strings=\(hashedStrings(m.stringKeys))")
    if let values = m.values { sequence(values) }
    line("end")
  }
}
