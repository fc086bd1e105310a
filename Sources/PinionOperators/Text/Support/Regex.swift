import PinionBackend
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
  let repeated: RegexClass?

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
  func matchesWhole(_ text: UnsafeBufferPointer<UInt32>, _ poll: inout Poll) throws(PinionError) -> Bool {
    if let repeated { return text.isEmpty ? false : try end(of: repeated, in: text, from: 0, &poll) == text.count }
    return try search(text, from: 0, isWhole: true, &poll) != nil
  }

  /// The match that begins first from `position` on, and of those that begin there the longest.
  func firstMatch(in text: UnsafeBufferPointer<UInt32>, from position: Int, _ poll: inout Poll) throws(PinionError) -> Range<Int>? {
    guard let repeated else { return try search(text, from: position, isWhole: false, &poll) }
    var first = position
    while first < text.count, !repeated.contains(text[first]) {
      try poll.count(4)
      first &+= 1
    }
    return first == text.count ? nil : first..<(try end(of: repeated, in: text, from: first, &poll))
  }

  /// Where characters of a set end.
  private func end(
    of set: RegexClass, in text: UnsafeBufferPointer<UInt32>, from first: Int, _ poll: inout Poll
  ) throws(PinionError) -> Int {
    var end = first
    while end < text.count, set.contains(text[end]) {
      try poll.count(4)
      end &+= 1
    }
    return end
  }

  private func search(
    _ text: UnsafeBufferPointer<UInt32>, from first: Int, isWhole: Bool, _ poll: inout Poll
  ) throws(PinionError) -> Range<Int>? {
    try poll.count(steps.count / 8)
    var current = Threads(steps.count), following = Threads(steps.count)
    var stack: [Int] = []
    var best: Range<Int>?
    var position = first
    while position <= text.count {
      try poll.count(8 &+ 8 &* current.list.count)
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
  private func follow(_ step: Int, origin: Int, at position: Int, _ text: UnsafeBufferPointer<UInt32>, _ threads: inout Threads, _ stack: inout [Int]) {
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

  private func holds(_ assertion: RegexAssertion, at position: Int, _ text: UnsafeBufferPointer<UInt32>) -> Bool {
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

/// A text's Unicode scalar values, U+FFFD for bytes that are no UTF-8, and where each begins in the text as UTF-8 has it.
///
/// It reads the element's memory, which has to outlive it.
struct ScalarText: ~Copyable {
  let scalars: UnsafeBufferPointer<UInt32>
  private let bytes: UnsafePointer<UInt8>?
  /// Nil where each scalar is one byte.
  private let offsets: UnsafePointer<Int>?
  private let owners: (CountedBuffer, CountedBuffer?, CountedBuffer?)

  /// - Throws: `.budgetExceeded`, `.outOfMemory`, and what the limits say.
  init(_ element: StringElement, _ context: EagerContext, _ poll: inout Poll) throws(PinionError) {
    var values: RunTable<UInt32> = try context.table(capacity: element.count)
    if element.bytes.isASCII {
      try poll.count(element.count / 8)
      for (index, byte) in element.bytes.enumerated() { (values.base + index).initialize(to: UInt32(byte)) }
      scalars = UnsafeBufferPointer(start: values.base, count: element.count)
      bytes = element.bytes.baseAddress
      offsets = nil
      owners = (values.owner, nil, nil)
      return
    }
    var offsets: RunTable<Int> = try context.table(capacity: try element.count.adding(1))
    var utf8: RunTable<UInt8> = try context.table(capacity: element.count)
    var decoder = UTF8(), bytes = element.bytes.makeIterator()
    decoding: while true {
      try poll.count()
      let value: Unicode.Scalar
      switch decoder.decode(&bytes) {
      case .scalarValue(let scalar): value = scalar
      case .error: value = "\u{fffd}"
      case .emptyInput: break decoding
      }
      try offsets.append(utf8.count)
      try values.append(value.value)
      for byte in String(value).utf8 { try utf8.append(byte) }
    }
    try offsets.append(utf8.count)
    scalars = UnsafeBufferPointer(values.elements)
    self.bytes = UnsafePointer(utf8.base)
    self.offsets = UnsafePointer(offsets.base)
    owners = (values.owner, offsets.owner, utf8.owner)
  }

  /// The UTF-8 of a range of scalars.
  func utf8(_ range: Range<Int>) -> UnsafeBufferPointer<UInt8> {
    let start = offsets?[range.lowerBound] ?? range.lowerBound, end = offsets?[range.upperBound] ?? range.upperBound
    return UnsafeBufferPointer(start: bytes.map { $0 + start }, count: end &- start)
  }
}

extension UnsafeBufferPointer<UInt8> {
  /// Whether no byte is part of a character of several.
  var isASCII: Bool {
    var all: UInt8 = 0
    for byte in self { all |= byte }
    return all < 0x80
  }
}
