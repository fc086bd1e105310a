import Pinion
import PinionBase
import PinionTensor

extension Checker {
  /// A state gives what the same values give as plain inputs and outputs, bit for bit, through growing, truncating, forking, resetting and
  /// runs that end early.
  func checkState(_ spec: ModelSpec, _ interpreter: Interpreter, seed: UInt64) throws(Failure) {
    guard !spec.carried.isEmpty else { return }
    var random = RandomNumbers(seed: seed ^ 0x57a7e)
    for level in [0, 2] {
      let plainModel: Model, model: Model
      do {
        plainModel = try spec.loaded()
        model = try spec.loaded()
      } catch { return }
      let plain = try session(plainModel, level: level, threads: 1), session = try session(model, level: level, threads: random.pick([1, 1, 2, 3]))
      try StateCheck(self, spec, plain, session, random: random).run()
      _ = random.next()
    }
  }
}

/// One session with a state beside one without.
private final class StateCheck {
  let checker: Checker
  let spec: ModelSpec
  private let anyCourse: Session
  /// Sessions for what decides branches, which a state takes the model's graph for.
  private var courses: [[Bool]: Session] = [:]
  let session: Session
  var random: RandomNumbers
  var state: State
  /// What the plain session takes for the carried inputs.
  var current: Feeds = [:]
  /// Inputs of which the state has a value.
  var isSet = false

  init(_ checker: Checker, _ spec: ModelSpec, _ plain: Session, _ session: Session, random: RandomNumbers) throws(Failure) {
    self.checker = checker
    self.spec = spec
    anyCourse = plain
    self.session = session
    self.random = random
    do {
      state = try State(
        session, pairs: spec.carried.map { StatePair(input: $0.input, output: $0.output) }, capacity: self.random.pick([0, 0, 3, 40]))
    } catch { throw Failure(check: "state", detail: "\(error)") }
  }

  private func attempt<T>(_ what: String, _ body: () throws(PinionError) -> T) throws(Failure) -> T {
    do { return try body() } catch { throw Failure(check: what + " fails", detail: "\(error)") }
  }

  private var deciding: [String] { state.deciding.map { session.model.inputs[$0].name } }

  /// The values that the model for known branches does not have as constants.
  private func unknown(_ feeds: Feeds) -> Feeds { feeds.filter { !deciding.contains($0.key) } }

  /// The session without a state: that of the model in which what decides branches in this run is constant.
  private func plain(_ feeds: Feeds) throws(PinionError) -> Session {
    let names = deciding
    guard !names.isEmpty else { return anyCourse }
    let tensors = names.compactMap { feeds[$0]?.tensor }, key = tensors.map { $0.data.load(as: UInt8.self) != 0 }
    if let known = courses[key] { return known }
    var other = spec
    other.graph.inputs.removeAll { names.contains($0.name) }
    other.graph.initializers += zip(names, tensors).map { (name: $0, tensor: $1) }
    let made = try Session(try other.loaded(), runtime: anyCourse.runtime, options: anyCourse.options)
    courses[key] = made
    return made
  }

  func run() throws(Failure) {
    try begin()
    for step in spec.runs.indices {
      if step > 0 { try meddle() }
      guard try self.step(step, on: state, commits: true) else { return }
    }
  }

  /// Values to begin with: those of the model, or what a state begins with by itself where this can be told.
  private func begin() throws(Failure) {
    // A smaller model may not have all inputs any more.
    current = spec.initial.filter { name, _ in spec.graph.inputs.contains { $0.name == name } }
    isSet = false
    let fromNothing = random.chance(0.4)
    for (index, pair) in spec.carried.enumerated() {
      guard let value = spec.initial[pair.input]?.tensor else { continue }
      if fromNothing, let nothing = nothing(pair.input, isAppended: state.isAppended[index]) {
        current[pair.input] = .tensor(nothing)
      } else {
        try attempt("setting a state") { () throws(PinionError) in try state.set(pair.input, to: value) }
      }
    }
    // Lengths that disagree are refused; then all are set.
    if state.length == nil, state.isAppended.contains(true) {
      for pair in spec.carried {
        guard let value = spec.initial[pair.input]?.tensor else { continue }
        current[pair.input] = .tensor(value)
        try attempt("setting a state") { () throws(PinionError) in try state.set(pair.input, to: value) }
      }
    }
  }

  /// No rows, or zeros; nil where more is open than that.
  private func nothing(_ input: String, isAppended: Bool) -> Tensor? {
    guard case .tensor(let element, let dims?)?? = spec.graph.inputs.first(where: { $0.name == input })?.type else { return nil }
    var extents: [Int] = []
    for dimension in dims { if case .known(let extent) = dimension { extents.append(extent) } else if isAppended { extents.append(0) } else { return nil } }
    let open = dims.count { if case .known = $0 { false } else { true } }
    guard open == 0 || open == 1 && isAppended else { return nil }
    guard let tensor = try? Tensor(TensorType(element, try Shape(extents))) else { return nil }
    tensor.data.initializeMemory(as: UInt8.self, repeating: 0, count: tensor.byteCount)
    return tensor
  }

  /// A run of both. What the state does not accept as the next value ends the sequence.
  /// - Returns: whether it goes on.
  private func step(_ index: Int, on state: State, commits: Bool) throws(Failure) -> Bool {
    let feeds = spec.runs[index], model = session.model
    let expected = Checker.Outcome { () throws(PinionError) in try plain(feeds).run(unknown(feeds).merging(current) { $1 }) }
    let all = Array(model.outputs.indices), free = all.filter { index in !spec.carried.contains { $0.output == model.outputs[index].name } }
    let wanted = random.chance(0.3) ? Array(random.shuffled(all).prefix(random.int(0...all.count))) : random.chance(0.3) ? all : free
    let found = Checker.Outcome { () throws(PinionError) in try session.run(checker.ordered(model, feeds), wanted: wanted, state: state) }
    let detail = "run \(index), level \(session.options.optimization), outputs \(wanted)"
    // Values that have come to different lengths are refused, which says nothing of what they are.
    if case .failure(let error) = found, error.message.contains("sequences of different lengths"), hasDifferentLengths { return false }
    switch (found, expected) {
    case (.success(let values), .success(let others)):
      if let text = difference(values, wanted.map { others[$0] }) { throw Failure(check: "with a state", detail: "\(detail): \(text)") }
      try checker.checkRanges(model, checker.ordered(model, feeds), values)
      var next = current
      for pair in spec.carried { if let place = model.outputs.firstIndex(where: { $0.name == pair.output }) { next[pair.input] = others[place] } }
      // What goes out is nobody else's.
      for value in values { for tensor in value.leaves where !all.isEmpty { tensor.scribble() } }
      try compare(state, next, "values of a state", detail)
      if commits {
        current = next
        isSet = true
      }
      return true
    case (.failure(let error), .success(let others)):
      // The next run would refuse what this one gives.
      var next = current
      for pair in spec.carried { if let place = model.outputs.firstIndex(where: { $0.name == pair.output }) { next[pair.input] = others[place] } }
      let again = Checker.Outcome { () throws(PinionError) in try plain(feeds).run(unknown(feeds).merging(next) { $1 }) }
      if case .failure(let refusal) = again, refusal.code == error.code, error.message.contains("cannot be input") { return false }
      throw Failure(check: "with a state fails", detail: "\(detail): \(error)")
    case (.success, .failure(let error)):
      // An output that is not wanted is not computed.
      if wanted.count < all.count { return false }
      // Where branches are known, nodes that no output needs go on every level.
      if !deciding.isEmpty, session.options.optimization == 0 { return false }
      // What adds no rows and gives nothing else computes nothing, and looks at no element.
      if error.code == .invalidValue, feeds.values.contains(where: { $0.tensor?.count == 0 }) { return false }
      throw Failure(check: "with a state succeeds", detail: "\(detail): \(error)")
    case (.failure(let a), .failure(let b)):
      // Of two nodes that refuse the run, either may come first.
      if wanted.count == all.count, a.code != b.code, a.node == b.node { throw Failure(check: "error with a state", detail: "\(detail): \(a), expected \(b)") }
      try compare(state, current, "values of a state", detail + ", which failed")
      return true
    }
  }

  /// The extent that the model declares for an axis of an input.
  private func declaredExtent(_ input: String, _ axis: Int) -> Int? {
    guard case .tensor(_, let dims?)?? = spec.graph.inputs.first(where: { $0.name == input })?.type, case .known(let extent) = dims[axis] else { return nil }
    return extent
  }

  private var hasDifferentLengths: Bool {
    var lengths: Set<Int> = []
    for (index, pair) in spec.carried.enumerated() where state.isAppended[index] {
      guard let axis = state.axes[index], let tensor = current[pair.input]?.tensor else { continue }
      lengths.insert(tensor.shape.dims[axis])
    }
    return lengths.count > 1
  }

  /// What the state holds, and what it should.
  private func compare(_ state: State, _ values: Feeds, _ check: String, _ detail: String) throws(Failure) {
    for pair in spec.carried {
      guard let expected = values[pair.input] else { continue }
      let held: Tensor
      do { held = try state.value(pair.input) } catch {
        // Before the first run it may have none.
        guard !isSet else { throw Failure(check: check + " fails", detail: "\(detail), \(pair.input): \(error)") }
        continue
      }
      if let text = difference(.tensor(held), expected) { throw Failure(check: check, detail: "\(detail), \(pair.input): \(text)") }
    }
  }

  /// What a caller may do between runs.
  private func meddle() throws(Failure) {
    if random.chance(0.1) { session.trim() }
    if random.chance(0.2) {
      let feeds = random.pick(spec.runs)
      let limits = Checker.interruption(&random), result = try? session.run(checker.ordered(session.model, feeds), state: state, limits: Checker.interruption(&random))
      if result == nil {
        try compare(state, current, "values of a state", "after a run that ended early")
      } else {
        // It was quick enough: the plain session follows.
        guard let others = try? plain(feeds).run(unknown(feeds).merging(current) { $1 }) else { throw Failure(check: "with a state succeeds", detail: "between") }
        for pair in spec.carried { if let place = session.model.outputs.firstIndex(where: { $0.name == pair.output }) { current[pair.input] = others[place] } }
        isSet = true
      }
    }
    if random.chance(0.2), isSet { try truncate() }
    if random.chance(0.15) {
      let other = try attempt("a fork") { () throws(PinionError) in try state.fork() }
      // One of the two goes on; what the other does is nothing to it.
      let kept = random.chance(0.5) ? other : state, left = kept === state ? other : state
      _ = try step(random.below(spec.runs.count), on: left, commits: false)
      try compare(kept, current, "values of a state", "beside a fork that ran")
      state = kept
    }
    if random.chance(0.08) {
      try attempt("a reset") { () throws(PinionError) in try state.reset() }
      try begin()
    }
    if random.chance(0.1), isSet {
      for pair in spec.carried {
        guard let value = current[pair.input]?.tensor else { continue }
        try attempt("setting a state") { () throws(PinionError) in try state.set(pair.input, to: value) }
      }
    }
  }

  private func truncate() throws(Failure) {
    guard let length = state.length else { return }
    let less = random.int(0...length)
    guard state.isAppended.allSatisfy({ $0 }) else {
      // It goes back as a whole or not at all.
      if less < length, state.axes.contains(nil), (try? state.truncate(to: less)) != nil { throw Failure(check: "truncating", detail: "succeeds") }
      return
    }
    var cut: Feeds = current
    // Nothing changes where nothing is forgotten.
    for (index, pair) in spec.carried.enumerated() where less < length {
      guard let tensor = current[pair.input]?.tensor, let axis = state.axes[index], let part = try? tensor.prefix(min(less, tensor.shape[axis]), axis: axis)
      else { return }
      // A cache that is as long as it can become stays so, with zeros.
      cut[pair.input] = .tensor(declaredExtent(pair.input, axis) != nil ? try part.extended(to: tensor.shape[axis], axis: axis) : part)
    }
    try attempt("truncating") { () throws(PinionError) in try state.truncate(to: less) }
    guard state.length == less else { throw Failure(check: "truncating", detail: "the length is \(String(describing: state.length)), not \(less)") }
    current = cut
    try compare(state, current, "values of a state", "truncated to \(less)")
  }
}

extension Tensor {
  /// The first rows along an axis.
  func prefix(_ rows: Int, axis: Int) throws(PinionError) -> Tensor {
    var dims = shape.dims
    let outer = dims[..<axis].reduce(1, *), inner = dims[(axis + 1)...].reduce(1, *) * element.byteWidth, extent = dims[axis]
    dims[axis] = rows
    let result = try Tensor(TensorType(element, try Shape(dims)))
    for unit in 0..<outer { (result.data + unit * rows * inner).copyMemory(from: data + unit * extent * inner, byteCount: rows * inner) }
    return result
  }
}

extension Tensor {
  /// With zeros behind the rows along an axis.
  fileprivate func extended(to rows: Int, axis: Int) throws(Failure) -> Tensor {
    var dims = shape.dims
    let outer = dims[..<axis].reduce(1, *), inner = dims[(axis + 1)...].reduce(1, *) * element.byteWidth, extent = dims[axis]
    dims[axis] = rows
    do throws(PinionError) {
      let result = try Tensor(TensorType(element, try Shape(dims)))
      result.data.initializeMemory(as: UInt8.self, repeating: 0, count: result.byteCount)
      for unit in 0..<outer { (result.data + unit * rows * inner).copyMemory(from: data + unit * extent * inner, byteCount: extent * inner) }
      return result
    } catch { throw Failure(check: "truncating", detail: "\(error)") }
  }
}
