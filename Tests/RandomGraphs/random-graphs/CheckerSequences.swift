import Pinion
import PinionBase
import PinionTensor

extension Checker {
  /// Runs at many extents on one session, between which it is trimmed, prepared, interrupted and asked for other outputs, give what a model
  /// read anew gives for each of them.
  func checkSequence(_ spec: ModelSpec, _ interpreter: Interpreter, seed: UInt64) throws(Failure) {
    let model: Model
    do { model = try spec.loaded() } catch { return }
    var random = RandomNumbers(seed: seed ^ 0x5e9)
    let level = random.pick([0, 2, 2])
    var options = SessionOptions()
    options.optimization = level
    options.planLimit = random.pick([1, 2, 3, 16, 16])
    options.planBytes = random.pick([0, 1 << 12, 1 << 16, 256 << 20, 256 << 20])
    let threads = random.pick([1, 1, 2, 3])
    let session: Session
    do { session = try Session(model, runtime: runtimes[threads - 1], options: options) } catch {
      throw Failure(check: "session", detail: "level \(level): \(error)")
    }
    for (run, feeds) in spec.runs.enumerated() {
      let expected: Outcome
      do {
        let fresh = try spec.loaded()
        let alone = try self.session(fresh, level: level, threads: 1)
        expected = Outcome { () throws(PinionError) in try alone.run(feeds) }
      } catch let error as Failure { throw error } catch { throw Failure(check: "loads again", detail: "\(error)") }
      if random.chance(0.1) { session.trim() }
      if random.chance(0.15) { try prepare(session, spec, random.pick(spec.runs), isByValue: random.chance(0.5)) }
      if random.chance(0.2) { interrupt(random.chance(0.7) ? feeds : random.pick(spec.runs), on: session, &random) }
      if random.chance(0.15), !model.outputs.isEmpty {
        // Another program of the same model, with plans of its own.
        let some = Array(random.shuffled(Array(model.outputs.indices)).prefix(random.int(1...model.outputs.count)))
        _ = try? session.run(ordered(model, feeds), wanted: some)
      }
      let outcome: Outcome
      if random.chance(0.2), case .success(let values) = expected, let memory = try? values.map({ value throws(PinionError) -> Tensor? in
        guard let tensor = value.tensor, tensor.element != .string else { return nil }
        return try Tensor(tensor.type)
      }) {
        outcome = Outcome { () throws(PinionError) in try session.run(ordered(model, feeds), wanted: Array(model.outputs.indices), memory: memory) }
      } else {
        outcome = Outcome { () throws(PinionError) in try session.run(feeds) }
      }
      try compare(outcome, expected, "in a sequence", "run \(run), level \(level), \(threads) threads, \(options.planLimit) plans, \(options.planBytes) bytes")
      if case .success(let values) = outcome {
        try checkRanges(model, ordered(model, feeds), values)
        // Nothing that a run gave is read again.
        if random.chance(0.3) { for value in values { for tensor in value.leaves { tensor.scribble() } } }
      } else if case .failure(let error) = outcome, case .failure(let other) = expected, error.code != other.code {
        throw Failure(check: "error in a sequence", detail: "run \(run): \(error), expected \(other)")
      }
    }
  }

  func ordered(_ model: Model, _ feeds: Feeds) -> [Value?] { (model.inputs.map(\.name) + model.overridableInputs.map(\.name)).map { feeds[$0] } }

  private func prepare(_ session: Session, _ spec: ModelSpec, _ feeds: Feeds, isByValue: Bool) throws(Failure) {
    let given = ordered(session.model, feeds).map { value in
      value.map { value in
        if !isByValue, case .tensor(let tensor) = value { PlanInput.type(tensor.type) } else { PlanInput.value(value) }
      }
    }
    do { try session.prepare(given) } catch {
      guard (try? session.run(feeds)) != nil else { return }
      throw Failure(check: "prepared in a sequence fails", detail: "\(error)")
    }
  }

  /// A run that ends early, or does not: what it leaves behind must not show.
  private func interrupt(_ feeds: Feeds, on session: Session, _ random: inout RandomNumbers) {
    _ = try? session.run(feeds, limits: Checker.interruption(&random))
  }

  static func interruption(_ random: inout RandomNumbers) -> RunLimits {
    var limits = RunLimits()
    switch random.below(4) {
    case 0: limits.steps = random.int(0...6)
    case 1: limits.bytes = random.pick([0, 16, 64, 256, 1024, 8192])
    case 2: limits.deadline = monotonicNanoseconds() &+ UInt64(random.pick([0, 5_000, 20_000, 60_000, 200_000]))
    default:
      limits.token = CancelToken()
      limits.token?.cancel()
    }
    return limits
  }
}
