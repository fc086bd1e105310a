import PinionTensor

extension Graph: CustomStringConvertible {
  /// The graph as text, one line a node; of large constants the type and a hash.
  public var description: String { text() }

  /// The graph in the form that Documentation/GraphText.md describes and `init(parsing:resolver:)` reads.
  /// - Parameter elementLimit: of constants with more elements a hash stands for the values, and the text cannot be parsed back.
  public func text(elementLimit: Int = 16) -> String {
    var printer = GraphPrinter(elementLimit: elementLimit)
    printer.write(self, outer: nil)
    return printer.text
  }
}

/// Writes graphs; does not trap on those that the verifier would reject.
private struct GraphPrinter {
  let elementLimit: Int
  var text = ""
  private var indent = ""

  init(elementLimit: Int) { self.elementLimit = elementLimit }

  /// The names of the enclosing graph's values, and the inputs of the node that owns this graph.
  typealias Outer = (names: [String], inputs: [ValueID?])

  mutating func write(_ graph: Graph, outer: Outer?) {
    let names = GraphPrinter.names(graph)
    func name(_ value: ValueID?) -> String {
      guard let value else { return "_" }
      return names.indices.contains(value.index) ? names[value.index] : "%?"
    }
    func definition(_ value: ValueID?) -> String {
      guard let value, names.indices.contains(value.index), let type = graph[value].type else { return name(value) }
      return "\(name(value)): \(type.graphText)"
    }
    text += graph.name.isEmpty ? "graph {\n" : "graph \(quoted(graph.name)) {\n"
    indent += "  "
    for input in graph.inputs { line("input " + definition(input)) }
    for capture in graph.captures {
      var source = "_"
      if let outer, outer.inputs.indices.contains(capture.input), let value = outer.inputs[capture.input] {
        source = outer.names.indices.contains(value.index) ? outer.names[value.index] : "%?"
      }
      line("capture \(definition(capture.inner)) = \(source)")
    }
    for (value, tensor) in graph.constants.sorted(by: { $0.key < $1.key }) {
      line("constant \(name(value)): \(tensor.graphText(elementLimit: elementLimit))")
    }
    for node in graph.nodes {
      text += indent
      if !node.outputs.isEmpty { text += node.outputs.map(definition).joined(separator: ", ") + " = " }
      let schema = node.schema
      if !schema.domain.isEmpty { text += word(schema.domain) + "::" }
      text += word(schema.name)
      if node.opset != schema.since { text += "@\(node.opset)" }
      text += "(" + node.inputs.prefix(node.formalInputCount).map(name).joined(separator: ", ") + ")"
      write(node, names: names)
      if !node.name.isEmpty { text += " " + quoted(node.name) }
      text += "\n"
    }
    for output in graph.outputs { line("output " + name(output)) }
    indent.removeLast(2)
    text += indent + "}" + (outer == nil ? "\n" : "")
  }

  private mutating func line(_ content: String) { text += indent + content + "\n" }

  private mutating func write(_ node: Node, names: [String]) {
    guard !node.attributes.isEmpty else { return }
    text += " {"
    for (index, (name, value)) in node.attributes.sorted(by: { $0.key < $1.key }).enumerated() {
      text += (index == 0 ? "" : ", ") + word(name) + " = "
      switch value {
      case .int(let value): text += "\(value)"
      case .float(let value): text += floatText(value)
      case .string(let value): text += quoted(value)
      case .ints(let values): text += values.isEmpty ? "ints []" : list(values.map(String.init))
      case .floats(let values): text += values.isEmpty ? "floats []" : list(values.map(floatText))
      case .strings(let values): text += values.isEmpty ? "strings []" : list(values.map(quoted))
      case .tensor(let tensor): text += tensor.graphText(elementLimit: elementLimit)
      case .tensors(let tensors): text += "tensors " + list(tensors.map { $0.graphText(elementLimit: elementLimit) })
      case .type(let type): text += "type " + type.graphText
      case .graph(let index):
        guard node.subgraphs.indices.contains(index) else {
          text += "graph \(index)"
          continue
        }
        write(node.subgraphs[index], outer: (names, node.inputs))
      }
    }
    text += "}"
  }

  private func list(_ items: [String]) -> String { "[" + items.joined(separator: ", ") + "]" }

  /// For each value a name that no other has, numbered in the order in which the text defines them.
  private static func names(_ graph: Graph) -> [String] {
    var result = [String](repeating: "", count: graph.values.count)
    var seen: [String: Int] = [:]
    func add(_ value: ValueID) {
      guard result.indices.contains(value.index), result[value.index].isEmpty else { return }
      let name = graph[value].name
      let number = seen[name, default: 0] + 1
      seen[name] = number
      let base = name.isEmpty ? "" : isPlainName(name) ? name : quoted(name)
      result[value.index] = "%" + base + (number > 1 || name.isEmpty ? "#\(number)" : "")
    }
    graph.inputs.forEach(add)
    for capture in graph.captures { add(capture.inner) }
    graph.constants.keys.sorted().forEach(add)
    for node in graph.nodes {
      for case let output? in node.outputs { add(output) }
    }
    for index in result.indices { add(ValueID(index: index)) }
    return result
  }
}

/// Whether a value's name needs no quotes.
private func isPlainName(_ name: String) -> Bool { name.utf8.allSatisfy(isNameByte) }

/// Letters, digits and the signs that names of values in common models have.
func isNameByte(_ byte: UInt8) -> Bool {
  switch byte {
  case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
    UInt8(ascii: "_"), UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "-"):
    true
  default: false
  }
}

/// Whether a byte may stand in an unquoted word: the name of an attribute, operator, type or dimension.
func isWordByte(_ byte: UInt8) -> Bool { isNameByte(byte) && byte != UInt8(ascii: "/") && byte != UInt8(ascii: "-") }

private func word(_ text: String) -> String {
  guard let first = text.utf8.first, first > UInt8(ascii: "9"), text != "_", text.utf8.allSatisfy(isWordByte) else { return quoted(text) }
  return text
}

func quoted(_ text: String) -> String { quoted(utf8: text.utf8) }

/// In quotes, with control characters and bytes that are no UTF-8 as `\xHH`.
func quoted(utf8 bytes: some Collection<UInt8>) -> String {
  let isValid = String(validating: bytes, as: UTF8.self) != nil
  var result: [UInt8] = [UInt8(ascii: "\"")]
  for byte in bytes {
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"): result += [UInt8(ascii: "\\"), byte]
    case UInt8(ascii: "\n"): result += Array("\\n".utf8)
    case _ where byte < 32 || byte == 127 || (byte >= 128 && !isValid):
      let digits = String(byte, radix: 16)
      result += Array(("\\x" + (digits.utf8.count < 2 ? "0" : "") + digits).utf8)
    default: result.append(byte)
    }
  }
  result.append(UInt8(ascii: "\""))
  return String(decoding: result, as: UTF8.self)
}

extension ValueType {
  /// As `description`, with dimension symbols in quotes where they are no words.
  fileprivate var graphText: String {
    switch self {
    case .tensor(let element, nil): return "\(element)[...]"
    case .tensor(let element, let dims?):
      let texts = dims.map { dimension in
        if case .symbol(let name) = dimension { return word(name) }
        return dimension.description
      }
      return "\(element)[\(texts.joined(separator: ","))]"
    case .sequence(let type): return "seq(\(type.graphText))"
    case .optional(let type): return "optional(\(type.graphText))"
    case .map(let key, let value): return "map(\(key),\(value.graphText))"
    }
  }
}
