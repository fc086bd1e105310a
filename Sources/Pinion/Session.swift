import PinionBackend
import PinionBase
import PinionGraph
import PinionRuntime
import PinionTensor

/// How a session is made.
public struct SessionOptions: Sendable {
  /// 0 for no passes, 1 for those that keep every bit of the result, 2 for all.
  public var optimization = 2
  /// How many plans for different input shapes are kept, as far as `planBytes` has room for them.
  public var planLimit = 512
  /// Bytes that may be held between runs besides weights: idle memory of runs, and constants of plans for some shapes.
  public var planBytes = 256 << 20
  /// Whether node times are recorded.
  public var profile = false
  /// Bytes that the session's states may hold together, with the contents of buffers that the session keeps; nil for any.
  public var stateBytes: Int?
  /// One of the names in `Device.all`.
  public var device = Device.cpu.name
  public init() {}
}

/// A model made ready to run; thread-safe.
///
/// Its inputs are the model's own and then those with a default, its outputs the model's. Sessions of one file with the same options in
/// one runtime share their plans and the memory of runs as well, of which each run has its own while it lasts.
public final class Session: Sendable {
  public let model: Model
  public let options: SessionOptions
  public let runtime: Runtime
  public let profile: Profile?
  /// The program for the model's own inputs and all outputs.
  package let program: Program
  /// Programs for other inputs and outputs, and for states.
  private let variants = Lock(RecentlyUsed<ProgramVariant, Program>(limit: Session.variantLimit))
  private static let variantLimit = 16
  /// That of them for inputs which do not keep to the names of dimensions, as long as it is there: looking it up would allocate.
  private let untied = Lock(WeakProgram())
  private struct WeakProgram { weak var program: Program? }
  /// What the program is for, and the one for inputs that do not keep to the names of dimensions.
  private let ownVariant: ProgramVariant
  private let untiedVariant: ProgramVariant
  /// The contents of buffers that the model writes to; nil where it has none, or they are inputs and outputs.
  public let buffers: SessionBuffers?
  let dimensionNames: DimensionNames
  /// Bytes that nodes which are computed beforehand may take.
  private let foldingBytes: Int?
  /// Whether inputs had unequal extents under one name.
  private enum Unequal: Equatable {
    case none, told
    case seen(String)
  }
  private let unequal = Lock(Unequal.none)
  let stateAccount: StateAccount

  /// - Parameter limits: deadline, token and question that end the creation; bytes that nodes which are computed beforehand may take: those
  ///   that would need more are left to the runs.
  /// - Throws: what optimising the graph may throw, why there is no such device, what the limits say.
  public init(
    _ model: Model, runtime: Runtime, options: SessionOptions = SessionOptions(), limits: RunLimits = RunLimits()
  ) throws(PinionError) {
    if let reason = Device.whyNot(options.device) { throw reason }
    self.model = model
    self.options = options
    self.runtime = runtime
    profile = options.profile ? Profile() : nil
    foldingBytes = limits.bytes
    stateAccount = StateAccount(limit: options.stateBytes)
    dimensionNames = DimensionNames(model.inputs + model.overridableInputs)
    var outputs = Array(0..<model.outputCount), overrides: [Int] = []
    if model.mutations == .state, !model.imported.carried.isEmpty {
      buffers = SessionBuffers(model.imported, stateAccount)
      outputs += model.imported.carried.map(\.output)
      overrides = model.imported.carried.map(\.input)
    } else {
      buffers = nil
    }
    ownVariant = ProgramVariant(overrides: overrides, outputs: outputs, isTied: true)
    untiedVariant = ProgramVariant(overrides: overrides, outputs: outputs, isTied: false)
    program = try model.content.program(ownVariant, runtime: runtime, options: options, control: RunControl(limits.of("the session's creation")))
  }

  // MARK: Running

  /// Runs the model.
  /// - Parameters:
  ///   - inputs: a value for each input by name, or by its path in nested arguments; inputs with a default may be left out.
  /// - Returns: the outputs in the graph's order.
  public func run(_ inputs: [String: Value], limits: RunLimits = RunLimits()) throws(PinionError) -> [Value] {
    let names = model.inputs.map(\.name) + model.overridableInputs.map(\.name)
    let known = Set(names)
    var inputs = inputs
    for (name, value) in inputs where !known.contains(name) {
      if let own = model.imported.paths.inputs[name], inputs[own] == nil {
        inputs[own] = value
        continue
      }
      throw PinionError(.notFound, "the model has no input '\(name)'; it has " + names.map { "'\($0)'" }.joined(separator: ", "))
    }
    return try run(names.map { inputs[$0] }, wanted: Array(0..<model.outputCount), limits: limits)
  }

  /// Runs the model.
  /// - Parameters:
  ///   - inputs: one entry for each of the session's inputs; nil for one with a default that keeps it.
  ///   - wanted: the positions of the outputs to compute.
  ///   - memory: the caller's memory for these, nil entries for new tensors; may be shorter.
  ///   - tables: the positions in `wanted` of outputs with `tableKeys`, in the place of which their values are given, a row for each map.
  /// - Returns: a value for each wanted output. No two share memory, nor does one with an input or a weight.
  public func run(
    _ inputs: [Value?], wanted: [Int], memory: [Tensor?] = [], tables: [Int] = [], limits: RunLimits = RunLimits()
  ) throws(PinionError) -> [Value] {
    let (ordered, overrides, isTied) = try arrange(inputs, limits: limits)
    guard let buffers else {
      return try execute(ordered, overrides, wanted: wanted, isTied: isTied, memory: memory, tables: tables, limits: limits)
    }
    guard wanted.allSatisfy({ (0..<model.outputCount).contains($0) }) else { throw PinionError(.notFound, "the model has no such output") }
    return try buffers.step { (current, spare) throws(PinionError) in
      var all = memory
      while all.count < wanted.count { all.append(nil) }
      let results = try execute(
        ordered + current.map(Value.tensor), overrides + model.imported.carried.map(\.input), wanted: wanted + model.imported.carried.map(\.output),
        isTied: isTied, memory: all.prefix(wanted.count) + spare, tables: tables, limits: limits)
      return (Array(results.prefix(wanted.count)), try buffers.next(results.dropFirst(wanted.count), in: spare))
    }
  }

  private func execute(
    _ ordered: [Value], _ overrides: [Int], wanted: [Int], isTied: Bool, memory: [Tensor?], tables: [Int], limits: RunLimits
  ) throws(PinionError) -> [Value] {
    let control = RunControl(limits, idle: account)
    try control.check()
    // It may have to be compiled first, which is part of the run.
    let program = try program(overrides: overrides, outputs: wanted, isTied: isTied, tables: tables, control: control)
    runtime.pool.begin()
    defer { runtime.pool.end() }
    let results = try program.run(ordered, outputs: memory, control: control, profile: profile)
    var leaving = LeavingValues(control, allocator: program.resultAllocator)
    var finished: [Value] = []
    for (index, result) in results.enumerated() {
      if index & 255 == 255 { try control.check() }
      finished.append(try leaving.take(result, into: index < memory.count ? memory[index] : nil))
    }
    return finished
  }

  /// The values for the graph's inputs in their order, the inputs with a default that are given, and whether one name of a dimension stands
  /// for one extent.
  /// - Parameter limits: polled where there are very many inputs.
  func arrange(_ inputs: [Value?], limits: RunLimits = RunLimits()) throws(PinionError) -> (values: [Value], overrides: [Int], isTied: Bool) {
    let own = model.graph.inputs.count
    var ordered: [Value] = []
    ordered.reserveCapacity(inputs.count)
    var overrides: [Int] = []
    let control = own > 256 ? RunControl(limits) : nil
    for index in 0..<(own + model.overridableCount) {
      if index & 255 == 255 { try control?.check() }
      let info = inputInfo(index)
      if index < inputs.count, let value = inputs[index] {
        try Session.check(value, against: info)
        ordered.append(value)
        if index >= own { overrides.append(index - own) }
      } else if index < own {
        guard case .optional(let content)? = info.type else { throw .invalidArgument("input '\(info.name)' is missing") }
        ordered.append(.none(content))
      }
    }
    let shape: (Int) -> Shape? = { index in
      guard index < inputs.count, case .tensor(let tensor)? = inputs[index] else { return nil }
      return tensor.shape
    }
    try model.imported.sizeRules?.check(shape: shape) { index in
      guard index < inputs.count, case .tensor(let tensor)? = inputs[index], tensor.element == .int64, tensor.shape.rank == 0 else { return nil }
      return tensor.data.load(as: Int64.self)
    }
    guard let name = dimensionNames.nameOfUnequal(shape) else { return (ordered, overrides, true) }
    unequal.withLock { if $0 == .none { $0 = .seen(name) } }
    return (ordered, overrides, false)
  }

  /// The name of dimensions that were unequal in a run: once, the first time that there is one.
  public func takeNameOfUnequalExtents() -> String? {
    unequal.withLock { unequal in
      guard case .seen(let name) = unequal else { return nil }
      unequal = .told
      return name
    }
  }

  func inputInfo(_ index: Int) -> ValueInfo {
    let own = model.graph.inputs.count
    return index < own ? model.graph[model.graph.inputs[index]] : model.graph[model.imported.overridable[index - own].value]
  }

  /// Runs the model from and into the caller's tensors, all inputs of its own and all outputs, where such a run has been planned
  /// before; allocates nothing.
  /// - Parameters:
  ///   - other: a program for tables in the place of outputs, see `tableProgram`.
  ///   - takesText: whether elements of text may be written, which point into the inputs' text and into the program's.
  /// - Returns: false, with nothing run, where the other `run` is needed.
  package func runInPlace(
    inputs: Int, outputs: Int, input: (Int) -> Tensor?, output: (Int) -> Tensor?, limits: RunLimits?, program other: Program? = nil,
    takesText: Bool = false
  ) throws(PinionError) -> Bool {
    guard profile == nil, buffers == nil, limits?.bytes == nil, model.imported.sizeRules?.valueInputs.isEmpty ?? true else { return false }
    runtime.pool.begin()
    defer { runtime.pool.end() }
    let control = limits.map { RunControl($0) }
    if try (other ?? program).runInPlace(
      inputs: inputs, outputs: outputs, input: input, output: output, control: control, takesText: takesText)
    {
      return true
    }
    // Plans for unequal extents under one name are another program's, which is there once such a run has been.
    guard other == nil, unequal.withLock({ $0 != .none }), let untied = untied.withLock({ $0.program }) else { return false }
    return try untied.runInPlace(
      inputs: inputs, outputs: outputs, input: input, output: output, control: control, takesText: takesText)
  }

  static func check(_ value: Value, against info: ValueInfo) throws(PinionError) {
    try value.checkNesting()
    guard let type = info.type else { return }
    try check(value, against: type, "input '\(info.name)'")
  }

  /// - Parameter what: what the value is, for errors.
  private static func check(_ value: Value, against type: ValueType, _ what: @autoclosure () -> String) throws(PinionError) {
    switch (type, value) {
    case (.tensor(let element, let dims), .tensor(let tensor)):
      guard tensor.element == element else {
        throw .invalidShape("\(what()) is \(tensor.type), expected element type \(element)")
      }
      guard let dims else { return }
      guard dims.count == tensor.shape.rank else {
        throw .invalidShape(
          "\(what()) is \(tensor.type), expected rank \(dims.count) as in \(ValueType.tensor(element, dims: dims))")
      }
      for (axis, dimension) in dims.enumerated() {
        guard case .known(let extent) = dimension, extent != tensor.shape[axis] else { continue }
        throw .invalidShape("\(what()) is \(tensor.type), expected \(ValueType.tensor(element, dims: dims))")
      }
    case (.sequence(let element), .sequence(let values, let given)):
      // The elements are all of the kind that the sequence says.
      guard values.isEmpty || given.hasKind(of: element) else {
        throw .invalidShape("\(what()) is a sequence of \(given), expected one of \(element)")
      }
    case (.optional, .none): return
    case (.optional(let content), _): try check(value, against: content, what())
    case (.map(let key, let content), .map(let keys, let values)):
      guard keys.element == key else { throw .invalidShape("\(what()) has keys of type \(keys.element), expected \(key)") }
      guard keys.count == values.count else { throw .invalidShape("\(what()) has \(keys.count) keys and \(values.count) values") }
      guard case .tensor(let element, _) = content, values.element != element else { return }
      throw .invalidShape("\(what()) has values of type \(values.element), expected \(element)")
    case (_, _): throw .invalidShape("\(what()) is \(value.shownType), expected \(type)")
    }
  }

  /// The program in which these inputs are no constants and that computes these outputs.
  /// - Parameters:
  ///   - isTied: whether passes may take dimensions of one name for equal.
  ///   - tables: see `ProgramVariant`.
  ///   - control: what waits for the program, where it has to be made: when to stop. How much memory that may take is the session's, as
  ///     other runs have the program, too, and what it computes must not depend on who asked first.
  func program(
    overrides: [Int], outputs: [Int], isTied: Bool, tables: [Int] = [], control: RunControl
  ) throws(PinionError) -> Program {
    try program(ProgramVariant(overrides: overrides, outputs: outputs, isTied: isTied, tables: tables), control: control)
  }

  /// The program of a variant.
  /// - Parameter bytes: what computing nodes beforehand may take, in the place of the session's budget: a program that has to be made so is
  ///   nobody else's. Nil for the session's.
  func program(_ variant: ProgramVariant, control: RunControl, bytes: Int? = nil) throws(PinionError) -> Program {
    if variant == ownVariant { return program }
    if let program = variants.withLock({ $0.find(variant) }) { return program }
    var limits = control.limits.withoutBudgets
    limits.bytes = bytes ?? foldingBytes
    let isShared = limits.bytes == foldingBytes
    let program = try model.content.program(
      variant, runtime: runtime, options: options, isVariant: true, isShared: isShared, control: RunControl(limits))
    guard isShared else { return program }
    let kept = variants.withLock { $0.insert(program, for: variant) { account.isWithinLimit } }
    if variant == untiedVariant { untied.withLock { $0.program = kept } }
    return kept
  }

  /// Gives plans and their idle memory back to the allocator, those that are shared with other sessions among them.
  /// - Returns: the bytes given back.
  @discardableResult public func trim() -> Int {
    let before = account.bytes
    program.trim()
    // Runs and states may still have them.
    let programs = variants.withLock { variants in
      defer { variants.removeAll() }
      return variants.elements
    }
    for program in programs { program.trim() }
    return max(before - account.bytes, 0)
  }

  /// What this session and those that share its plans hold between runs.
  var account: MemoryAccount { program.account }
}
