import Glibc
import Pinion
import PinionBase
import PinionTensor

/// Makes models from seeds and checks them; the README of this folder says what is made and checked.
@main struct RandomGraphs {
  static func main() throws {
    var options = Options()
    options.read(CommandLine.arguments.dropFirst())
    // What is given back to the heap is overwritten, so that who reads it afterwards reads something else.
    _ = setHeapOption(HeapOption.perturb, 0x5a)
    switch options.mode {
    case .refusals: countRefusals(options)
    case .coverage: exit(Coverage.print() ? 0 : 1)
    case .seed: exit(try showSeed(options) ? 0 : 1)
    case .record(let path): exit(try record(options, path) ? 0 : 1)
    case .against(let path): exit(try compare(options, path) ? 0 : 1)
    case .write(let folder): exit(try write(options, folder) ? 0 : 1)
    case .range: exit(try Soak(options).run() ? 0 : 1)
    }
  }

  /// One model in full: made, printed, checked in this process, and made smaller if it fails.
  static func showSeed(_ options: Options) throws -> Bool {
    let maker = GraphMaker(seed: options.first, runtime: try Runtime(threads: 1))
    let spec = maker.make(options.kind)
    if options.printsWhole { print(spec.text) }
    guard let failure = Soak.isolated(spec, seed: options.first) else {
      print("seed \(options.first) passes")
      return true
    }
    print("seed \(options.first): \(failure.check): \(failure.detail)")
    Soak.report(spec, seed: options.first, check: failure.check, folder: options.folder)
    return false
  }

  static func countRefusals(_ options: Options) {
    guard let runtime = try? Runtime(threads: 1) else { return }
    nonisolated(unsafe) var counts: [String: (Int, String)] = [:]
    GraphMaker.refusals = { op, error in counts[op, default: (0, "\(error)")].0 += 1 }
    var made: [String: Int] = [:]
    func count(_ graph: GraphSpec) {
      for node in graph.nodes {
        made[node.op, default: 0] += 1
        node.subgraphs.forEach(count)
      }
    }
    for seed in options.first..<(options.first + options.count) { count(GraphMaker(seed: seed, runtime: runtime).make().graph) }
    for (op, (refused, example)) in counts.sorted(by: { $0.value.0 > $1.value.0 }) {
      print("\(op): made \(made[op] ?? 0), refused \(refused): \(example.prefix(200))")
    }
    print(made.filter { !$0.key.hasPrefix("f") }.sorted { $0.value < $1.value }.map { "\($0.key) \($0.value)" }.joined(separator: ", "))
  }
}

struct Options {
  enum Mode { case range, seed, refusals, coverage, record(String), against(String), write(String) }
  var mode = Mode.range
  var kind = Kind.single
  var first: UInt64 = 1
  var count: UInt64 = 1000
  var seconds: Double?
  var processes = 1
  var printsWhole = false
  /// How many failures of each check are made smaller and printed.
  var shown = 1
  /// Where models that fail, made smaller, are written.
  var folder: String?

  static let usage = """
    random-graphs [--kind single|sequences|state] [--first SEED] [--count N | --seconds S] [--processes P] [--shown K] [--save FOLDER]
    random-graphs [--kind KIND] --seed SEED [--print] [--save FOLDER]
    random-graphs --refusals [--first SEED] [--count N]
    random-graphs --coverage
    random-graphs --record FILE | --against FILE | --write FOLDER [--first SEED] [--count N]
    """

  mutating func read(_ arguments: ArraySlice<String>) {
    var rest = arguments.makeIterator()
    func number<T: LosslessStringConvertible>(_ argument: String) -> T {
      guard let value = rest.next().flatMap({ T($0) }) else {
        print("\(argument) needs a number\n\(Options.usage)")
        exit(2)
      }
      return value
    }
    while let argument = rest.next() {
      switch argument {
      case "--kind":
        guard let kind = rest.next().flatMap(Kind.init(rawValue:)) else {
          print("--kind needs one of \(Kind.allCases.map(\.rawValue).joined(separator: ", "))\n\(Options.usage)")
          exit(2)
        }
        self.kind = kind
      case "--first": first = number(argument)
      case "--count": count = number(argument)
      case "--seconds": seconds = number(argument)
      case "--processes": processes = max(1, number(argument))
      case "--seed": (mode, first) = (.seed, number(argument))
      case "--print": printsWhole = true
      case "--refusals": mode = .refusals
      case "--coverage": mode = .coverage
      case "--record": mode = .record(rest.next() ?? "")
      case "--against": mode = .against(rest.next() ?? "")
      case "--write": mode = .write(rest.next() ?? "")
      case "--shown": shown = number(argument)
      case "--save": folder = rest.next()
      default:
        print("unknown argument \(argument)\n\(Options.usage)")
        exit(2)
      }
    }
  }
}

extension ModelSpec {
  /// The graph as it is read, and what the runs give.
  var text: String {
    var text = "opset \(opset)\n"
    do { text += try loaded().graph.description } catch { text += "does not load: \(error)\n" }
    for pair in carried { text += "carried: \(pair.output) is the next \(pair.input)\n" }
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
    case .tensor(let tensor):
      "\(tensor.type) [" + (0..<min(tensor.count, 24)).map { tensor.text($0) }.joined(separator: ", ") + (tensor.count > 24 ? ", ...]" : "]")
    case .sequence(let values, _): "(" + values.map(\.shortText).joined(separator: ", ") + ")"
    default: "\(type)"
    }
  }
}
