import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionPasses
import PinionRuntime
import PinionTensor
import Synchronization

/// How a session is made.
public struct SessionOptions: Sendable {
  /// 0 for no passes, 1 for those that keep every bit of the result, 2 for all.
  public var optimization = 2
  /// How many plans for different input shapes are kept.
  public var planLimit = 16
  /// Whether node times are recorded.
  public var profile = false
  public init() {}
}

/// A model made ready to run; thread-safe.
public final class Session: Sendable {
  public let model: Model
  public let options: SessionOptions
  public let runtime: Runtime
  public let profile: Profile?
  /// The program for the model's own inputs.
  public let program: Program
  /// Programs in which inputs with a default are given by the caller, by the names of those inputs.
  private let variants = Mutex<[Set<String>: Program]>([:])
  private let inputIndex: [String: Int]

  public init(_ model: Model, runtime: Runtime, options: SessionOptions = SessionOptions()) throws(PinionError) {
    self.model = model
    self.options = options
    self.runtime = runtime
    profile = options.profile ? Profile() : nil
    program = try Session.compile(model.graph, model: model, runtime: runtime, options: options)
    inputIndex = Dictionary(model.inputs.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { first, _ in first })
  }

  private static func compile(
    _ graph: Graph, model: Model, runtime: Runtime, options: SessionOptions
  ) throws(PinionError) -> Program {
    let backend = CPUBackend()
    let executor = StageExecutor(pool: runtime.pool)
    var graph = graph
    try PassPipeline.run(
      &graph, level: options.optimization, PassContext(resolver: OperatorCatalog(), backend: backend, executor: executor))
    return Program(
      graph: graph, backend: backend, executor: executor, packed: model.packed, allocator: runtime.allocator, planLimit: options.planLimit)
  }

  /// Runs the model.
  /// - Parameters:
  ///   - inputs: a value for each input; inputs with a default may be left out.
  ///   - outputs: the caller's memory for outputs, in the graph's order; nil entries for new tensors.
  /// - Returns: the outputs in the graph's order.
  public func run(
    _ inputs: [String: Value], outputs: [Tensor?] = [], limits: RunLimits = RunLimits()
  ) throws(PinionError) -> [Value] {
    var ordered: [Value] = []
    var used = 0
    for input in model.inputs {
      guard let value = inputs[input.name] else { throw .invalidArgument("input '\(input.name)' is missing") }
      ordered.append(value)
      used += 1
    }
    guard used < inputs.count else { return try run(program, ordered, outputs: outputs, limits: limits) }
    var overrides: Set<String> = []
    for (name, value) in zip(model.overridableInputs.map(\.name), model.imported.overridable) {
      guard let given = inputs[value.name] else { continue }
      overrides.insert(name)
      ordered.append(given)
    }
    guard used + overrides.count == inputs.count else {
      let known = Set(model.inputs.map(\.name)).union(model.overridableInputs.map(\.name))
      let unknown = inputs.keys.filter { !known.contains($0) }.sorted()
      throw .invalidArgument("the model has no input '\(unknown.first ?? "")'; it has " + known.sorted().joined(separator: ", "))
    }
    return try run(try variant(overriding: overrides), ordered, outputs: outputs, limits: limits)
  }

  /// Runs the model on values in the order of its inputs.
  public func run(_ inputs: [Value], outputs: [Tensor?] = [], limits: RunLimits = RunLimits()) throws(PinionError) -> [Value] {
    guard inputs.count == model.inputs.count else {
      throw .invalidArgument("\(inputs.count) inputs, expected \(model.inputs.count)")
    }
    return try run(program, inputs, outputs: outputs, limits: limits)
  }

  private func run(
    _ program: Program, _ inputs: [Value], outputs: [Tensor?], limits: RunLimits
  ) throws(PinionError) -> [Value] {
    for (id, value) in zip(program.graph.inputs, inputs) { try Session.check(value, against: program.graph[id]) }
    let control = RunControl(limits)
    try control.check()
    runtime.pool.begin()
    defer { runtime.pool.end() }
    let results = try program.run(inputs, outputs: outputs, control: control, profile: profile)
    var finished: [Value] = []
    for (index, result) in results.enumerated() {
      let given = index < outputs.count ? outputs[index] : nil
      finished.append(try result.leavingRun(inputs: inputs, given: given))
    }
    return finished
  }

  private static func check(_ value: Value, against info: ValueInfo) throws(PinionError) {
    switch (info.type, value) {
    case (nil, _), (.optional?, _): return
    case (.tensor(let element, let dims)?, .tensor(let tensor)):
      guard tensor.element == element else {
        throw .invalidShape("input '\(info.name)' is \(tensor.type), expected element type \(element)")
      }
      guard let dims else { return }
      guard dims.count == tensor.shape.rank else {
        throw .invalidShape("input '\(info.name)' is \(tensor.type), expected rank \(dims.count) as in \(ValueType.tensor(element, dims: dims))")
      }
      for (axis, dimension) in dims.enumerated() {
        guard case .known(let extent) = dimension, extent != tensor.shape[axis] else { continue }
        throw .invalidShape("input '\(info.name)' is \(tensor.type), expected \(ValueType.tensor(element, dims: dims))")
      }
    case (.sequence?, .sequence), (.map?, .map): return
    case (let type?, _): throw .invalidShape("input '\(info.name)' is \(value.type), expected \(type)")
    }
  }

  /// The program in which the inputs named here are no constants.
  private func variant(overriding names: Set<String>) throws(PinionError) -> Program {
    if let program = variants.withLock({ $0[names] }) { return program }
    var graph = model.graph
    for (name, value) in model.imported.overridable where names.contains(name) {
      graph.constants[value] = nil
      graph.inputs.append(value)
    }
    let program = try Session.compile(graph, model: model, runtime: runtime, options: options)
    return variants.withLock {
      if let existing = $0[names] { return existing }
      $0[names] = program
      return program
    }
  }

  /// Gives the memory of idle plans back to the allocator.
  public func trim() {
    program.trim()
    for program in variants.withLock({ Array($0.values) }) { program.trim() }
  }
}

extension Value {
  /// The value in memory that neither the model nor the caller's inputs own, in `given` where that is there.
  func leavingRun(inputs: [Value], given: Tensor?) throws(PinionError) -> Value {
    guard case .tensor(let tensor) = self else { return self }
    if let given {
      guard given.data != tensor.data else { return .tensor(given) }
      guard given.type == tensor.type else {
        throw .invalidArgument("the memory given for an output is \(given.type), the output is \(tensor.type)")
      }
      given.data.copyMemory(from: tensor.data, byteCount: tensor.byteCount)
      return .tensor(given)
    }
    if tensor.element == .string { return .tensor(try Tensor(utf8: tensor.elements(as: StringElement.self).map { Array($0.bytes) }, tensor.shape)) }
    return tensor.owner is Buffer ? self : .tensor(try tensor.copy())
  }
}
