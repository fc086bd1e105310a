import Pinion
import PinionBase
import PinionTensor

/// A value that a name stands for, and whether it is an initializer or constant that no run changes.
struct Binding {
  var value: Value
  var isConstant = false
  /// Whether a node made the constant, so that a body that runs any number of times takes it as it takes any other value from outside.
  var isMade = false

  /// The binding as the body of a loop knows it: integers that shapes may depend on are known there by value (`OutputTypes`).
  var inBody: Binding {
    guard isMade, case .tensor(let tensor) = value, tensor.element != .int64 && tensor.element != .int32 || tensor.count > 64 else { return self }
    return Binding(value: value)
  }
}

typealias Environment = [String: Binding]

/// Computes a model as its file reads: node after node, each in a session of its own that plans nothing but this node, with control
/// flow and calls of functions carried out here. No pass, no plan of several nodes and no shared memory takes part.
final class Interpreter {
  private struct Key: Hashable {
    let node: Int
    let constants: [UInt]
  }

  let runtime: Runtime
  var spec: ModelSpec
  /// Changes what nodes give, to learn how much of it reaches the outputs.
  /// Moves a result's numbers by a little; `isScaled` says that a 0 may be a number too small for the type.
  var disturb: ((_ result: Value, _ isScaled: Bool) throws(PinionError) -> Value)?
  private static let scaling: Set<String> = [
    "Softmax", "Sigmoid", "Exp", "Mul", "Div", "Pow", "Reciprocal", "Swish", "Gelu", "Softplus", "ReduceProd", "ReduceSumSquare", "ReduceL2", "MatMul",
    "Gemm", "Einsum", "Conv", "ConvTranspose",
  ]
  /// Whether an infinite product or power of finite numbers counts as a large finite number.
  private var leavesOutOverflow = false
  private var hasOverflowed = false
  private var choosingOverflow: RandomNumbers?
  /// Whether what a branch makes of constants is one, as in runs whose plan knows which branch it is.
  var knowsBranches = false
  /// Whether a node had outputs whose shapes follow from no types.
  private var valuesDecide = false
  private var sessions: [Key: Session] = [:]
  private var folded: [Key: [Binding]] = [:]

  init(_ spec: ModelSpec, runtime: Runtime) {
    self.spec = spec
    self.runtime = runtime
  }

  /// The outputs of one run.
  func run(_ feeds: Feeds) throws(PinionError) -> [Value] {
    let environment = try finalEnvironment(feeds)
    return try spec.graph.outputs.map { output throws(PinionError) in try lookUp(output.name, environment) }
  }

  /// The outputs of a run in which no product or power of finite numbers becomes infinite, and nothing that is computed from finite numbers
  /// in float16, which level 2 may keep in float32 (decision 7); nil where none does anyway.
  ///
  /// - Parameter some: chooses half of them where an operand has infinite numbers of its own, of which results may be infinite rightly.
  func runWithoutOverflow(_ feeds: Feeds, some: RandomNumbers? = nil) -> [Value]? {
    leavesOutOverflow = true
    hasOverflowed = false
    choosingOverflow = some
    defer { leavesOutOverflow = false }
    guard let outputs = try? run(feeds), hasOverflowed else { return nil }
    return outputs
  }

  func finalEnvironment(_ feeds: Feeds) throws(PinionError) -> Environment {
    var environment: Environment = [:]
    for (name, tensor) in spec.graph.initializers { environment[name] = Binding(value: .tensor(tensor), isConstant: true) }
    for (name, value) in feeds { environment[name] = Binding(value: value) }
    for input in spec.graph.inputs where environment[input.name] == nil {
      guard case .optional(let content)? = input.type else { throw .invalidArgument("input \(input.name) is missing") }
      environment[input.name] = Binding(value: .none(content))
    }
    try run(spec.graph.nodes, &environment, opset: spec.opset)
    return environment
  }

  func run(_ nodes: [NodeSpec], _ environment: inout Environment, opset: Int) throws(PinionError) {
    for node in nodes { try run(node, &environment, opset: opset) }
  }

  func run(_ node: NodeSpec, _ environment: inout Environment, opset: Int) throws(PinionError) {
    if decidesShapesByValues(node, environment) { valuesDecide = true }
    let results: [Binding]
    switch (node.domain, node.op) {
    case ("", "If"): results = try runIf(node, environment, opset)
    case ("", "Loop"): results = try runLoop(node, environment, opset).map { Binding(value: $0) }
    case ("", "Scan"): results = try runScan(node, environment, opset).map { Binding(value: $0) }
    case ("test", _): results = try call(node, environment)
    case ("", "Constant"):
      guard case .tensor(let tensor)? = node.attribute("value") else { throw .unsupported("a constant of another kind") }
      results = [Binding(value: .tensor(tensor), isConstant: true)]
    default:
      if let disturb {
        let isScaled = Interpreter.scaling.contains(node.op)
        results = try runAlone(node, environment, opset).map { value throws(PinionError) in
          Binding(value: try disturb(try showingLostDigits(value, node, environment), isScaled))
        }
      } else {
        results = try runKnowingConstants(node, environment, opset)
      }
    }
    var position = 0
    let isProduct = node.domain == "" && (node.op == "Mul" || node.op == "Pow")
    let mayOverflow = leavesOutOverflow && (isProduct || results.contains { $0.value.tensor?.element == .float16 })
    let factors = mayOverflow ? node.inputs.compactMap { environment[$0]?.value.tensor?.doubles() } : []
    for name in node.outputs where !name.isEmpty {
      environment[name] = results[position]
      if mayOverflow, let tensor = results[position].value.tensor, isProduct || tensor.element == .float16,
        let finite = try tensor.withoutOverflow(of: factors, &choosingOverflow) {
        environment[name]?.value = .tensor(finite)
        hasOverflowed = true
      }
      position += 1
    }
  }

  /// Integers from numbers of half precision so large that these have lost digits before the point, which a region in float32 keeps: with another
  /// last bit.
  private func showingLostDigits(_ value: Value, _ node: NodeSpec, _ environment: Environment) throws(PinionError) -> Value {
    if node.domain == "", node.op == "Pow" { return try showingFractions(value, node, environment) }
    guard node.domain == "", node.op == "Cast" || node.op == "CastLike", case .tensor(let result) = value,
      !result.element.isFloatingPoint, result.element != .string, result.element != .bool,
      let source = environment[node.inputs[0]]?.value.tensor, source.element == .float16 || source.element == .bfloat16, let numbers = source.doubles()
    else { return value }
    let exact: Double = source.element == .float16 ? 2048 : 256
    let copy = try result.copy()
    // The lowest byte comes first.
    for (place, number) in numbers.enumerated() where abs(number) >= exact {
      copy.store(place &* result.element.byteWidth, copy.data.load(fromByteOffset: place &* result.element.byteWidth, as: UInt8.self) ^ 1)
    }
    return .tensor(copy)
  }

  /// Powers of negative numbers with exponents that half precision has made whole, which a region in float32 may not: no numbers.
  private func showingFractions(_ value: Value, _ node: NodeSpec, _ environment: Environment) throws(PinionError) -> Value {
    guard case .tensor(let result) = value, result.element.isFloatingPoint, let exponent = environment[node.inputs[1]],
      !exponent.isConstant || exponent.isMade, !spec.graph.inputs.contains(where: { $0.name == node.inputs[1] }),
      let element = exponent.value.tensor?.element, element == .float16 || element == .bfloat16,
      let base = environment[node.inputs[0]]?.value.tensor, let numbers = base.doubles(), numbers.contains(where: { $0 < 0 })
    else { return value }
    let copy = try result.copy()
    for place in 0..<copy.count where numbers[base.shape.place(of: place, in: result.shape)] < 0 {
      switch result.element {
      case .float32: copy.store(place, Float.nan)
      case .float64: copy.store(place, Double.nan)
      case .float16: copy.store(place, Float16.nan)
      default: copy.store(place, BFloat16(Float.nan))
      }
    }
    return .tensor(copy)
  }

  /// Whether the shapes of a node's outputs do not follow from the types of its inputs. What a sequence's elements have in common is part
  /// of its type, how many they are is not.
  private func decidesShapesByValues(_ node: NodeSpec, _ environment: Environment) -> Bool {
    if GraphSpec.valueDependent.contains(node.op) || (node.op == "SplitToSequence" && node.inputs.count > 1) { return true }
    return node.inputs.contains { name in
      guard case .sequence(let elements, _)? = environment[name]?.value else { return false }
      return Set(elements.map(\.type)).count != 1
    }
  }

  /// What a node makes of constants alone is a constant, too, for the nodes that read it: kernels with constant operands may sum in
  /// another order than those without. It is computed once, so that its address stays its own. So is what a branch gives that is always
  /// taken, and what CastLike makes of a constant, whatever type it finds.
  private func runKnowingConstants(_ node: NodeSpec, _ environment: Environment, _ opset: Int) throws(PinionError) -> [Binding] {
    let typeOnly = node.domain == "" && node.op == "CastLike" ? 1 : node.inputs.count
    let names = node.inputs.enumerated().filter { !$1.isEmpty && $0 != typeOnly }.map(\.element)
    guard !names.isEmpty, node.subgraphs.isEmpty, names.allSatisfy({ environment[$0]?.isConstant ?? false }) else {
      return try runAlone(node, environment, opset).map { Binding(value: $0) }
    }
    let key = Key(node: node.id, constants: names.map { name in environment[name]?.value.tensor.map { UInt(bitPattern: $0.data) } ?? 0 })
    if let known = folded[key] { return known }
    let values = try runAlone(node, environment, opset)
    let isConstant = values.allSatisfy { $0.tensor != nil }
    let results = values.map { Binding(value: $0, isConstant: isConstant, isMade: true) }
    if isConstant { folded[key] = results }
    return results
  }

  /// The values of the outputs that the node names.
  private func runAlone(_ node: NodeSpec, _ environment: Environment, _ opset: Int) throws(PinionError) -> [Value] {
    var feeds: [Value?] = []
    var constants: [UInt] = []
    var seen: Set<String> = []
    for name in node.inputs + node.subgraphs.flatMap(\.outerNames) where !name.isEmpty && seen.insert(name).inserted {
      guard let binding = environment[name] else { throw .invalidModel("value \(name) is not there") }
      if binding.isConstant, case .tensor(let tensor) = binding.value {
        constants.append(UInt(bitPattern: tensor.data))
      } else {
        constants.append(0)
        feeds.append(binding.value)
      }
    }
    let key = Key(node: node.id, constants: constants)
    let session: Session
    if let known = sessions[key] { session = known } else {
      session = try Interpreter.session(for: node, environment, opset: opset, mlOpset: spec.mlOpset, runtime: runtime)
      sessions[key] = session
    }
    return try session.run(feeds, wanted: Array(session.model.outputs.indices))
  }

  private static func session(
    for node: NodeSpec, _ environment: Environment, opset: Int, mlOpset: Int, runtime: Runtime
  ) throws(PinionError) -> Session {
    var alone = ModelSpec()
    alone.opset = opset
    alone.mlOpset = mlOpset
    alone.graph.nodes = [node]
    var seen: Set<String> = []
    for name in node.inputs + node.subgraphs.flatMap(\.outerNames) where !name.isEmpty && seen.insert(name).inserted {
      guard let binding = environment[name] else { throw .invalidModel("value \(name) is not there") }
      if binding.isConstant, case .tensor(let tensor) = binding.value {
        alone.graph.initializers.append((name, tensor))
      } else {
        alone.graph.inputs.append(ValueSpec(name: name, type: binding.value.openType))
      }
    }
    for name in node.outputs where !name.isEmpty { alone.graph.outputs.append(ValueSpec(name: name, type: nil)) }
    var options = SessionOptions()
    options.optimization = 0
    return try Session(try alone.loaded(), runtime: runtime, options: options)
  }

  func lookUp(_ name: String, _ environment: Environment) throws(PinionError) -> Value {
    guard let binding = environment[name] else { throw .invalidModel("value \(name) is not there") }
    return binding.value
  }

  private func tensor(_ name: String, _ environment: Environment) throws(PinionError) -> Tensor {
    try lookUp(name, environment).asTensor()
  }

  // MARK: Control flow

  /// The outputs of a loop's body for values of its inputs.
  private func run(
    body: GraphSpec, _ arguments: [Value], _ environment: Environment, _ opset: Int
  ) throws(PinionError) -> [Value] {
    try bindings(body: body, arguments, environment.mapValues(\.inBody), opset).map(\.value)
  }

  private func bindings(
    body: GraphSpec, _ arguments: [Value], _ environment: Environment, _ opset: Int
  ) throws(PinionError) -> [Binding] {
    var inner = environment
    for (name, tensor) in body.initializers { inner[name] = Binding(value: .tensor(tensor), isConstant: true) }
    for (input, value) in zip(body.inputs, arguments) { inner[input.name] = Binding(value: value) }
    try run(body.nodes, &inner, opset: opset)
    var outputs: [Binding] = []
    for output in body.outputs {
      guard let binding = inner[output.name] else { throw .invalidModel("value \(output.name) is not there") }
      outputs.append(binding)
    }
    return outputs
  }

  private func runIf(_ node: NodeSpec, _ environment: Environment, _ opset: Int) throws(PinionError) -> [Binding] {
    let condition = try tensor(node.inputs[0], environment).isTrue
    guard let branch = node.graph(condition ? "then_branch" : "else_branch") else { throw .invalidModel("no branch") }
    let results = try bindings(body: branch, [], environment, opset)
    // Which branch is taken may change from run to run, and then its outputs are no constants.
    let isFixed = knowsBranches || environment[node.inputs[0]]?.isConstant ?? false
    return results.map { Binding(value: $0.value, isConstant: $0.isConstant && isFixed, isMade: true) }
  }

  private func runLoop(_ node: NodeSpec, _ environment: Environment, _ opset: Int) throws(PinionError) -> [Value] {
    guard let body = node.graph("body") else { throw .invalidModel("no body") }
    var limit = Int64.max
    if !node.inputs[0].isEmpty { limit = try tensor(node.inputs[0], environment).integers()[0] }
    var isGoingOn = true
    if node.inputs.count > 1, !node.inputs[1].isEmpty { isGoingOn = try tensor(node.inputs[1], environment).isTrue }
    var carried: [Value] = []
    for name in node.inputs.dropFirst(2) { carried.append(try lookUp(name, environment)) }
    let scans = body.outputs.count - 1 - carried.count
    var stacks = [[Tensor]](repeating: [], count: scans)
    var iteration: Int64 = 0
    while isGoingOn, iteration < limit {
      guard iteration < 64 else { throw .unsupported("a long loop") }
      let results = try run(
        body: body, [.tensor(try Tensor(scalar: iteration)), .tensor(try Tensor(scalar: isGoingOn))] + carried, environment, opset)
      isGoingOn = try results[0].asTensor().isTrue
      carried = Array(results[1..<(1 + carried.count)])
      for index in 0..<scans { stacks[index].append(try results[1 + carried.count + index].asTensor()) }
      iteration += 1
    }
    var samples: [Tensor] = []
    if iteration == 0, scans > 0 {
      // No step is made: the outputs have the element type and extents that a first step would have given, as far as these do not
      // depend on values that only a step makes.
      let outer = valuesDecide
      valuesDecide = false
      defer { valuesDecide = valuesDecide || outer }
      let results = try run(body: body, [.tensor(try Tensor(scalar: Int64(0))), .tensor(try Tensor(scalar: true))] + carried, environment, opset)
      guard !valuesDecide else { throw .unsupported("shapes that a step decides") }
      for result in results.suffix(scans) { samples.append(try result.asTensor()) }
    }
    var outputs = carried
    for index in 0..<scans { outputs.append(.tensor(try Tensor.stack(stacks[index], axis: 0, sample: samples.isEmpty ? nil : samples[index]))) }
    return outputs
  }

  private func runScan(_ node: NodeSpec, _ environment: Environment, _ opset: Int) throws(PinionError) -> [Value] {
    guard let body = node.graph("body"), let inputCount = node.int("num_scan_inputs") else { throw .invalidModel("no body") }
    let stateCount = node.inputs.count - inputCount
    var state: [Value] = []
    for name in Array(node.inputs.prefix(stateCount)) { state.append(try lookUp(name, environment)) }
    var scanned: [Tensor] = []
    for name in node.inputs.dropFirst(stateCount) { scanned.append(try tensor(name, environment)) }
    let axes = node.ints("scan_input_axes") ?? [Int](repeating: 0, count: inputCount)
    let directions = node.ints("scan_input_directions") ?? [Int](repeating: 0, count: inputCount)
    var steps: Int?
    for (tensor, axis) in zip(scanned, axes) {
      let position = axis < 0 ? axis + tensor.shape.rank : axis
      guard (0..<tensor.shape.rank).contains(position) else { throw .invalidShape("a scan input has no axis \(axis)") }
      let extent = tensor.shape[position]
      guard steps ?? extent == extent else { throw .invalidShape("scan inputs of different lengths") }
      steps = extent
    }
    let outputCount = body.outputs.count - stateCount
    let outputAxes = node.ints("scan_output_axes") ?? [Int](repeating: 0, count: outputCount)
    let outputDirections = node.ints("scan_output_directions") ?? [Int](repeating: 0, count: outputCount)
    func arguments(_ step: Int) throws(PinionError) -> [Value] {
      var slices: [Value] = []
      for (index, tensor) in scanned.enumerated() {
        slices.append(.tensor(try tensor.slice(axis: axes[index], directions[index] == 1 ? (steps ?? 0) - 1 - step : step)))
      }
      return state + slices
    }
    var stacks = [[Tensor]](repeating: [], count: outputCount)
    for step in 0..<(steps ?? 0) {
      let results = try run(body: body, try arguments(step), environment, opset)
      state = Array(results.prefix(stateCount))
      for index in 0..<outputCount { stacks[index].append(try results[stateCount + index].asTensor()) }
    }
    var outputs = state
    guard steps != 0 else { throw .unsupported("a scan without steps") }
    for index in 0..<outputCount {
      let parts = outputDirections[index] == 1 ? stacks[index].reversed() : stacks[index]
      outputs.append(.tensor(try Tensor.stack(parts, axis: outputAxes[index], sample: nil)))
    }
    return outputs
  }

  private func call(_ node: NodeSpec, _ environment: Environment) throws(PinionError) -> [Binding] {
    guard let function = spec.function(node) else { throw .invalidModel("no function \(node.op)") }
    var inner: Environment = [:]
    for (inside, outside) in zip(function.inputs, node.inputs) { inner[inside] = environment[outside] }
    try run(function.nodes, &inner, opset: function.opset)
    return try function.outputs.map { name throws(PinionError) in
      guard let binding = inner[name] else { throw .invalidModel("value \(name) is not there") }
      return binding
    }
  }
}

extension GraphSpec {
  /// Operators whose outputs' shapes depend on values, or are not inferred.
  static let valueDependent: Set<String> = [
    "If", "Loop", "Scan", "NonZero", "Unique", "Compress", "StringSplit", "NonMaxSuppression", "StringNormalizer",
    "Tokenizer", "ConcatFromSequence", "SequenceMap", "CastMap",
  ]

  /// Whether the body of a loop reads what a node outside of it makes.
  var bodiesReadMadeValues: Bool {
    let made = Set(nodes.flatMap(\.outputs))
    return nodes.contains { node in node.subgraphs.contains { $0.outerNames.contains(where: made.contains) || $0.bodiesReadMadeValues } }
  }

  /// Names that this graph uses from outside.
  var outerNames: [String] {
    let own = Set(inputs.map(\.name) + initializers.map(\.name) + nodes.flatMap(\.outputs))
    let used = nodes.flatMap { $0.inputs + $0.subgraphs.flatMap(\.outerNames) } + outputs.map(\.name)
    return used.filter { !$0.isEmpty && !own.contains($0) }
  }
}

extension Value {
  /// The value's type without extents.
  var openType: ValueType {
    switch self {
    case .tensor(let tensor): .tensor(tensor.element, dims: nil)
    case .sequence(_, let element): .sequence(element.open)
    case .none(let type): .optional(type.open)
    case .map(let keys, let values): .map(key: keys.element, value: .tensor(values.element, dims: []))
    }
  }

  var tensor: Tensor? { if case .tensor(let tensor) = self { tensor } else { nil } }
}

extension ValueType {
  var open: ValueType {
    switch self {
    case .tensor(let element, _): .tensor(element, dims: nil)
    case .sequence(let type): .sequence(type.open)
    case .optional(let type): .optional(type.open)
    case .map: self
    }
  }
}

extension Tensor {
  /// The tensor with finite numbers in the place of infinite ones that were computed from finite ones; nil where there are none. They are so small
  /// that sums of some of them are finite, too, and odd as integers, so that a cast to few bits tells them from 0.
  /// - Parameter factors: the operands; of those that do not have an element for each of the tensor's all have to be finite, except for a
  ///   float16 tensor: a sum of products overflows beside operands that are infinite from the start.
  fileprivate func withoutOverflow(of factors: [[Double]], _ choosing: inout RandomNumbers?) throws(PinionError) -> Tensor? {
    guard element == .float32 || element == .float64 || element == .float16, let numbers = doubles() else { return nil }
    let whole = factors.filter { $0.count == count }
    guard element == .float16 || factors.allSatisfy({ $0.count == count || $0.allSatisfy(\.isFinite) }) else { return nil }
    let places = numbers.indices.filter { place in numbers[place].isInfinite && whole.allSatisfy { $0[place].isFinite } }
    guard !places.isEmpty else { return nil }
    let copy = try copy()
    let isOpen = choosing != nil && !factors.allSatisfy { $0.allSatisfy(\.isFinite) }
    for place in places where !isOpen || choosing?.chance(0.5) ?? true {
      let sign = numbers[place] < 0 ? -1.0 : 1.0
      switch element {
      case .float32: copy.store(place, Float(sign) * Float.greatestFiniteMagnitude / 1024)
      case .float64: copy.store(place, sign * Double.greatestFiniteMagnitude / 1024)
      default: copy.store(place, Float16(Float(sign) * 67))
      }
    }
    return copy
  }

  var isTrue: Bool { count > 0 && data.load(as: UInt8.self) != 0 }

  /// The slice at `index` along an axis, which the result lacks.
  func slice(axis: Int, _ index: Int) throws(PinionError) -> Tensor {
    let axis = axis < 0 ? axis + shape.rank : axis
    let outer = shape.dims[..<axis].reduce(1, *), inner = shape.dims[(axis + 1)...].reduce(1, *) * element.byteWidth
    var dims = shape.dims
    let extent = dims.remove(at: axis)
    let result = try Tensor(TensorType(element, try Shape(dims)))
    for row in 0..<outer { (result.data + row * inner).copyMemory(from: data + (row * extent + index) * inner, byteCount: inner) }
    return result.keepingAlive([owner])
  }

  /// Tensors of one type side by side along a new axis.
  static func stack(_ parts: [Tensor], axis: Int, sample: Tensor?) throws(PinionError) -> Tensor {
    guard let first = parts.first ?? sample else { throw .unsupported("nothing to stack") }
    for part in parts where part.type != first.type { throw .invalidShape("steps give \(first.type) and \(part.type)") }
    let axis = axis < 0 ? axis + first.shape.rank + 1 : axis
    var dims = first.shape.dims
    let outer = dims[..<axis].reduce(1, *), inner = dims[axis...].reduce(1, *) * first.element.byteWidth
    dims.insert(parts.count, at: axis)
    let result = try Tensor(TensorType(first.element, try Shape(dims)))
    for (index, part) in parts.enumerated() {
      for row in 0..<outer { (result.data + (row * parts.count + index) * inner).copyMemory(from: part.data + row * inner, byteCount: inner) }
    }
    return result.keepingAlive(parts.map(\.owner))
  }
}

extension Shape {
  /// Where the element lies that broadcasting puts at a place of a larger shape.
  fileprivate func place(of place: Int, in larger: Shape) -> Int {
    var rest = place, result = 0, stride = 1
    for axis in (0..<larger.rank).reversed() {
      let position = rest % larger[axis], own = axis - (larger.rank - rank)
      rest /= larger[axis]
      guard own >= 0 else { continue }
      if self[own] > 1 { result += position * stride }
      stride *= self[own]
    }
    return result
  }
}
