import ArgumentParser
import Pinion
import RunModelInputs

struct GenerateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "generate",
    abstract: "Let a language model continue tokens, and time it.",
    discussion: """
      Takes the most likely token each time. Token ids, mask, positions and caches are found by the names that exporters give them \
      (input_ids, attention_mask, position_ids, past_key_values.0.key with present.0.key ...). Caches stay in the session, see \
      Documentation/State.md; a model without caches reads all tokens anew for each one. Text is no matter of this command: it takes and \
      prints ids.

      Examples:
        run-model generate model.onnx --tokens 1,15043,3186 --count 50
        run-model generate model.onnx --tokens 5,6,7 --tokens 8,9,10 --count 100 --threads 1 --json
      """)

  @OptionGroup var model: ModelOptions

  @Option(help: ArgumentHelp("The ids to begin with; once for each sequence of a batch, all of one length.", valueName: "1,2,3"))
  var tokens: [TokenList]

  @Option(help: ArgumentHelp("How many tokens to add.", valueName: "n"))
  var count = 20

  @Option(help: ArgumentHelp("End behind this token, in all sequences of the batch.", valueName: "id"))
  var stop: Int64?

  @Flag(help: "Print JSON: times in nanoseconds, memory in bytes.")
  var json = false

  @OptionGroup(title: "Limits") var limits: LimitOptions
  @OptionGroup(title: "Session") var session: SessionArguments

  func validate() throws {
    guard let first = tokens.first else { throw ValidationError("--tokens is missing") }
    guard (1...1_000_000).contains(count) else { throw ValidationError("--count is \(count); expected 1 to 1000000") }
    for list in tokens {
      if let id = list.ids.first(where: { $0 < 0 }) { throw ValidationError("--tokens has \(id); expected ids from 0") }
    }
    for list in tokens where list.ids.count != first.ids.count {
      throw ValidationError(
        "--tokens come in \(first.ids.count) and \(list.ids.count) ids; a batch of sequences of different lengths is not generated: run them one by one"
      )
    }
  }

  func run() throws {
    let model = try model.load()
    let session = try session.session(model)
    let prompt = tokens.map(\.ids)
    var generation = try Generation(session, batch: prompt.count, capacity: prompt[0].count + count)
    var sequences = prompt
    var prefill: UInt64 = 0, moved = 0
    var times: [UInt64] = []
    var progress = ProgressLine()
    // The time is that of all tokens, the memory that of each.
    let limits = limits.limits
    while sequences[0].count < prompt[0].count + count {
      let start = monotonicNanoseconds()
      let next = try generation.next(sequences, limits: limits)
      let end = monotonicNanoseconds()
      if sequences[0].count == prompt[0].count {
        prefill = end &- start
      } else {
        times.append(end &- start)
        moved += generation.state?.movedBytes ?? 0
      }
      for index in sequences.indices { sequences[index].append(next[index]) }
      progress.show("\(sequences[0].count - prompt[0].count) tokens", now: end)
      if let stop, next.allSatisfy({ $0 == stop }) { break }
    }
    progress.clear()
    let report = GenerationReport(
      path: model.path ?? self.model.path, prompt: prompt, added: sequences.map { Array($0[prompt[0].count...]) }, prefill: prefill,
      latencies: Latencies(times), state: generation.state, movedPerToken: times.isEmpty ? 0 : moved / times.count,
      threads: session.runtime.pool.threads)
    json ? print(report.json().text()) : report.print()
  }
}

/// `1,2,3`.
struct TokenList: ExpressibleByArgument {
  let ids: [Int64]

  init?(argument: String) {
    let parts = argument.split(separator: ",", omittingEmptySubsequences: false)
    let ids = parts.compactMap { Int64($0.filter { $0 != " " }) }
    guard ids.count == parts.count, !ids.isEmpty else { return nil }
    self.ids = ids
  }
}

/// What a generation came to, as text and as JSON.
private struct GenerationReport {
  let path: String
  let prompt: [[Int64]]
  let added: [[Int64]]
  let prefill: UInt64
  let latencies: Latencies
  let state: State?
  let movedPerToken: Int
  let threads: Int

  func print() {
    func list(_ ids: [Int64]) -> String { ids.map(String.init).joined(separator: ",") }
    for ids in added { Swift.print("tokens   \(list(ids))") }
    let count = prompt[0].count
    Swift.print("prefill  \(count) \(count == 1 ? "token" : "tokens") in \(timeText(Double(prefill)))")
    if latencies.count > 0 {
      let figures = [("mean", latencies.mean), ("p50", latencies.percentile(50)), ("p99", latencies.percentile(99))]
      Swift.print(
        "token    " + figures.map { "\($0) \(timeText($1))" }.joined(separator: "  ")
          + "  \(shortText(1e9 / max(latencies.mean, 1), digits: 4)) tokens/s")
    }
    if let state {
      let appended = state.isAppended.count { $0 }
      Swift.print(
        "state    \(state.length.map { "\($0) positions, " } ?? "")\(byteText(state.byteCount)), \(appended) of \(state.pairs.count) values appended in place"
      )
      if latencies.count > 0 { Swift.print("moved    \(byteText(movedPerToken)) a token") }
    } else {
      Swift.print("state    none: the model has no caches, all tokens are read anew for each one")
    }
  }

  func json() -> JSON {
    func list(_ sequences: [[Int64]]) -> JSON { .list(sequences.map { .list($0.map { .integer(Int($0)) }) }) }
    var held = JSON.null
    if let state {
      held = .object([
        ("length", state.length.map { .integer($0) } ?? .null), ("bytes", .integer(state.byteCount)),
        ("moved_bytes_per_token", .integer(movedPerToken)), ("values", .integer(state.pairs.count)),
        ("appended", .integer(state.isAppended.count { $0 })),
      ])
    }
    return .object([
      ("model", .text(path)), ("threads", .integer(threads)), ("prompt", list(prompt)), ("tokens", list(added)),
      ("prefill_ns", .integer(Int(clamping: prefill))),
      (
        "token_ns",
        latencies.count == 0
          ? .null
          : .object([
            ("mean", .number(latencies.mean)), ("p50", .number(latencies.percentile(50))), ("p99", .number(latencies.percentile(99))),
          ])
      ), ("state", held),
    ])
  }
}
