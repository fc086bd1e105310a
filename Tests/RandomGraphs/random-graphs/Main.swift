import Glibc
import Pinion
import PinionBase
import PinionTensor

/// Makes models from seeds and checks them.
///
///     random-graphs [--first SEED] [--count N]
@main struct RandomGraphs {
  static func main() throws {
    var options = Options()
    options.read(CommandLine.arguments.dropFirst())
    let checker = try Checker()
    if options.countsRefusals { countRefusals(options, checker) }
    let start = monotonicNanoseconds()
    var nodes = 0, failures: [String: (count: Int, first: UInt64)] = [:]
    for seed in options.first..<(options.first + options.count) {
      let maker = GraphMaker(seed: seed, runtime: checker.single)
      let spec = maker.make()
      nodes += spec.graph.nodes.count
      if options.prints { print(spec.text(seed)) }
      guard !options.makesOnly, let failure = checker.check(spec, maker.interpreter, seed: seed) else { continue }
      failures[failure.check, default: (0, seed)].count += 1
      if failures[failure.check, default: (0, seed)].count <= options.shown { print("seed \(seed): \(failure.check): \(failure.detail)") }
    }
    let seconds = Double(monotonicNanoseconds() - start) / 1e9
    print("\(options.count) graphs, \(nodes) nodes, \(seconds) s, \(Double(options.count) / seconds) graphs/s, \(checker.undecided) outputs undecided")
    for (check, (count, first)) in failures.sorted(by: { $0.key < $1.key }) { print("  \(check): \(count), first seed \(first)") }
    exit(failures.isEmpty ? 0 : 1)
  }

  static func countRefusals(_ options: Options, _ checker: Checker) {
    nonisolated(unsafe) var counts: [String: (Int, String)] = [:]
    GraphMaker.refusals = { op, error in counts[op, default: (0, "\(error)")].0 += 1 }
    var made: [String: Int] = [:]
    func count(_ graph: GraphSpec) {
      for node in graph.nodes {
        made[node.op, default: 0] += 1
        node.subgraphs.forEach(count)
      }
    }
    for seed in options.first..<(options.first + options.count) { count(GraphMaker(seed: seed, runtime: checker.single).make().graph) }
    for (op, (refused, example)) in counts.sorted(by: { $0.value.0 > $1.value.0 }) { print("\(op): made \(made[op] ?? 0), refused \(refused): \(example.prefix(200))") }
    for (op, number) in made.sorted(by: { $0.value < $1.value }).prefix(20) { print("\(op): made \(number)") }
  }
}

struct Options {
  var first: UInt64 = 1
  var count: UInt64 = 1000
  var prints = false
  var makesOnly = false
  var countsRefusals = false
  var shown = 2

  mutating func read(_ arguments: ArraySlice<String>) {
    var rest = arguments.makeIterator()
    while let argument = rest.next() {
      switch argument {
      case "--first": first = rest.next().flatMap { UInt64($0) } ?? first
      case "--count": count = rest.next().flatMap { UInt64($0) } ?? count
      case "--seed":
        first = rest.next().flatMap { UInt64($0) } ?? first
        count = 1
        prints = true
      case "--make-only": makesOnly = true
      case "--refusals": countsRefusals = true
      case "--shown": shown = rest.next().flatMap { Int($0) } ?? shown
      default:
        print("unknown argument \(argument)")
        exit(2)
      }
    }
  }
}

extension ModelSpec {
  /// The graph as it is read, and what the runs give.
  func text(_ seed: UInt64) -> String {
    let graph: String
    do {
      graph = try loaded().graph.description
    } catch { graph = "does not load: \(error)\n" }
    var text = "seed \(seed), opset \(opset)\n" + graph
    for (index, feeds) in runs.enumerated() {
      text += "run \(index):\n"
      for (name, value) in feeds.sorted(by: { $0.key < $1.key }) { text += "  \(name) = \(value.shortText)\n" }
    }
    return text
  }
}

extension Value {
  var shortText: String {
    switch self {
    case .tensor(let tensor): "\(tensor.type) [" + (0..<min(tensor.count, 24)).map { tensor.text($0) }.joined(separator: ", ") + (tensor.count > 24 ? ", ...]" : "]")
    case .sequence(let values, _): "(" + values.map(\.shortText).joined(separator: ", ") + ")"
    default: "\(type)"
    }
  }
}
