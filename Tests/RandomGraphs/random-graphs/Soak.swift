import Glibc
import Pinion
import PinionBase
import PinionTensor

/// Checks many seeds in processes of their own, and shows what fails.
struct Soak {
  /// Seeds that one process checks.
  static let batch: UInt64 = 500
  private static let secondsBetweenWords = 30.0

  /// What a process shares with this one: where each number stands among its counters.
  fileprivate enum Counter {
    static let seed = 0, nodes = 1, undecided = 2, failures = 3, count = 4
  }

  let options: Options

  init(_ options: Options) { self.options = options }

  /// - Returns: whether nothing failed.
  func run() throws -> Bool {
    guard let counters = SharedCounters(count: Counter.count * options.processes) else { return false }
    let start = monotonicNanoseconds()
    var next = options.first, checked: UInt64 = 0
    var failures: [String: [UInt64]] = [:]
    var undecided: UInt64 = 0, nodes: UInt64 = 0
    var seconds: Double { Double(monotonicNanoseconds() - start) / 1e9 }
    var said = 0.0
    while options.seconds.map({ seconds < $0 }) ?? (next < options.first + options.count) {
      var children: [(child: ChildProcess, first: UInt64, end: UInt64)] = []
      for slot in 0..<options.processes {
        let end = options.seconds == nil ? min(next + Soak.batch, options.first + options.count) : next + Soak.batch
        guard end > next, let child = self.start(next..<end, slot: slot, counters) else { continue }
        children.append((child, next, end))
        next = end
      }
      let firsts = children.map(\.first)
      var uncounted = children.indices
      func sayProgress() {
        guard seconds - said >= Soak.secondsBetweenWords else { return }
        said = seconds
        var done = checked, failed = UInt64(failures.values.reduce(0) { $0 + $1.count })
        for slot in uncounted {
          done += counters[slot, Counter.seed] - firsts[slot]
          failed += counters[slot, Counter.failures]
        }
        Soak.say("\(done) seeds in \(Int(said)) s, \(Int(Double(done) / said)) a second, \(failed) failed")
      }
      for slot in children.indices {
        var first = children[slot].first
        while true {
          let (text, end) = children[slot].child.finish(waiting: sayProgress)
          for line in text.split(separator: "\n") {
            let fields = line.split(separator: "\t")
            if fields.count == 2, let seed = UInt64(fields[0]) { failures[String(fields[1]), default: []].append(seed) }
          }
          nodes += counters[slot, Counter.nodes]
          undecided += counters[slot, Counter.undecided]
          guard end != .normal else { break }
          let seed = counters[slot, Counter.seed]
          failures[Soak.name(end), default: []].append(seed)
          first = seed + 1
          guard first < children[slot].end, let child = self.start(first..<children[slot].end, slot: slot, counters) else { break }
          children[slot].child = child
        }
        checked += children[slot].end - children[slot].first
        uncounted.removeFirst()
        sayProgress()
      }
    }
    let rate = Int(Double(checked) / seconds)
    print("\(options.kind.rawValue == "single" ? "" : options.kind.rawValue + ": ")seeds \(options.first) to \(next - 1): \(checked) graphs with \(nodes) nodes in \(Int(seconds)) s, \(rate) a second; \(undecided) outputs undecided in part")
    for (check, seeds) in failures.sorted(by: { $0.key < $1.key }) {
      let sorted = seeds.sorted()
      print("\(check): \(seeds.count) of \(checked), seeds \(sorted.prefix(8).map(String.init).joined(separator: " "))\(seeds.count > 8 ? " ..." : "")")
      let runtime = try Runtime(threads: 1)
      for seed in sorted.prefix(options.shown) {
        Soak.report(GraphMaker(seed: seed, runtime: runtime).make(options.kind), seed: seed, check: check, folder: options.folder)
      }
    }
    return failures.isEmpty
  }

  private func start(_ seeds: Range<UInt64>, slot: Int, _ counters: SharedCounters) -> ChildProcess? {
    counters[slot, Counter.seed] = seeds.lowerBound
    for counter in [Counter.nodes, Counter.undecided, Counter.failures] { counters[slot, counter] = 0 }
    return ChildProcess { sender in
      guard let checker = try? Checker() else { return }
      for seed in seeds {
        counters[slot, Counter.seed] = seed
        alarm(60)
        let maker = GraphMaker(seed: seed, runtime: checker.single)
        let spec = maker.make(options.kind)
        if let failure = checker.check(spec, maker.interpreter, seed: seed) {
          sender.send("\(seed)\t\(failure.check)\n")
          counters[slot, Counter.failures] += 1
        }
        counters[slot, Counter.nodes] += UInt64(spec.graph.nodes.count)
        counters[slot, Counter.undecided] = UInt64(checker.undecided)
      }
    }
  }

  /// A line of progress, apart from the results.
  private static func say(_ line: String) {
    let bytes = Array((line + "\n").utf8)
    _ = write(STDERR_FILENO, bytes, bytes.count)
  }

  private static func name(_ end: ChildProcess.End) -> String {
    switch end {
    case .signal(let number): "crash by signal \(number)"
    case .timeout: "takes too long"
    case .normal: "ends"
    }
  }

  /// What a model fails, found in a process of its own.
  static func isolated(_ spec: ModelSpec, seed: UInt64) -> Failure? {
    guard var child = ChildProcess(seconds: 60, { sender in
      guard let checker = try? Checker() else { return }
      let interpreter = Interpreter(spec, runtime: checker.single)
      if let failure = checker.check(spec, interpreter, seed: seed) { sender.send(failure.check + "\t" + failure.detail) }
    }) else { return nil }
    let (text, end) = child.finish()
    guard end == .normal else { return Failure(check: name(end), detail: "") }
    let fields = text.split(separator: "\t", maxSplits: 1)
    return fields.count == 2 ? Failure(check: String(fields[0]), detail: String(fields[1])) : nil
  }

  /// Makes a model that fails smaller, and prints it.
  static func report(_ spec: ModelSpec, seed: UInt64, check: String, folder: String?) {
    guard var child = ChildProcess({ sender in
      guard let runtime = try? Runtime(threads: 1) else { return }
      let smallest = Shrinker(runtime: runtime) { isolated($0, seed: seed).map { Failure.isSameKind($0.check, check) } ?? false }.shrink(spec)
      let failure = isolated(smallest, seed: seed)
      sender.send("--- seed \(seed): \(failure?.check ?? check): \(failure?.detail ?? "in the whole model only")\n" + smallest.text)
      if let folder { smallest.save(folder + "/seed-\(seed).onnx") }
    }) else { return }
    let (text, end) = child.finish()
    print(end == .normal ? text : "--- seed \(seed): \(check): crashes while it is made smaller\n" + spec.text)
  }
}

extension SharedCounters {
  fileprivate subscript(slot: Int, counter: Int) -> UInt64 {
    get { self[Soak.Counter.count * slot + counter] }
    set { self[Soak.Counter.count * slot + counter] = newValue }
  }
}

extension ModelSpec {
  func save(_ path: String) {
    guard let file = fopen(path, "wb") else { return }
    let bytes = encoded()
    fwrite(bytes, 1, bytes.count, file)
    fclose(file)
  }
}
