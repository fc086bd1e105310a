import Glibc
import Pinion
import PinionBase
import PinionTensor

/// What a check found.
struct Failure: Error {
  /// The check, in a few words that stay the same from model to model.
  let check: String
  let detail: String

  /// Wrong numbers may show in one check or another while a model is made smaller.
  static func isSameKind(_ a: String, _ b: String) -> Bool {
    let values = ["node by node", "level 1", "level 2", "threads", "memory given", "run in place", "a second run", "outputs stay", "prepared", "in a sequence", "with a state", "values of a state"]
    return a == b || (values.contains(a) && values.contains(b))
  }
}

/// Holds a model's runs against what must be true of every model.
final class Checker {
  let runtimes: [Runtime]
  /// Outputs that could be held against the reference only in part, or not at all, of those that differ from it where they may.
  private(set) var undecided = 0

  private var passages: [ElementType: Session] = [:]
  /// In memory where that can be had: a model is written to the disk before it is there under its name, and waiting for it takes longer than all else.
  private let scratch = "\(access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp")/pinion-random-graphs-\(getpid()).onnx"

  init() throws(PinionError) {
    var runtimes: [Runtime] = []
    for threads in 1...3 { runtimes.append(try Runtime(threads: threads)) }
    self.runtimes = runtimes
  }

  var single: Runtime { runtimes[0] }

  typealias Outcome = Result<[Value], PinionError>

  func check(_ spec: ModelSpec, _ interpreter: Interpreter, seed: UInt64) -> Failure? {
    do {
      switch spec.kind {
      case .single: try checkAll(spec, interpreter, seed: seed)
      case .sequences: try checkSequence(spec, interpreter, seed: seed)
      case .state: try checkState(spec, interpreter, seed: seed)
      }
      return nil
    } catch { return error }
  }

  private func checkAll(_ spec: ModelSpec, _ interpreter: Interpreter, seed: UInt64) throws(Failure) {
    let reference = spec.runs.map { feeds in Outcome { () throws(PinionError) in try interpreter.run(feeds) } }
    let model: Model
    do {
      model = try spec.loaded()
    } catch {
      if case .success = reference[0] { throw Failure(check: "loads", detail: "\(error)") }
      return
    }
    // Two threads at one level and three at the other.
    let spare = 2 + Int(seed % 2)
    let plain = try outcomes(spec, model, level: 0, threads: 1)
    for (run, outcome) in plain.enumerated() {
      let detail = "run \(run), level 0 and each node by itself"
      do { try compare(outcome, reference[run], "node by node", detail) } catch {
        interpreter.knowsBranches = true
        defer { interpreter.knowsBranches = false }
        try compare(outcome, Outcome { () throws(PinionError) in try interpreter.run(spec.runs[run]) }, "node by node", detail)
      }
    }
    let manyPlain = try outcomes(spec, model, level: 0, threads: spare)
    try compare(manyPlain, plain, "threads", "level 0, \(spare) threads and 1")
    let exact = try outcomes(spec, model, level: 1, threads: 1)
    for run in exact.indices {
      // Without steps a body whose first would fail has no types to tell.
      if case .failure = reference[run], Checker.areEmpty(exact[run], plain[run]) { continue }
      do { try compare(exact[run], plain[run], "level 1", "run \(run), level 1 and 0") } catch {
        // What nodes outside make of constants a body takes at level 0 as it takes any value, and at level 1 as weights, which are packed.
        guard spec.graph.bodiesReadMadeValues, case .success(let found) = exact[run], case .success(let expected) = plain[run],
          Bound.violation(found, expected, interpreter, spec.runs[run], seed: seed, undecided: &undecided) == nil
        else { throw error }
      }
    }
    try checkRefusals(spec, exact, plain, "level 1")
    if let again = try written(model) {
      let written = try outcomes(spec, again, level: 0, threads: 1)
      // A body that does not run in any step says nothing of what it would have given; a file says what is known besides.
      let isLoop = spec.graph.nodes.contains { !$0.subgraphs.isEmpty } || !spec.functions.isEmpty
      for run in written.indices where !(isLoop && Checker.areEmpty(written[run], plain[run])) {
        try compare(written[run], plain[run], "written", "run \(run), written as ONNX and read, and as it was")
      }
    }
    let session = try session(model, level: 2, threads: 1)
    let fused = outcomes(spec, session)
    let others = 5 - spare
    try compare(try outcomes(spec, model, level: 2, threads: others), fused, "threads", "level 2, \(others) threads and 1")
    try checkRefusals(spec, fused, plain, "level 2")
    for (run, outcome) in fused.enumerated() {
      guard case .success(let expected) = plain[run] else { continue }
      guard case .success(let found) = outcome else { throw Failure(check: "level 2 fails", detail: "run \(run): \(outcome)") }
      guard difference(found, expected) != nil else { continue }
      guard case .success = reference[run] else { continue }
      if let text = Bound.violation(found, expected, interpreter, spec.runs[run], seed: seed, undecided: &undecided) {
        throw Failure(check: "level 2", detail: "run \(run), \(text)")
      }
    }
    try checkPrepared(spec, model, level: seed % 3 == 0 ? 0 : 2, seed % 3 == 0 ? plain : fused, isByValue: seed % 5 < 2)
    try checkMemory(spec, session, fused, seed: seed)
  }

  /// Runs that were prepared give what others give, and are not refused before they are run.
  private func checkPrepared(_ spec: ModelSpec, _ model: Model, level: Int, _ expected: [Outcome], isByValue: Bool) throws(Failure) {
    let session = try session(model, level: level, threads: 1)
    let names = model.inputs.map(\.name) + model.overridableInputs.map(\.name)
    for (run, feeds) in spec.runs.enumerated() {
      let given = names.map { name in
        feeds[name].map { value in
          if !isByValue, case .tensor(let tensor) = value { PlanInput.type(tensor.type) } else { PlanInput.value(value) }
        }
      }
      do { try session.prepare(given) } catch {
        if case .success = expected[run] { throw Failure(check: "prepared fails", detail: "run \(run), preparing: \(error)") }
      }
      let outcome = Outcome { () throws(PinionError) in try session.run(feeds) }
      try compare(outcome, expected[run], "prepared", "run \(run), level \(level), prepared and not")
    }
  }

  /// The model written as an ONNX file and read again; nil where it is one of those that ONNX has no form for.
  private func written(_ model: Model) throws(Failure) -> Model? {
    var options = ONNXOptions()
    options.externalData = .never
    do { try model.save(scratch, options: options) } catch {
      if error.code == .unsupported { return nil }
      throw Failure(check: "written fails", detail: "\(error)")
    }
    defer { unlink(scratch) }
    do { return try Model(path: scratch) } catch { throw Failure(check: "written and read fails", detail: "\(error)") }
  }

  // MARK: Runs

  func session(_ model: Model, level: Int, threads: Int) throws(Failure) -> Session {
    var options = SessionOptions()
    options.optimization = level
    do { return try Session(model, runtime: runtimes[threads - 1], options: options) } catch {
      throw Failure(check: "session", detail: "level \(level): \(error)")
    }
  }

  private func outcomes(_ spec: ModelSpec, _ model: Model, level: Int, threads: Int) throws(Failure) -> [Outcome] {
    outcomes(spec, try session(model, level: level, threads: threads))
  }

  private func outcomes(_ spec: ModelSpec, _ session: Session) -> [Outcome] {
    spec.runs.map { feeds in Outcome { () throws(PinionError) in try session.run(feeds) } }
  }

  /// Whether the outputs that differ are without elements, or one run fails for a shape.
  private static func areEmpty(_ found: Outcome, _ expected: Outcome) -> Bool {
    guard case .success(let b) = expected else { return false }
    switch found {
    case .failure(let error): return error.code == .invalidShape
    case .success(let a):
      guard a.count == b.count else { return false }
      return zip(a, b).allSatisfy { x, y in
        guard case .tensor(let s) = x, case .tensor(let t) = y, s.type != t.type else { return true }
        return s.element == t.element && s.count == 0 && t.count == 0
      } && zip(a, b).contains { x, y in
        guard case .tensor(let s) = x, case .tensor(let t) = y else { return false }
        return s.type != t.type
      }
    }
  }

  /// A run that fails at a node which some output is computed from fails at every level.
  private func checkRefusals(_ spec: ModelSpec, _ found: [Outcome], _ plain: [Outcome], _ level: String) throws(Failure) {
    guard let needed = spec.neededNodes else { return }
    for (run, outcome) in found.enumerated() {
      guard case .failure(let error) = plain[run], case .success = outcome, needed.contains(error.node) else { continue }
      throw Failure(check: "refused at \(level)", detail: "run \(run) succeeds, and at level 0: \(error)")
    }
  }

  func compare(_ found: [Outcome], _ expected: [Outcome], _ check: String, _ detail: String) throws(Failure) {
    for run in found.indices { try compare(found[run], expected[run], check, "run \(run), \(detail)") }
  }

  func compare(_ found: Outcome, _ expected: Outcome, _ check: String, _ detail: String) throws(Failure) {
    switch (found, expected) {
    case (.success(let a), .success(let b)):
      if let text = difference(a, b) { throw Failure(check: check, detail: "\(detail): \(text)") }
    case (.failure(let a), .failure(let b)):
      if check == "threads", a.code != b.code { throw Failure(check: "error of threads", detail: "\(detail): \(a), expected \(b)") }
    case (.failure(let a), .success): throw Failure(check: check + " fails", detail: "\(detail): \(a)")
    case (.success, .failure(let b)):
      // Passes may take out a node that would have failed, and the interpreter does not carry out everything.
      if check == "threads" { throw Failure(check: check + " succeeds", detail: "\(detail): \(b)") }
    }
  }

  // MARK: Memory

  /// Outputs in the caller's memory, outputs alone and in another order, runs after other runs, and whose memory outputs lie in.
  private func checkMemory(_ spec: ModelSpec, _ session: Session, _ outcomes: [Outcome], seed: UInt64) throws(Failure) {
    guard let run = outcomes.indices.last(where: { if case .success = outcomes[$0] { true } else { false } }),
      case .success(let first) = outcomes[run]
    else { return }
    let model = session.model
    let feeds = spec.runs[run]
    let names = model.inputs.map(\.name) + model.overridableInputs.map(\.name)
    let ordered = names.map { feeds[$0] }
    let all = Array(model.outputs.indices)
    func attempt(_ what: String, _ body: () throws(PinionError) -> [Value]) throws(Failure) -> [Value] {
      do { return try body() } catch { throw Failure(check: what + " fails", detail: "\(error)") }
    }
    do {
      let inputsBefore = try ordered.map { value throws(PinionError) in try value?.deepCopy() }
      let firstBefore = try first.map { value throws(PinionError) in try value.deepCopy() }
      let again = try attempt("a second run") { () throws(PinionError) in try session.run(ordered, wanted: all) }
      if let text = difference(again, firstBefore) { throw Failure(check: "a second run", detail: text) }
      if let text = difference(first, firstBefore) { throw Failure(check: "outputs stay", detail: "after another run " + text) }
      try checkRanges(model, ordered, again)
      // What a run gave may be an input of the next.
      let fedBack = try ordered.map { value throws(PinionError) in try value.map { value throws(PinionError) in try passedThroughRun(value) } }
      let afterwards = try attempt("a run on what a run gave") { () throws(PinionError) in try session.run(fedBack, wanted: all) }
      if let text = difference(afterwards, firstBefore) { throw Failure(check: "a run on what a run gave", detail: text) }
      do { try checkRanges(model, fedBack, afterwards) } catch { throw Failure(check: error.check + " that a run gave", detail: error.detail) }
      // What is written to an output reaches nothing else.
      for value in again { for tensor in value.leaves { tensor.scribble() } }
      for (name, (after, before)) in zip(names, zip(ordered, inputsBefore)) {
        if let after, let before, let text = difference(after, before) { throw Failure(check: "inputs stay", detail: "\(name): \(text)") }
      }
      let third = try attempt("a run after writing to outputs") { () throws(PinionError) in try session.run(ordered, wanted: all) }
      if let text = difference(third, firstBefore) { throw Failure(check: "a run after writing to outputs", detail: text) }

      var random = RandomNumbers(seed: seed ^ 0x5eed)
      let some = random.shuffled(all + (random.chance(0.2) ? all : [])).prefix(random.int(1...max(1, all.count)))
      let chosen = try attempt("some outputs") { () throws(PinionError) in try session.run(ordered, wanted: Array(some)) }
      // Without an output that fused nodes had to keep, more may be fused.
      let isExact = session.options.optimization < 2
      if isExact, let text = difference(chosen, some.map { firstBefore[$0] }) { throw Failure(check: "some outputs", detail: "outputs \(Array(some)): \(text)") }
      guard zip(chosen, some).allSatisfy({ $0.openType == firstBefore[$1].openType }) else {
        throw Failure(check: "some outputs", detail: "types of outputs \(Array(some))")
      }
      do { try checkRanges(model, ordered, chosen) } catch {
        throw Failure(check: Set(some).count < some.count ? "an output wanted twice" : error.check, detail: error.detail)
      }

      // Into the caller's memory.
      var memory: [Tensor?] = []
      for value in firstBefore {
        if case .tensor(let tensor) = value, tensor.element != .string {
          memory.append(try Tensor(tensor.type))
        } else {
          memory.append(nil)
        }
      }
      let into = try attempt("memory given") { () throws(PinionError) in try session.run(ordered, wanted: all, memory: memory) }
      if let text = difference(into, firstBefore) { throw Failure(check: "memory given", detail: text) }
      for (value, given) in zip(into, memory) {
        if let given, value.tensor?.data != given.data { throw Failure(check: "memory given", detail: "an output lies elsewhere") }
      }
      if memory.allSatisfy({ $0 != nil }), ordered.prefix(model.inputs.count).allSatisfy({ $0?.tensor != nil }), ordered.dropFirst(model.inputs.count).allSatisfy({ $0 == nil }) {
        for case let tensor? in memory { tensor.scribble() }
        let hasRun: Bool
        do {
          hasRun = try session.runInPlace(
            inputs: model.inputs.count, outputs: memory.count, input: { ordered[$0]?.tensor }, output: { memory[$0] }, limits: nil)
        } catch { throw Failure(check: "run in place fails", detail: "\(error)") }
        if hasRun, let text = difference(memory.compactMap { $0.map(Value.tensor) }, firstBefore) { throw Failure(check: "run in place", detail: text) }
      }
      for (name, (after, before)) in zip(names, zip(ordered, inputsBefore)) {
        if let after, let before, let text = difference(after, before) { throw Failure(check: "inputs stay", detail: "\(name): \(text)") }
      }
    } catch let error as Failure { throw error } catch { throw Failure(check: "memory", detail: "\(error)") }
  }

  /// The same value in memory of a run's own.
  private func passedThroughRun(_ value: Value) throws(PinionError) -> Value {
    guard let tensor = value.tensor else { return value }
    if passages[tensor.element] == nil {
      var identity = ModelSpec()
      identity.graph.inputs = [ValueSpec(name: "x", type: .tensor(tensor.element, dims: nil))]
      identity.graph.nodes = [NodeSpec(id: 1, domain: "", op: "Expand", inputs: ["x", "s"], outputs: ["y"], attributes: [])]
      identity.graph.initializers = [("s", try Tensor.ints([1]))]
      identity.graph.outputs = [ValueSpec(name: "y", type: nil)]
      passages[tensor.element] = try Session(try identity.loaded(), runtime: single)
    }
    let outputs = try passages[tensor.element]?.run(["x": value]) ?? []
    guard let given = outputs.first?.tensor, given.count == tensor.count else { return value }
    return .tensor(try given.reshaped(tensor.shape))
  }

  /// No two outputs, no output and an input, and no output and a weight have a byte in common.
  func checkRanges(_ model: Model, _ inputs: [Value?], _ outputs: [Value]) throws(Failure) {
    var ranges: [(start: UInt, end: UInt, what: String)] = []
    func add(_ tensor: Tensor, _ what: String) {
      guard tensor.byteCount > 0 else { return }
      let start = UInt(bitPattern: tensor.data)
      ranges.append((start, start + UInt(tensor.byteCount), what))
    }
    for value in outputs { for tensor in value.leaves { add(tensor, "outputs") } }
    let outputCount = ranges.count
    for value in inputs { for tensor in value?.leaves ?? [] { add(tensor, "inputs") } }
    for tensor in model.graph.allConstants { add(tensor, "weights") }
    for index in 0..<outputCount {
      for other in (index + 1)..<max(ranges.count, index + 1) where ranges[index].start < ranges[other].end && ranges[other].start < ranges[index].end {
        throw Failure(
          check: "outputs apart from " + ranges[other].what, detail: "of the outputs' tensors number \(index) shares memory with number \(other)")
      }
    }
  }
}

extension Graph {
  fileprivate var allConstants: [Tensor] { Array(constants.values) + nodes.flatMap { $0.subgraphs.flatMap(\.allConstants) } }
}

extension Value {
  func deepCopy() throws(PinionError) -> Value {
    switch self {
    case .tensor(let tensor):
      guard tensor.element == .string else { return .tensor(try tensor.copy()) }
      return .tensor(try Tensor(utf8: tensor.elements(as: StringElement.self).map { Array($0.bytes) }, tensor.shape))
    case .sequence(let values, let element):
      var copies: [Value] = []
      for value in values { copies.append(try value.deepCopy()) }
      return .sequence(copies, element: element)
    case .map(let keys, let values):
      guard let keys = try Value.tensor(keys).deepCopy().tensor, let values = try Value.tensor(values).deepCopy().tensor else { return self }
      return .map(keys: keys, values: values)
    case .none: return self
    }
  }
}

extension Tensor {
  /// Writes over the elements.
  func scribble() {
    let bytes = data.assumingMemoryBound(to: UInt8.self)
    switch element {
    case .bool: for index in 0..<byteCount { bytes[index] ^= 1 }
    case .string:
      let elements = data.assumingMemoryBound(to: StringElement.self)
      for index in 0..<count { elements[index] = StringElement(start: nil, count: 0) }
    default: for index in 0..<byteCount { bytes[index] ^= element.bitWidth < 8 ? 1 : 0xa5 }
    }
  }
}
