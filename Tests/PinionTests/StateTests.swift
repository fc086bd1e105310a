import Dispatch
import Pinion
import Synchronization
import Testing

/// A state gives the same bits as caches that are passed in and out, in memory where nothing of the past is moved.
@Suite struct StateTests {
  private static let key = "past_key_values.0.key", value = "past_key_values.0.value"

  private func empty(batch: Int, _ element: ElementType = .float32) throws -> [String: Value] {
    let nothing = Value.tensor(try Tensor(TensorType(element, try Shape([batch, 4, 0, 6]))))
    return [Self.key: nothing, Self.value: nothing]
  }

  /// Runs a step both ways and compares all bits.
  private func check(
    _ kind: StateModel, _ plain: inout PlainCaches, _ state: State, batch: Int, rows: Int, seed: Int,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let inputs = try kind.inputs(batch: batch, rows: rows, seed: seed)
    let expected = try plain.step(inputs), found = try state.session.run(inputs, state: state)
    #expect(try bits(found) == bits(expected), "\(kind) after \(rows) rows", sourceLocation: sourceLocation)
    for name in [Self.key, Self.value] {
      let cache = try #require(plain.values[name]).asTensor(), held = try state.value(name)
      #expect(held.type == cache.type && bits(held) == bits(cache), "\(name)", sourceLocation: sourceLocation)
      #expect(state.length == cache.shape[2], sourceLocation: sourceLocation)
    }
  }

  @Test(arguments: StateModel.allCases, 0...2) func agreesWithPlainCaches(_ kind: StateModel, level: Int) throws {
    let session = try session(try kind.model(), level: level, threads: 2)
    let state = try State(session)
    #expect(state.pairs == [StatePair(input: Self.key, output: "present.0.key"), StatePair(input: Self.value, output: "present.0.value")])
    #expect(state.isAppended == [true, true] && state.length == 0 && state.byteCount == 0)
    var plain = PlainCaches(session, values: try empty(batch: 2, kind.element))
    // Prompts and single positions, through memory that grows several times.
    for (seed, rows) in ([5] + [Int](repeating: 1, count: 40) + [7, 1, 30, 1, 1]).enumerated() {
      try check(kind, &plain, state, batch: 2, rows: rows, seed: seed)
    }
  }

  @Test(arguments: StateModel.allCases) func nothingOfThePastIsMoved(_ kind: StateModel) throws {
    let session = try session(try kind.model(), level: 2)
    let state = try State(session, capacity: 100)
    let row = 2 * 4 * (6 + 6) * kind.element.byteWidth, room = kind.hasLengths ? 116 : 100
    for (seed, rows) in [9, 1, 1, 3].enumerated() {
      _ = try session.run(try kind.inputs(batch: 2, rows: rows, seed: seed), state: state)
      #expect(state.movedBytes == rows * row)
      #expect(state.byteCount == room * row)
    }
    // Growing by half moves all once, and then not for long.
    var moved = 0
    for seed in 0..<300 {
      _ = try session.run(try kind.inputs(batch: 2, rows: 1, seed: seed), state: state)
      moved += state.movedBytes
    }
    #expect(state.length == 314 && moved < (300 + 3 * 314) * row, "\(moved / row) rows")
    #expect(state.byteCount <= (2 * 314 + 16) * row)
  }

  @Test(arguments: StateModel.allCases, [0, 2]) func goesBackAndForks(_ kind: StateModel, level: Int) throws {
    let session = try session(try kind.model(), level: level)
    let state = try State(session)
    var plain = PlainCaches(session, values: try empty(batch: 1, kind.element))
    for seed in 0..<6 { try check(kind, &plain, state, batch: 1, rows: 2, seed: seed) }
    let later = plain, fork = try state.fork()
    #expect(fork.length == 12)

    // What was forgotten is written over.
    try state.truncate(to: 5)
    #expect(state.length == 5)
    plain = PlainCaches(session, values: try empty(batch: 1, kind.element))
    for seed in 0..<2 { _ = try plain.step(try kind.inputs(batch: 1, rows: 2, seed: seed)) }
    let third = try kind.inputs(batch: 1, rows: 2, seed: 2).mapValues { input -> Value in
      let tensor = try input.asTensor()
      guard tensor.element != .int64 else { return input }
      // The first of two rows.
      let first = try Tensor(TensorType(tensor.element, try Shape(kind.isByRow ? [1, 1, 24] : [1, 4, 1, 6])))
      let width = (kind.isByRow ? 24 : 6) * tensor.element.byteWidth
      for unit in 0..<tensor.byteCount / (2 * width) { (first.data + unit * width).copyMemory(from: tensor.data + 2 * unit * width, byteCount: width) }
      return .tensor(first)
    }
    _ = try plain.step(third)
    for seed in 20..<40 { try check(kind, &plain, state, batch: 1, rows: 1, seed: seed) }

    // The fork went another way.
    var other = later
    for seed in 50..<60 { try check(kind, &other, fork, batch: 1, rows: 1, seed: seed) }
    #expect(throws: PinionError.self) { try state.truncate(to: 26) }
    #expect(throws: PinionError.self) { try state.truncate(to: -1) }
    #expect(state.length == 25)

    // From the beginning, with another batch, in the same memory.
    let bytes = fork.byteCount
    try fork.reset()
    #expect(fork.length == 0 && fork.byteCount == bytes)
    var wide = PlainCaches(session, values: try empty(batch: 3, kind.element))
    for seed in 0..<12 { try check(kind, &wide, fork, batch: 3, rows: 1 + seed % 2, seed: seed) }
  }

  @Test(arguments: StateModel.allCases, [0, 2]) func aRunThatFailsLeavesTheStateAsItWas(_ kind: StateModel, level: Int) throws {
    let session = try session(try kind.model(), level: level)
    let state = try State(session)
    // Before anything is held: the batch of the run that failed does not count.
    #expect(
      code { () throws(PinionError) in
        _ = try session.run(try! kind.inputs(batch: 3, rows: 20, seed: 9, index: 99), state: state)
      } == .invalidValue)
    #expect(state.length == 0)
    var plain = PlainCaches(session, values: try empty(batch: 2, kind.element))
    for seed in 0..<30 {
      try check(kind, &plain, state, batch: 2, rows: 1, seed: seed)
      let bytes = state.byteCount
      // Behind the attention, whose new rows have been written then; every now and then after memory has grown.
      let bad = try kind.inputs(batch: 2, rows: 1 + seed % 20, seed: 100 + seed, index: 99)
      #expect(code { () throws(PinionError) in _ = try session.run(bad, state: state) } == .invalidValue)
      let good = try kind.inputs(batch: 2, rows: 3, seed: 200 + seed)
      var limits = RunLimits()
      let token = CancelToken()
      token.cancel()
      limits.token = token
      #expect(code { () throws(PinionError) in _ = try session.run(good, state: state, limits: limits) } == .cancelled)
      limits.token = nil
      limits.deadline = 1
      #expect(code { () throws(PinionError) in _ = try session.run(good, state: state, limits: limits) } == .deadlineExceeded)
      limits.deadline = nil
      limits.steps = 1
      #expect(code { () throws(PinionError) in _ = try session.run(good, state: state, limits: limits) } == .budgetExceeded)
      let other = try kind.inputs(batch: 1, rows: 1, seed: 0)
      #expect(code { () throws(PinionError) in _ = try session.run(other, state: state) } == .invalidShape)
      // Room that was made stays.
      #expect(state.length == seed + 1 && state.byteCount >= bytes)
    }
  }

  @Test func bytesCount() throws {
    var options = SessionOptions()
    let row = 4 * (6 + 6) * 4
    options.stateBytes = 40 * row
    let session = try Session(try StateModel.chain.model(), runtime: try Runtime(threads: 1), options: options)
    let state = try State(session)
    var plain = PlainCaches(session, values: try empty(batch: 1))
    var seed = 0
    while true {
      let inputs = try StateModel.chain.inputs(batch: 1, rows: 1, seed: seed)
      let failure = code { () throws(PinionError) in _ = try session.run(inputs, state: state) }
      guard failure == nil else {
        #expect(failure == .budgetExceeded)
        break
      }
      _ = try plain.step(inputs)
      seed += 1
    }
    // Old and new memory are there at once while it grows.
    #expect((16...40).contains(seed) && state.length == seed && state.byteCount <= 40 * row)
    #expect(code { () throws(PinionError) in _ = try state.fork() } == (2 * state.byteCount > 40 * row ? .budgetExceeded : nil))
    #expect(bits(try state.value(Self.key)) == (try bits([try #require(plain.values[Self.key])]))[0])
    try state.truncate(to: 3)
    _ = try session.run(try StateModel.chain.inputs(batch: 1, rows: 1, seed: 0), state: state)
    #expect(state.length == 4)

    // A run's own budget counts what states hold.
    var limits = RunLimits()
    limits.bytes = state.byteCount - 1
    let inputs = try StateModel.chain.inputs(batch: 1, rows: 1, seed: 0)
    #expect(code { () throws(PinionError) in _ = try session.run(inputs, state: state, limits: limits) } == .budgetExceeded)
    limits.bytes = state.byteCount + (1 << 20)
    #expect(code { () throws(PinionError) in _ = try session.run(inputs, state: state, limits: limits) } == nil)
    #expect(state.length == 5)
  }

  @Test func valuesAreSetAndRead() throws {
    let session = try session(try StateModel.attention.model(), level: 2)
    let state = try State(session)
    #expect(code { () throws(PinionError) in _ = try state.value(Self.key) } == .invalidArgument)
    #expect(code { () throws(PinionError) in _ = try state.value("q") } == .notFound)
    let past = try noise([1, 4, 3, 6], seed: 1)
    try state.set(Self.key, to: past)
    #expect(state.length == nil)
    let inputs = try StateModel.attention.inputs(batch: 1, rows: 1, seed: 5)
    let ragged = try #require(throws: PinionError.self) { try session.run(inputs, state: state) }
    #expect(ragged.code == .invalidArgument && ragged.message.contains("different lengths"))
    try state.set(Self.value, to: past)
    #expect(state.length == 3)
    var plain = PlainCaches(session, values: [Self.key: .tensor(past), Self.value: .tensor(past)])
    for seed in 0..<20 { try check(.attention, &plain, state, batch: 1, rows: 1, seed: seed) }
    #expect(code { () throws(PinionError) in try state.set(Self.key, to: try noise([1, 5, 3, 6], seed: 1)) } == .invalidShape)
    #expect(code { () throws(PinionError) in try state.set(Self.key, to: try Tensor(scalar: 1.0)) } == .invalidShape)
    // What the state holds is not given, and what it takes may be asked for.
    var given = inputs
    given[Self.key] = .tensor(past)
    #expect(code { () throws(PinionError) in _ = try session.run(given, state: state) } == .invalidArgument)
    let names = session.model.inputs.map(\.name)
    let all = try session.run(names.map { inputs[$0] }, wanted: [3, 0, 2], state: state)
    #expect(try bits([all[2]])[0] == bits(try state.value(Self.key)))
    #expect(try bits([all[0]])[0] == bits(try state.value(Self.value)))
    let plainly = try plain.step(inputs)
    #expect(try bits([all[1]]) == bits([plainly[0]]))
  }

  @Test func badPairsAreRefused() throws {
    let session = try session(try StateModel.attention.model(), level: 2)
    func failure(_ pairs: [StatePair]) -> ErrorCode? { code { () throws(PinionError) in _ = try State(session, pairs: pairs) } }
    let good = StatePair(input: Self.key, output: "present.0.key")
    #expect(failure([]) == .notFound)
    #expect(failure([StatePair(input: "nobody", output: "present.0.key")]) == .notFound)
    #expect(failure([StatePair(input: Self.key, output: "nothing")]) == .notFound)
    #expect(failure([good, good]) == .invalidArgument)
    #expect(failure([good, StatePair(input: Self.value, output: "present.0.key")]) == .invalidArgument)
    // Crossed: nothing is appended where it lies, and the values still are those of plain caches.
    let crossed = [StatePair(input: Self.key, output: "present.0.value"), StatePair(input: Self.value, output: "present.0.key")]
    let state = try State(session, pairs: crossed)
    #expect(state.isAppended == [false, false])
    var plain = PlainCaches(session, pairs: crossed, values: try empty(batch: 1))
    for seed in 0..<20 { try check(.attention, &plain, state, batch: 1, rows: 1 + seed % 3, seed: seed) }
    // Half of a pair of caches.
    let half = try State(session, pairs: [good])
    let one = try kindInputs(session)
    let outputs = try session.run(one, state: half)
    #expect(half.isAppended == [false] && outputs.count == 3 && half.length == 1)
    #expect(code { () throws(PinionError) in _ = try session.run(one, state: State(try session2(), capacity: 1)) } == .invalidArgument)
  }

  private func kindInputs(_ session: Session) throws -> [String: Value] {
    var inputs = try StateModel.attention.inputs(batch: 1, rows: 1, seed: 5)
    inputs[Self.value] = .tensor(try floats([], [1, 4, 0, 6]))
    return inputs
  }

  private func session2() throws(PinionError) -> Session {
    do { return try session(try StateModel.attention.model(), level: 2) } catch { throw .internal("no session") }
  }

  @Test func statesAreIndependentAndOneAtATime() throws {
    let session = try session(try StateModel.chain.model(), level: 2)
    let states = [try State(session), try State(session)]
    let inputs = try (0..<64).map { try StateModel.chain.inputs(batch: 1, rows: 1, seed: $0) }
    var plain = PlainCaches(session, values: try empty(batch: 1))
    let expected = try bits(try inputs.map { try plain.step($0)[0] })
    let agreements = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 2) { thread in
      for (seed, input) in inputs.enumerated() {
        guard let result = try? session.run(input, state: states[thread]), (try? bits(result)[0]) == expected[seed] else { return }
        agreements.add(1, ordering: .relaxed)
      }
    }
    #expect(agreements.load(ordering: .relaxed) == 128)

    let shared = try State(session), successes = Atomic<Int>(0), others = Atomic<Int>(0)
    DispatchQueue.concurrentPerform(iterations: 4) { _ in
      for input in inputs {
        do throws(PinionError) {
          _ = try session.run(input, state: shared)
          successes.add(1, ordering: .relaxed)
        } catch { if error.code != .invalidArgument { others.add(1, ordering: .relaxed) } }
      }
    }
    #expect(others.load(ordering: .relaxed) == 0 && shared.length == successes.load(ordering: .relaxed))
  }
}
