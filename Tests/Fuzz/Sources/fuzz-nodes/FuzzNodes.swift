import Glibc
import Pinion
import PinionBase
import PinionGraph
import PinionOperators
import PinionRuntime

/// Runs mutated models of one node, over every operator of every domain, between guard pages; no model may end the process.
///
///     fuzz-nodes SEEDS --check                 every operator has a seed, and every seed runs as it stands
///     fuzz-nodes SEEDS --runs N [--first N] [--workers N] [--seconds N] [--only OPERATOR]
///     fuzz-nodes SEEDS --trial N [--save FILE]  one trial in this process
@main struct FuzzNodes {
  let seeds: [Seed]
  let byOperator: [[Seed]]

  init(_ text: String, only: String?) throws {
    // ONNX has operators that the catalog has not.
    let catalog = OperatorCatalog()
    let seeds = try Seed.read(text).filter { catalog.operatorType(domain: $0.domain, name: $0.name) != nil }
    self.seeds = seeds
    let names = Set(seeds.map(\.qualifiedName)).sorted().filter { only == nil || $0 == only }
    byOperator = names.map { name in seeds.filter { $0.qualifiedName == name } }
    guard !byOperator.isEmpty else { throw SeedError(description: "there are no seeds") }
  }

  static func main() {
    do { exit(try run(Array(CommandLine.arguments.dropFirst()))) } catch {
      print("\(error)")
      exit(2)
    }
  }

  static func run(_ arguments: [String]) throws -> Int32 {
    guard let path = arguments.first else { throw SeedError(description: "usage: fuzz-nodes SEEDS --check | --runs N | --trial N") }
    func option(_ name: String) -> String? {
      arguments.firstIndex(of: name).flatMap { $0 + 1 < arguments.count ? arguments[$0 + 1] : nil }
    }
    func number(_ name: String) -> Int? { option(name).flatMap { Int($0) } }
    let only = option("--only") ?? getenv("FUZZ_ONLY").map { String(cString: $0) }
    let fuzz = try FuzzNodes(try contents(of: path), only: only)
    if let position = arguments.firstIndex(of: "--worker"), position + 3 < arguments.count, let first = Int(arguments[position + 1]),
      let last = Int(arguments[position + 2])
    {
      return try fuzz.work(first..<max(first, last), Progress(path: arguments[position + 3]))
    }
    if let trial = number("--trial") { return try fuzz.show(trial, saveTo: option("--save")) }
    if arguments.contains("--check") { return try fuzz.check() }
    if let only { setenv("FUZZ_ONLY", only, 1) }
    let first = number("--first") ?? 0
    let supervisor = Supervisor(seedsPath: path)
    let result = try supervisor.run(
      first: first, last: first + (number("--runs") ?? 100_000), workers: number("--workers") ?? 1, seconds: Double(number("--seconds") ?? .max)
    ) { death in
      print("trial \(death.number): \(death.reason): \(fuzz.trial(death.number).seed.qualifiedName)")
      fflush(nil)
    }
    print("\(result.ran + result.refused) mutated runs over \(fuzz.byOperator.count) operators: \(result.ran) ran, \(result.refused) refused, \(result.deaths.count) deaths")
    return result.deaths.isEmpty ? 0 : 1
  }

  /// The mutated seed of a trial, its level of optimisation and its further random source.
  func trial(_ number: Int) -> (seed: Seed, level: Int, choice: Choice) {
    var choice = Choice(seed: UInt64(truncatingIfNeeded: number))
    let group = byOperator[number % byOperator.count]
    var seed = choice.one(of: group)
    var mutation = Mutation(choice: choice, seeds: seeds, relatives: group)
    let level = mutation.choice.below(3)
    for _ in 0...mutation.choice.below(4) { mutation.apply(to: &seed) }
    return (seed, level, mutation.choice)
  }

  private func work(_ numbers: Range<Int>, _ progress: Progress) throws -> Int32 {
    // What asks for more than this is met as running out of memory.
    var limit = rlimit(rlim_cur: 4 << 30, rlim_max: 4 << 30)
    setrlimit(__rlimit_resource_t(RLIMIT_AS.rawValue), &limit)
    let runtime = try Runtime(threads: 1, allocator: GuardedMemory.allocator)
    for number in numbers {
      progress.current = number
      let (seed, level, choice) = trial(number)
      var trial = Trial(runtime: runtime, choice: choice)
      if trial.run(seed, level: level) == nil { progress.ran += 1 } else { progress.refused += 1 }
    }
    return 0
  }

  private func show(_ number: Int, saveTo path: String?) throws -> Int32 {
    let (seed, level, choice) = trial(number)
    print("\(seed.qualifiedName), opset \(seed.opset), level \(level), outputs \(seed.outputs)")
    for (name, value) in seed.attributes { print("  \(name) = \("\(value)".prefix(300))") }
    for input in seed.inputs { print("  input \(input.map { "\($0)".prefix(600) } ?? "absent")") }
    fflush(nil)
    if let path {
      guard let file = fopen(path, "w") else { throw SeedError(description: "cannot write \(path)") }
      let bytes = seed.model()
      fwrite(bytes, 1, bytes.count, file)
      fclose(file)
    }
    var trial = Trial(runtime: try Runtime(threads: 1, allocator: GuardedMemory.allocator), choice: choice)
    print(trial.run(seed, level: level).map { "refused: \($0)" } ?? "ran")
    return 0
  }

  /// Fails where an operator has no seed, or a seed does not run as it stands.
  private func check() throws -> Int32 {
    let names = Set(byOperator.map { $0[0].qualifiedName })
    let missing = OperatorCatalog.all.map { $0.schema.qualifiedName }.filter { !names.contains($0) }
    for name in missing { print("operator \(name) has no seed in Tests/Fuzz/node-seeds.py") }
    let runtime = try Runtime(threads: 1, allocator: GuardedMemory.allocator)
    var refused = 0
    for (number, seed) in seeds.enumerated() {
      var trial = Trial(runtime: runtime, choice: Choice(seed: UInt64(truncatingIfNeeded: number)))
      guard let reason = trial.run(seed, level: number % 3) else { continue }
      print("seed \(number) of \(seed.qualifiedName) is refused: \(reason)")
      refused += 1
    }
    print("\(seeds.count) seeds for \(names.count) operators, \(missing.count) operators without, \(refused) seeds refused")
    return missing.isEmpty && refused == 0 ? 0 : 1
  }

  private static func contents(of path: String) throws -> String {
    let file = try FileMapping(path: path)
    return withExtendedLifetime(file) { String(decoding: file.bytes, as: UTF8.self) }
  }
}
