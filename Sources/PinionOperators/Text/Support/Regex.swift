import PinionBase
import PinionTensor

/// A regular expression of RE2's syntax, matched in time proportional to pattern length times text length: all ways to match
/// are followed at once, none is tried after another.
struct Regex: Sendable {
  private enum Step: Sendable {
    case set(Int, next: Int)
    case assertion(RegexAssertion, next: Int)
    case split(Int, Int)
    case match
  }

  private static let stepLimit = 50_000

  private let steps: [Step]
  private let sets: [RegexClass]
  private let start: Int
  /// The set, for a pattern that is one or more of it: what most tokenizers use.
  private let repeated: RegexClass?

  /// - Throws: `.invalidModel` for a pattern that RE2 would not take, or one that is too large.
  init(_ pattern: String) throws(PinionError) {
    var parser = RegexParser(pattern)
    var compiler = Compiler(pattern: pattern)
    let match = try compiler.add(.match)
    let tree = try parser.parse()
    start = try compiler.compile(tree, next: match)
    if case .repetition(.set(let set), minimum: 1, maximum: nil) = tree { repeated = set } else { repeated = nil }
    steps = compiler.steps
    sets = compiler.sets
  }

  /// Builds steps from the end of the pattern to its beginning.
  private struct Compiler {
    let pattern: String
    var steps: [Step] = []
    var sets: [RegexClass] = []
    /// Parts of the pattern compiled so far, repeated ones counted each time: empty ones take no step but time.
    private var parts = 0

    init(pattern: String) { self.pattern = pattern }

    mutating func add(_ step: Step) throws(PinionError) -> Int {
      guard steps.count < Regex.stepLimit else { throw .invalidModel("pattern '\(pattern)' is too large") }
      steps.append(step)
      return steps.count - 1
    }

    mutating func compile(_ node: RegexNode, next: Int) throws(PinionError) -> Int {
      parts += 1
      guard parts <= 4 * Regex.stepLimit else { throw .invalidModel("pattern '\(pattern)' is too large") }
      switch node {
      case .empty: return next
      case .set(let set):
        sets.append(set)
        return try add(.set(sets.count - 1, next: next))
      case .assertion(let assertion): return try add(.assertion(assertion, next: next))
      case .sequence(let items):
        var entry = next
        for item in items.reversed() { entry = try compile(item, next: entry) }
        return entry
      case .choice(let branches):
        var entry = try compile(branches[branches.count - 1], next: next)
        for branch in branches.dropLast().reversed() { entry = try add(.split(try compile(branch, next: next), entry)) }
        return entry
      case .repetition(let item, let minimum, let maximum):
        var entry = next
        if let maximum {
          for _ in stride(from: minimum, to: maximum, by: 1) { entry = try add(.split(try compile(item, next: entry), next)) }
        } else {
          let loop = try add(.split(next, next))
          steps[loop] = .split(try compile(item, next: loop), next)
          entry = loop
        }
        for _ in 0..<minimum { entry = try compile(item, next: entry) }
        return entry
      }
    }
  }

  /// The steps that are reached at one position of a text, each with the position at which its match began.
  private struct Threads {
    private(set) var list: [Int] = []
    private var origin: [Int]
    private var generation: [Int]
    private var current = 0

    init(_ count: Int) {
      origin = [Int](repeating: 0, count: count)
      generation = [Int](repeating: -1, count: count)
      list.reserveCapacity(count)
    }

    mutating func clear() {
      list.removeAll(keepingCapacity: true)
      current += 1
    }

    /// True where the step is new or was reached by a match that began later.
    mutating func insert(_ step: Int, origin start: Int) -> Bool {
      if generation[step] == current {
        guard start < origin[step] else { return false }
        origin[step] = start
        return true
      }
      generation[step] = current
      origin[step] = start
      list.append(step)
      return true
    }

    func start(of step: Int) -> Int { origin[step] }
  }

  /// Whether the whole text matches.
  func matchesWhole(_ text: [UInt32], control: RunControl) throws(PinionError) -> Bool {
    if let repeated { return !text.isEmpty && text.allSatisfy { repeated.contains($0) } }
    return try search(text, from: 0, isWhole: true, control: control) != nil
  }

  /// The match that begins first from `position` on, and of those that begin there the longest.
  func firstMatch(in text: [UInt32], from position: Int, control: RunControl) throws(PinionError) -> Range<Int>? {
    if let repeated {
      guard let first = text[position...].firstIndex(where: { repeated.contains($0) }) else { return nil }
      return first..<(text[first...].firstIndex { !repeated.contains($0) } ?? text.count)
    }
    return try search(text, from: position, isWhole: false, control: control)
  }

  private func search(_ text: [UInt32], from first: Int, isWhole: Bool, control: RunControl) throws(PinionError) -> Range<Int>? {
    var current = Threads(steps.count), following = Threads(steps.count)
    var stack: [Int] = []
    var best: Range<Int>?
    var position = first
    while position <= text.count {
      if position & 1023 == 0 { try control.check() }
      if best == nil, !isWhole || position == first {
        follow(start, origin: position, at: position, text, &current, &stack)
      }
      if current.list.isEmpty, isWhole || best != nil { break }
      following.clear()
      for step in current.list {
        let origin = current.start(of: step)
        if let best, origin > best.lowerBound { continue }
        switch steps[step] {
        case .match:
          if !isWhole || position == text.count, best.map({ origin < $0.lowerBound || position > $0.upperBound }) ?? true {
            best = origin..<position
          }
        case .set(let set, let next):
          if position < text.count, sets[set].contains(text[position]) {
            follow(next, origin: origin, at: position + 1, text, &following, &stack)
          }
        case .assertion, .split: break
        }
      }
      swap(&current, &following)
      position += 1
    }
    return best
  }

  /// Adds a step and all that are reached from it without reading.
  private func follow(_ step: Int, origin: Int, at position: Int, _ text: [UInt32], _ threads: inout Threads, _ stack: inout [Int]) {
    stack.append(step)
    while let step = stack.popLast() {
      guard threads.insert(step, origin: origin) else { continue }
      switch steps[step] {
      case .split(let a, let b):
        stack.append(b)
        stack.append(a)
      case .assertion(let assertion, let next): if holds(assertion, at: position, text) { stack.append(next) }
      case .set, .match: break
      }
    }
  }

  private func holds(_ assertion: RegexAssertion, at position: Int, _ text: [UInt32]) -> Bool {
    func isWord(_ index: Int) -> Bool {
      text.indices.contains(index) && RegexClass.word.contains { $0.contains(text[index]) }
    }
    return switch assertion {
    case .textStart: position == 0
    case .textEnd: position == text.count
    case .lineStart: position == 0 || text[position - 1] == 10
    case .lineEnd: position == text.count || text[position] == 10
    case .wordBoundary: isWord(position - 1) != isWord(position)
    case .notWordBoundary: isWord(position - 1) == isWord(position)
    }
  }
}

/// A text's Unicode scalar values, U+FFFD for bytes that are no UTF-8, and where each begins.
struct ScalarText {
  let scalars: [UInt32]
  private let bytes: [UInt8]
  /// One more than there are scalars; empty for text of single bytes.
  private let offsets: [Int]

  init(_ element: StringElement) {
    guard element.bytes.contains(where: { $0 >= 0x80 }) else {
      bytes = Array(element.bytes)
      scalars = bytes.map(UInt32.init)
      offsets = []
      return
    }
    let text = element.string
    bytes = Array(text.utf8)
    scalars = text.unicodeScalars.map(\.value)
    var offset = 0
    offsets = [0] + text.unicodeScalars.map { scalar in
      offset += UTF8.width(scalar)
      return offset
    }
  }

  /// The UTF-8 of a range of scalars.
  func utf8(_ range: Range<Int>) -> [UInt8] {
    guard !offsets.isEmpty else { return Array(bytes[range]) }
    return Array(bytes[offsets[range.lowerBound]..<offsets[range.upperBound]])
  }
}
