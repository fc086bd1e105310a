import PinionBase
import PinionTensor

/// A size that the program gives: a number, the name of a symbolic integer that a node computes, or (in a tensor's description
/// only) an expression of symbols.
enum PT2Size: Equatable {
  case known(Int64)
  case named(String)
  case expression(String)

  init(_ json: JSONValue) throws(PinionError) {
    let (tag, value) = try json.asUnion("size")
    switch tag {
    case "as_int": self = .known(try value.asInt(tag))
    case "as_name": self = .named(try value.asString(tag))
    case "as_expr": self = .expression(try value.member("expr_str").asString("expr_str"))
    default: throw .unsupported("a size of kind '\(tag)'")
    }
  }
}

/// What the program says about a tensor.
struct PT2Meta {
  let dtype: Int64
  var sizes: [PT2Size]
  let strides: [PT2Size]
  /// Where the tensor begins in its memory; nil where the file does not say.
  let offset: PT2Size?

  var storageOffset: Int64? { if case .known(let offset)? = offset { offset } else { nil } }

  init(_ json: JSONValue) throws(PinionError) {
    dtype = try json.member("dtype").asInt("dtype")
    var sizes: [PT2Size] = [], strides: [PT2Size] = []
    let list = try json.member("sizes").asArray("sizes")
    guard list.count <= Shape.rankLimit else { throw .invalidModel("a tensor of rank \(list.count), at most \(Shape.rankLimit) are read") }
    for size in list { sizes.append(try PT2Size(size)) }
    for stride in try json["strides"]?.asArray("strides") ?? [] { strides.append(try PT2Size(stride)) }
    self.sizes = sizes
    self.strides = strides
    offset = try json["storage_offset"].map { (value) throws(PinionError) in try PT2Size(value) }
    if let layout = try json["layout"]?.asInt("layout"), layout != 7 { throw .unsupported("a tensor of layout \(layout); only strided ones are read") }
  }

  /// The element type and whether its elements are complex numbers, which are kept as pairs.
  func element() throws(PinionError) -> (ElementType, isComplex: Bool) { try PT2Meta.element(dtype) }

  static func element(_ dtype: Int64) throws(PinionError) -> (ElementType, isComplex: Bool) {
    switch dtype {
    case 1: (.uint8, false)
    case 2: (.int8, false)
    case 3: (.int16, false)
    case 4: (.int32, false)
    case 5: (.int64, false)
    case 6: (.float16, false)
    case 7: (.float32, false)
    case 8: (.float64, false)
    case 9: (.float16, true)
    case 10: (.float32, true)
    case 11: (.float64, true)
    case 12: (.bool, false)
    case 13: (.bfloat16, false)
    case 28: (.uint16, false)
    case 29: (.float8e4m3fn, false)
    case 30: (.float8e5m2, false)
    case 31: (.float8e4m3fnuz, false)
    case 32: (.float8e5m2fnuz, false)
    case 33: (.float8e8m0, false)
    case 34: (.uint32, false)
    case 35: (.uint64, false)
    default: throw .unsupported("dtype \(dtype) of the schema")
    }
  }

  /// Extents; nil for those that a run decides, and for numbers that are none.
  var knownSizes: [Int?] {
    sizes.map { if case .known(let size) = $0, (0...Int64(1) << 31).contains(size) { Int(exactly: size) } else { nil } }
  }

  var dimensions: [Dimension] {
    sizes.map { size in
      switch size {
      case .known(let extent): (0...Int64(1) << 31).contains(extent) ? Int(exactly: extent).map(Dimension.known) ?? .unknown : .unknown
      case .named(let name): .symbol(name)
      case .expression(let text): SymbolExpression.name(of: text).map(Dimension.symbol) ?? .unknown
      }
    }
  }
}

/// An argument of a node.
indirect enum PT2Argument {
  case none
  case tensor(String)
  case tensors([String?])
  case int(Int64)
  case float(Double)
  case bool(Bool)
  case string(String)
  case ints([PT2Size])
  case floats([Double])
  case bools([Bool])
  case scalarType(Int64)
  /// A symbolic number that a node or an input gives.
  case symbol(String)
  case graph(PT2Graph)
  case complex(Double, Double)
  /// Devices, layouts, memory formats: nothing that a value depends on.
  case ignored

  init(_ json: JSONValue, _ budget: WireBudget) throws(PinionError) {
    let (tag, value) = try json.asUnion("argument")
    try budget.visit(50)
    switch tag {
    case "as_none": self = .none
    case "as_tensor": self = .tensor(try value.member("name").asString("name"))
    case "as_tensors":
      var names: [String?] = []
      for tensor in try value.asArray(tag) {
        try budget.visit(20)
        names.append(try tensor.member("name").asString("name"))
      }
      self = .tensors(names)
    case "as_optional_tensors":
      var names: [String?] = []
      for tensor in try value.asArray(tag) {
        try budget.visit(20)
        let (tag, value) = try tensor.asUnion("optional tensor")
        names.append(tag == "as_none" ? nil : try value.member("name").asString("name"))
      }
      self = .tensors(names)
    case "as_optional_tensor":
      let (tag, inner) = try value.asUnion(tag)
      self = tag == "as_none" ? .none : .tensor(try inner.member("name").asString("name"))
    case "as_int": self = .int(try value.asInt(tag))
    case "as_float": self = .float(try value.asFloat(tag))
    case "as_bool": self = .bool(try value.asBool(tag))
    case "as_string": self = .string(try value.asString(tag))
    case "as_ints":
      var sizes: [PT2Size] = []
      for int in try value.asArray(tag) {
        try budget.visit(20)
        sizes.append(.known(try int.asInt(tag)))
      }
      self = .ints(sizes)
    case "as_sym_ints":
      var sizes: [PT2Size] = []
      for int in try value.asArray(tag) {
        try budget.visit(20)
        sizes.append(try PT2Size(int))
      }
      self = .ints(sizes)
    case "as_floats":
      var floats: [Double] = []
      for float in try value.asArray(tag) {
        try budget.visit(20)
        floats.append(try float.asFloat(tag))
      }
      self = .floats(floats)
    case "as_bools":
      var bools: [Bool] = []
      for bool in try value.asArray(tag) {
        try budget.visit(20)
        bools.append(try bool.asBool(tag))
      }
      self = .bools(bools)
    case "as_scalar_type": self = .scalarType(try value.asInt(tag))
    case "as_sym_int", "as_sym_bool", "as_sym_float":
      let (kind, inner) = try value.asUnion(tag)
      switch kind {
      case "as_name": self = .symbol(try inner.asString(kind))
      case "as_int": self = .int(try inner.asInt(kind))
      case "as_bool": self = .bool(try inner.asBool(kind))
      case "as_float": self = .float(try inner.asFloat(kind))
      default: throw .unsupported("a symbolic number of kind '\(kind)'")
      }
    case "as_graph": self = .graph(try PT2Graph(try value.member("graph"), budget))
    case "as_complex": self = .complex(try value.member("real").asFloat("real"), try value.member("imag").asFloat("imag"))
    case "as_operator": self = .string(try value.asString(tag))
    case "as_device", "as_layout", "as_memory_format": self = .ignored
    default: throw .unsupported("an argument of kind '\(tag)'")
    }
  }
}

struct PT2Node {
  let target: String
  let name: String
  /// Arguments with their schema's names, empty ones for higher-order operators.
  let inputs: [(name: String, argument: PT2Argument)]
  let outputs: [PT2Argument]
  /// The line of the model's source, where the file has kept it.
  let place: String

  init(_ json: JSONValue, _ budget: WireBudget) throws(PinionError) {
    target = try json.member("target").asString("target")
    var inputs: [(name: String, argument: PT2Argument)] = []
    var outputs: [PT2Argument] = []
    do throws(PinionError) {
      for input in try json.member("inputs").asArray("inputs") {
        inputs.append((try input.member("name").asString("name"), try PT2Argument(try input.member("arg"), budget)))
      }
      for output in try json.member("outputs").asArray("outputs") { outputs.append(try PT2Argument(output, budget)) }
    } catch { throw error.at(node: (try? json["name"]?.asString("name")) ?? "", operator: target) }
    self.inputs = inputs
    self.outputs = outputs
    var name = try json["name"]?.asString("name") ?? ""
    if name.isEmpty {
      switch outputs.first {
      case .tensor(let first)?, .symbol(let first)?: name = first
      default: name = target
      }
    }
    self.name = name
    let trace = (try? json["metadata"]?["stack_trace"]?.asString("stack_trace")) ?? ""
    place = trace.split(separator: "\n").last { $0.contains("File \"") }.map { line in String(line.drop { $0 == " " }) } ?? ""
  }
}

struct PT2Graph {
  let inputs: [PT2Argument]
  let outputs: [PT2Argument]
  let nodes: [PT2Node]
  var tensors: [String: PT2Meta]

  /// The graph of a body that a target's mapping makes itself.
  static var empty: PT2Graph { PT2Graph() }

  private init() { (inputs, outputs, nodes, tensors) = ([], [], [], [:]) }

  init(_ json: JSONValue, _ budget: WireBudget) throws(PinionError) {
    var inputs: [PT2Argument] = [], outputs: [PT2Argument] = [], nodes: [PT2Node] = []
    for input in try json.member("inputs").asArray("inputs") { inputs.append(try PT2Argument(input, budget)) }
    for output in try json.member("outputs").asArray("outputs") { outputs.append(try PT2Argument(output, budget)) }
    for node in try json.member("nodes").asArray("nodes") { nodes.append(try PT2Node(node, budget)) }
    var tensors: [String: PT2Meta] = [:]
    for (name, meta) in try json.member("tensor_values").asObject("tensor_values") {
      try budget.visit(400)
      tensors[name] = try PT2Meta(meta)
    }
    if let objects = json["custom_obj_values"], case .object(let members) = objects, let first = members.first {
      throw .unsupported("the program holds the custom object '\(first.key)'; only tensors and numbers are read")
    }
    self.inputs = inputs
    self.outputs = outputs
    self.nodes = nodes
    self.tensors = tensors
  }
}

/// What one of the graph's inputs is.
enum PT2InputSpec {
  /// A parameter, buffer or constant by its name in the module.
  case weight(graphName: String, name: String, isConstant: Bool)
  case user
  case constant
  /// What keeps checks in their order; nothing of a run.
  case token

  init(_ json: JSONValue) throws(PinionError) {
    let (tag, value) = try json.asUnion("input_spec")
    func graphName() throws(PinionError) -> String { try value.member("arg").member("name").asString("name") }
    switch tag {
    case "parameter": self = .weight(graphName: try graphName(), name: try value.member("parameter_name").asString(tag), isConstant: false)
    case "buffer":
      let isPersistent = try value["persistent"]?.asBool("persistent") ?? true
      self = .weight(graphName: try graphName(), name: try value.member("buffer_name").asString(tag), isConstant: !isPersistent)
    case "tensor_constant":
      self = .weight(graphName: try graphName(), name: try value.member("tensor_constant_name").asString(tag), isConstant: true)
    case "user_input": self = .user
    case "constant_input": self = .constant
    case "token": self = .token
    default: throw .unsupported("a graph input of kind '\(tag)'")
    }
  }
}

/// What one of the graph's outputs is.
enum PT2OutputSpec {
  case user
  /// The new contents of a buffer or parameter, by its name in the module.
  case weightMutation(String)
  /// The new contents of an input, by the input's name.
  case inputMutation(String)
  case ignored

  init(_ json: JSONValue) throws(PinionError) {
    let (tag, value) = try json.asUnion("output_spec")
    switch tag {
    case "user_output": self = .user
    case "buffer_mutation": self = .weightMutation(try value.member("buffer_name").asString(tag))
    case "parameter_mutation": self = .weightMutation(try value.member("parameter_name").asString(tag))
    case "user_input_mutation": self = .inputMutation(try value.member("user_input_name").asString(tag))
    case "loss_output": self = .user
    case "token": self = .ignored
    default: throw .unsupported("a graph output of kind '\(tag)'")
    }
  }
}

/// A program as `torch.export.save` writes it.
struct PT2Program {
  static let schemaMajor: Int64 = 8

  let graph: PT2Graph
  let inputSpecs: [PT2InputSpec]
  let outputSpecs: [PT2OutputSpec]
  let schemaVersion: (major: Int64, minor: Int64)
  let torchVersion: String
  let dialects: [String]
  /// What the model's metadata keeps of the program: its dialect and the trees of its inputs and outputs.
  let properties: [(key: String, value: String)]
  /// The ranges of symbols that sizes are made of.
  let ranges: [String: SizeRules.Range]
  /// How arguments and results nest; nil where the file does not tell.
  let inputTree: PT2Tree?
  let outputTree: PT2Tree?
  private let floatNames: Set<String>
  private let boolNames: Set<String>
  /// What symbolic integers are by the program's symbols.
  private let expressions: [String: String]

  func expression(_ name: String) -> SymbolExpression? { expressions[name].flatMap { SymbolExpression($0) } }

  /// The element type of a symbolic number.
  func numberElement(_ name: String) -> ElementType { floatNames.contains(name) ? .float64 : boolNames.contains(name) ? .bool : .int64 }

  init(_ json: JSONValue, _ budget: WireBudget) throws(PinionError) {
    let version = try json.member("schema_version")
    schemaVersion = (try version.member("major").asInt("major"), try version.member("minor").asInt("minor"))
    guard schemaVersion.major == PT2Program.schemaMajor else {
      throw .unsupported("the program's schema is version \(schemaVersion.major).\(schemaVersion.minor), expected \(PT2Program.schemaMajor).x")
    }
    let module = try json.member("graph_module")
    graph = try PT2Graph(try module.member("graph"), budget)
    let signature = try module.member("signature")
    var inputSpecs: [PT2InputSpec] = [], outputSpecs: [PT2OutputSpec] = []
    for spec in try signature.member("input_specs").asArray("input_specs") {
      try budget.visit(50)
      inputSpecs.append(try PT2InputSpec(spec))
    }
    for spec in try signature.member("output_specs").asArray("output_specs") {
      try budget.visit(50)
      outputSpecs.append(try PT2OutputSpec(spec))
    }
    guard inputSpecs.count == graph.inputs.count, outputSpecs.count == graph.outputs.count else {
      throw .invalidModel(
        "the signature tells of \(inputSpecs.count) inputs and \(outputSpecs.count) outputs, the graph has \(graph.inputs.count) and \(graph.outputs.count)")
    }
    self.inputSpecs = inputSpecs
    self.outputSpecs = outputSpecs
    torchVersion = (try? json["torch_version"]?.asString("torch_version")) ?? ""
    var dialects: [String] = []
    for verifier in try json["verifiers"]?.asArray("verifiers") ?? [] { dialects.append(try verifier.asString("verifiers")) }
    self.dialects = dialects
    func names(_ key: String) throws(PinionError) -> Set<String> {
      Set(try module.member("graph")[key]?.asObject(key).map(\.key) ?? [])
    }
    floatNames = try names("sym_float_values")
    boolNames = try names("sym_bool_values")
    var expressions: [String: String] = [:]
    for (name, value) in try module.member("graph")["sym_int_values"]?.asObject("sym_int_values") ?? [] {
      try budget.visit(50)
      if let text = try value["as_expr"]?.member("expr_str").asString("expr_str") { expressions[name] = text }
    }
    self.expressions = expressions
    var ranges: [String: SizeRules.Range] = [:]
    for (symbol, range) in try json["range_constraints"]?.asObject("range_constraints") ?? [] {
      try budget.visit(50)
      // No bound, or one past 64 bits, is none.
      func bound(_ key: String) -> Int64? { if case .int(let value)? = range[key] { value } else { nil } }
      ranges[symbol] = SizeRules.Range(low: bound("min_val") ?? .min, high: bound("max_val") ?? .max)
    }
    self.ranges = ranges
    var properties = [(key: "pt2.dialect", value: dialects.joined(separator: ",")), (key: "pt2.schema", value: "\(schemaVersion.major).\(schemaVersion.minor)")]
    var fields: [String: [String]] = [:]
    if case .object(let types)? = module["treespec_namedtuple_fields"] {
      for (name, type) in types {
        try budget.visit(50)
        guard case .array(let list)? = type["field_names"] else { continue }
        fields[name] = list.compactMap { if case .string(let field) = $0 { field } else { nil } }
      }
    }
    var inputTree: PT2Tree?, outputTree: PT2Tree?
    let calls = try module["module_call_graph"]?.asArray("module_call_graph") ?? []
    for call in calls {
      guard case .string("")? = call["fqn"], let tree = call["signature"] else { continue }
      for key in ["in_spec", "out_spec"] {
        guard case .string(let text)? = tree[key] else { continue }
        properties.append((key: "pt2.\(key)", value: text))
        let read = try PT2Tree.read(text, fields: fields, budget)
        if key == "in_spec" { inputTree = read } else { outputTree = read }
      }
      var names: [String] = []
      if case .array(let list)? = tree["forward_arg_names"] { for case .string(let name) in list { names.append(name) } }
      inputTree = inputTree?.arguments(names)
    }
    self.inputTree = inputTree
    self.outputTree = outputTree
    self.properties = properties
  }
}
