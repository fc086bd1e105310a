import PinionBase

/// How a program's arguments or results lie in lists, tuples and dictionaries (PyTorch's pytree).
indirect enum PT2Tree: Sendable {
  case leaf
  /// - Parameters:
  ///   - kind: `tuple`, `list`, `dict`, `namedtuple`, or `object` for a class that PyTorch was told how to take apart.
  ///   - name: of a namedtuple or an object.
  ///   - keys: names of the items; nil where they go by position.
  case node(kind: String, name: String, keys: [String]?, items: [PT2Tree])

  /// - Parameters:
  ///   - text: a tree as PyTorch writes it, `[1, {"type": …, "context": …, "children_spec": […]}]`.
  ///   - fields: the fields of namedtuples by their names.
  /// - Returns: nil for other versions of the form, and for what is not well-formed.
  /// - Throws: what the limits of the load say.
  static func read(_ text: String, fields: [String: [String]], _ budget: WireBudget = WireBudget(WireLimits())) throws(PinionError) -> PT2Tree? {
    guard case .array(let parts)? = try json(text, budget), parts.count == 2, case .int(1) = parts[0] else { return nil }
    return try read(parts[1], fields, budget)
  }

  /// The value that a text is; nil where it is none.
  private static func json(_ text: String, _ budget: WireBudget) throws(PinionError) -> JSONValue? {
    do { return try JSONReader.read(text, budget) } catch {
      guard !error.isOfLimits else { throw error }
      return nil
    }
  }

  private static func read(_ json: JSONValue, _ fields: [String: [String]], _ budget: WireBudget) throws(PinionError) -> PT2Tree? {
    try budget.visit(100)
    guard case .array(let children)? = json["children_spec"] else { return nil }
    guard case .string(let type)? = json["type"] else { return .leaf }
    var items: [PT2Tree] = []
    for child in children {
      guard let item = try read(child, fields, budget) else { return nil }
      items.append(item)
    }
    var context: JSONValue?
    if case .string(let text)? = json["context"] { context = try PT2Tree.json(text, budget) }
    var keys = PT2Tree.keys(context)
    let word = type.split(separator: ".").last.map(String.init) ?? type
    var kind = "object", name = ""
    switch word {
    case "tuple", "list": (kind, keys) = (word, nil)
    case "immutable_list", "deque": (kind, keys) = ("list", nil)
    case "dict", "OrderedDict", "immutable_dict", "defaultdict": kind = "dict"
    case "namedtuple":
      kind = "namedtuple"
      if case .string(let typeName)? = context { name = typeName }
      keys = fields[name]
      name = name.split(separator: ".").last.map(String.init) ?? name
    default: name = word
    }
    if let list = keys, list.count != items.count { keys = nil }
    if kind == "dict", keys == nil, !items.isEmpty { return nil }
    return .node(kind: kind, name: name, keys: kind == "dict" ? keys ?? [] : keys, items: items)
  }

  /// Names among the context: a list of texts, or the last such list of a list.
  private static func keys(_ context: JSONValue?) -> [String]? {
    guard case .array(let values)? = context else { return nil }
    var keys: [String] = []
    for value in values {
      switch value {
      case .string(let key): keys.append(key)
      case .int(let key): keys.append("\(key)")
      case .array: return values.reversed().lazy.compactMap(PT2Tree.keys).first
      default: return nil
      }
    }
    return keys
  }

  var leafCount: Int {
    switch self {
    case .leaf: 1
    case .node(_, _, _, let items): items.reduce(0) { $0 + $1.leafCount }
    }
  }

  /// The leaves' places: names and positions with points between, `batch.tokens.0`.
  /// - Throws: what the limits of the load say: every path repeats the names above it, which the file has once.
  func paths(_ prefix: String = "", _ control: RunControl = RunControl()) throws(PinionError) -> [String] {
    guard case .node(_, _, let keys, let items) = self else { return [prefix] }
    var result: [String] = []
    for (index, item) in items.enumerated() {
      let step = keys?[index] ?? "\(index)"
      try control.check()
      try control.takeBytes(try (prefix.utf8.count &+ step.utf8.count).adding(64))
      result += try item.paths(prefix.isEmpty ? step : prefix + "." + step, control)
    }
    return result
  }

  /// The tree in JSON: `{"type": "dict", "keys": ["a"], "items": [leaf]}` with these leaves.
  func json(_ leaves: inout ArraySlice<String>) -> String {
    guard case .node(let kind, let name, let keys, let items) = self else { return leaves.popFirst() ?? "null" }
    var members = ["\"type\":\(jsonText(kind))"]
    if !name.isEmpty { members.append("\"name\":\(jsonText(name))") }
    if let keys { members.append("\"keys\":[\(keys.map(jsonText).joined(separator: ","))]") }
    var children: [String] = []
    for item in items { children.append(item.json(&leaves)) }
    members.append("\"items\":[\(children.joined(separator: ","))]")
    return "{\(members.joined(separator: ","))}"
  }

  /// Arguments by name: those by position first, then those by keyword.
  /// - Parameter names: what the module's `forward` calls its arguments.
  func arguments(_ names: [String]) -> PT2Tree {
    guard case .node("tuple", _, _, let parts) = self, parts.count == 2, case .node("tuple", _, _, let positional) = parts[0],
      case .node("dict", _, let keywords?, let named) = parts[1]
    else { return self }
    var keys: [String] = []
    for index in positional.indices {
      let name = index < names.count ? names[index] : "\(index)"
      keys.append(keys.contains(name) || keywords.contains(name) ? "\(index)" : name)
    }
    return .node(kind: "arguments", name: "", keys: keys + keywords, items: positional + named)
  }
}

/// The text between quotes, as JSON has it.
func jsonText(_ text: String) -> String {
  var result = "\""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "\"", "\\": result += "\\\(scalar)"
    case "\n": result += "\\n"
    case "\t": result += "\\t"
    case "\r": result += "\\r"
    case _ where scalar.value < 0x20: result += "\\u00" + (scalar.value < 0x10 ? "0" : "") + String(scalar.value, radix: 16)
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result + "\""
}
