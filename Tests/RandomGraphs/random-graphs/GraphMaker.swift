import Pinion
import PinionBase
import PinionTensor

/// A value that nodes may use, with what it is in the first run.
struct Operand {
  let name: String
  let value: Value
  var isConstant = false

  var tensor: Tensor? { value.tensor }
  var element: ElementType? { tensor?.element }
  var dims: [Int] { tensor?.shape.dims ?? [] }
  var rank: Int { dims.count }
  var count: Int { tensor?.count ?? 0 }
}

/// Where a made-up tensor comes from.
enum Source: CaseIterable { case input, initializer, overridable, constant }

/// Puts a model together, node after node; each is computed when it is added, so that the maker knows every value.
final class GraphMaker {
  struct Scope {
    var graph = GraphSpec()
    var operands: [Operand] = []
    /// A function's body sees nothing outside.
    var isClosed = false
  }

  /// An extent that an input may declare as a symbol; nothing but inputs and what follows from them has it by intention.
  static let symbols: [Int: String] = [5: "N", 9: "M"]
  /// Elements that a tensor may have.
  static let limit = 40_000

  var random: RandomNumbers
  var spec = ModelSpec()
  let interpreter: Interpreter
  var scopes: [Scope] = [Scope()]
  var environment: Environment = [:]
  var feeds: Feeds = [:]
  var overridable: [String] = []
  var depth: Int { scopes.count - 1 }
  var opset: Int
  /// Whether the model keeps to the types for which every runtime has kernels.
  var hasCommonTypesOnly = false
  /// Whether inputs have extents that are open more often.
  var wantsOpenExtents = false
  /// Values that a state keeps, as they are after the first run.
  var carried: [Operand] = []
  /// How many rows these have before the first run, and how many it adds.
  var stateRows = (earlier: 0, new: 1)
  static let commonTypes: [ElementType] = [.float32, .int64, .int32, .bool, .uint8, .string]
  private var counter = 0

  init(seed: UInt64, runtime: Runtime) {
    random = RandomNumbers(seed: seed)
    opset = 22
    interpreter = Interpreter(spec, runtime: runtime)
  }

  func freshName(_ prefix: String) -> String {
    counter += 1
    return "\(prefix)\(counter)"
  }

  func freshID() -> Int {
    counter += 1
    return counter
  }

  // MARK: Values

  /// All values that the innermost graph may use, its own last.
  var operands: [Operand] {
    var result: [Operand] = []
    for scope in scopes {
      if scope.isClosed { result = [] }
      result += scope.operands
    }
    return result
  }

  /// A value that there is, late ones more often; nil where none fits.
  func existing(where fits: (Operand) -> Bool) -> Operand? {
    let candidates = operands.filter(fits)
    guard !candidates.isEmpty else { return nil }
    let back = min(random.below(candidates.count), random.below(candidates.count + 2))
    return candidates[candidates.count - 1 - min(back, candidates.count - 1)]
  }

  /// A tensor that there is, or else (and sometimes anyway) a new one.
  func tensor(_ wanted: [ElementType], ranks: ClosedRange<Int> = 0...4, _ contents: Contents? = nil, fresh: Double = 0.15) -> Operand? {
    let common = hasCommonTypesOnly ? wanted.filter { GraphMaker.commonTypes.contains($0) } : wanted
    let elements = common.isEmpty ? wanted : common
    if !random.chance(fresh), let found = existing(where: { elements.contains($0.element ?? .string) && ranks.contains($0.rank) && $0.tensor != nil && $0.count <= GraphMaker.limit / 4 }) {
      return found
    }
    return new(random.pick(elements), shape(rank: random.int(ranks)), contents)
  }

  func shape(rank: Int) -> [Int] {
    var dims: [Int] = []
    for axis in 0..<rank {
      let roll = random.unit()
      if axis == 0, roll < (wantsOpenExtents ? 0.55 : 0.3) { dims.append(5) } else
      if roll < 0.36 { dims.append(1) } else if roll < 0.38 { dims.append(0) } else if roll < 0.42 { dims.append(9) } else
      if roll < 0.44 { dims.append(random.pick([16, 17, 33])) } else { dims.append(random.pick([2, 2, 3, 3, 4, 6, 7, 8])) }
    }
    while dims.reduce(1, *) > 3000 { dims[dims.firstIndex(of: dims.max() ?? 1) ?? 0] = 2 }
    return dims
  }

  func contents() -> Contents {
    let roll = random.unit()
    return roll < 0.7 ? .plain : roll < 0.85 ? .ties : roll < 0.92 ? .special : .positive
  }

  func new(_ element: ElementType, _ dims: [Int], _ contents: Contents? = nil, source: Source? = nil) -> Operand? {
    let contents = contents ?? self.contents()
    guard let tensor = try? random.tensor(element, dims, contents) else { return nil }
    return add(tensor, source: source)
  }

  /// Integers that say something about shapes: mostly constants.
  func ints(_ values: [Int], _ element: ElementType = .int64, shape: [Int]? = nil) -> Operand? {
    guard let tensor = try? Tensor.ints(values, element, shape: shape) else { return nil }
    return add(tensor, source: random.chance(0.8) ? random.pick([.initializer, .constant]) : nil)
  }

  func float(_ value: Float, source: Source? = nil) -> Operand? {
    guard let tensor = try? Tensor(scalar: value) else { return nil }
    return add(tensor, source: source ?? random.pick([.initializer, .constant]))
  }

  /// Brings a tensor into the model.
  func add(_ tensor: Tensor, source wish: Source? = nil) -> Operand {
    var source = wish ?? random.pick([.input, .input, .input, .initializer, .initializer, .overridable, .constant])
    if scopes.contains(where: \.isClosed) { source = .constant }
    let value = Value.tensor(tensor)
    switch source {
    case .constant:
      let name = freshName("c")
      scopes[depth].graph.nodes.append(
        NodeSpec(id: freshID(), domain: "", op: "Constant", inputs: [], outputs: [name], attributes: [("value", .tensor(tensor))]))
      return register(name, value, isConstant: true, scope: depth)
    case .initializer:
      let name = freshName("w")
      // An initializer of an outer graph that a subgraph uses, or one of the subgraph's own.
      let level = random.chance(0.5) ? depth : 0
      scopes[level].graph.initializers.append((name, tensor))
      return register(name, value, isConstant: true, scope: level)
    case .overridable:
      let name = freshName("d")
      scopes[0].graph.initializers.append((name, tensor))
      scopes[0].graph.inputs.append(ValueSpec(name: name, type: declared(tensor, isOpen: false)))
      overridable.append(name)
      return register(name, value, isConstant: true, scope: 0)
    case .input:
      let name = freshName("x")
      scopes[0].graph.inputs.append(ValueSpec(name: name, type: declared(tensor, isOpen: true)))
      feeds[name] = value
      return register(name, value, isConstant: false, scope: 0)
    }
  }

  @discardableResult func register(_ name: String, _ value: Value, isConstant: Bool, scope: Int) -> Operand {
    let operand = Operand(name: name, value: value, isConstant: isConstant)
    environment[name] = Binding(value: value, isConstant: isConstant)
    scopes[scope].operands.append(operand)
    return operand
  }

  /// A declaration that is true of a tensor.
  func declared(_ tensor: Tensor, isOpen: Bool) -> ValueType {
    guard isOpen else { return .tensor(tensor.element, dims: tensor.shape.dims.map(Dimension.known)) }
    if random.chance(0.05) { return .tensor(tensor.element, dims: nil) }
    return .tensor(tensor.element, dims: tensor.shape.dims.map { extent in
      if let symbol = GraphMaker.symbols[extent], random.chance(0.8) { return .symbol(symbol) }
      return random.chance(0.1) ? .unknown : .known(extent)
    })
  }

  // MARK: Nodes

  /// Adds a node and computes it; nil, with nothing added, where it cannot be computed.
  @discardableResult func node(
    _ op: String, _ inputs: [Operand?], outputs: Int = 1, _ attributes: [(name: String, value: AttributeSpec)] = [], domain: String = "",
    named: [Bool]? = nil
  ) -> [Operand]? {
    let names = (0..<outputs).map { index in named?[index] ?? true ? freshName("v") : "" }
    var inputNames = inputs.map { $0?.name ?? "" }
    while inputNames.last == "" { inputNames.removeLast() }
    let node = NodeSpec(id: freshID(), domain: domain, op: op, inputs: inputNames, outputs: names, attributes: attributes)
    var environment = environment
    do {
      try interpreter.run(node, &environment, opset: opset)
    } catch {
      GraphMaker.refusals?(op, error)
      return nil
    }
    for name in names where !name.isEmpty {
      guard let value = environment[name]?.value else { return nil }
      if let tensor = value.tensor, tensor.count > GraphMaker.limit { return nil }
    }
    scopes[depth].graph.nodes.append(node)
    var results: [Operand] = []
    for name in names where !name.isEmpty {
      if let value = environment[name]?.value { results.append(register(name, value, isConstant: false, scope: depth)) }
    }
    return results
  }

  /// Told of each node that a recipe proposed and that could not be computed.
  nonisolated(unsafe) static var refusals: ((String, PinionError) -> Void)?

  // MARK: Subgraphs

  /// Makes a subgraph: `build` adds its nodes and says what its outputs are. Nil, with nothing added, where that fails.
  func subgraph(isClosed: Bool = false, inputs: [ValueSpec] = [], values: [Value] = [], _ build: (GraphMaker, [Operand]) -> [ValueSpec]?) -> GraphSpec? {
    scopes.append(Scope(isClosed: isClosed))
    scopes[depth].graph.inputs = inputs
    var arguments: [Operand] = []
    for (input, value) in zip(inputs, values) { arguments.append(register(input.name, value, isConstant: false, scope: depth)) }
    let outputs = build(self, arguments)
    var scope = scopes.removeLast()
    guard let outputs else { return nil }
    scope.graph.outputs = outputs
    return scope.graph
  }
}
