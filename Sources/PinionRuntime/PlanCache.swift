import PinionBase
import PinionTensor

/// What a program does for inputs of some types.
enum Plan {
  case segment(Segment)
  /// The same as this program, in which branches that are known to be taken stand in the place of their nodes.
  case program(Program)
}

/// The most recently used plans of a program.
struct PlanCache {
  private struct Entry {
    let signature: Signature
    let plan: Plan
    /// See `Resolution.shortBudget`.
    let shortBudget: Int?
    var lastUse: Int
  }

  /// Plans for other values of deciding inputs that are made before these are taken for numbers that always change.
  private static let decisionLimit = 16

  private let limit: Int
  private var entries: [Entry] = []
  private var clock = 0
  private let account: MemoryAccount
  /// Entry values whose elements tell plans apart, in order, besides the types of all.
  private(set) var deciding: [Int] = []
  private var decisions = 0
  private var growth = Growth()

  /// - Parameters:
  ///   - limit: how many plans are kept.
  ///   - account: what plans hold; older ones go where that is more than its limit.
  init(limit: Int, account: MemoryAccount) {
    self.limit = max(limit, 1)
    self.account = account
  }

  /// The plan for inputs of the same types, for a run under these limits.
  mutating func find(_ inputs: [Value?], _ control: RunControl?) -> Plan? {
    entries.firstIndex { $0.shortBudget.isEnough(for: control) && $0.signature.matches(inputs, deciding) }.map { use($0) }
  }

  /// The plan for tensors of the same types. Compares in place: a hit allocates nothing.
  mutating func find(count: Int, _ control: RunControl?, _ input: (Int) -> Tensor?) -> Plan? {
    for index in entries.indices
    where entries[index].shortBudget.isEnough(for: control) && entries[index].signature.matches(count: count, deciding, input) {
      return use(index)
    }
    return nil
  }

  private mutating func use(_ index: Int) -> Plan {
    clock &+= 1
    entries[index].lastUse = clock
    return entries[index].plan
  }

  /// Adds a plan, in place of the one longest unused where there are too many; the one that is there already wins, but for one that was
  /// made with less room.
  /// - Parameter deciding: the deciding inputs for which it was made.
  mutating func insert(_ segment: Segment, for inputs: [Value?], deciding: [Int]) -> Segment {
    guard case .segment(let first)? = insert(.segment(segment), for: inputs, deciding: deciding, shortBudget: segment.record.resolved.shortBudget) else { return segment }
    return first
  }

  /// - Returns: the plan that is there afterwards.
  @discardableResult mutating func insert(_ plan: Plan, for inputs: [Value?], deciding: [Int], shortBudget: Int?) -> Plan? {
    guard deciding == self.deciding else { return nil }
    let signature = Signature(inputs, deciding)
    if let index = entries.firstIndex(where: { $0.signature == signature }) {
      guard let before = entries[index].shortBudget, before < shortBudget ?? .max else { return entries[index].plan }
      entries.remove(at: index)
    }
    if !deciding.isEmpty {
      decisions &+= 1
      if decisions > PlanCache.decisionLimit {
        // Values that go on changing are no choice between a few plans.
        self.deciding = []
        entries.removeAll()
        return nil
      }
    }
    if case .segment(let segment) = plan { account.shrink(keeping: segment.workspaces) }
    while !entries.isEmpty, entries.count >= limit || account.bytes > account.limit,
      let oldest = entries.indices.min(by: { entries[$0].lastUse < entries[$1].lastUse })
    {
      entries.remove(at: oldest)
    }
    clock &+= 1
    entries.append(Entry(signature: signature, plan: plan, shortBudget: shortBudget, lastUse: clock))
    return plan
  }

  /// Whether plans may depend on the elements of more inputs.
  var mayDecide: Bool { decisions <= PlanCache.decisionLimit }

  /// Makes plans depend on the elements of more inputs.
  /// - Returns: all deciding inputs; nil where too many plans have been made for their values.
  mutating func decide(by more: Set<Int>) -> [Int]? {
    guard mayDecide else { return nil }
    deciding = more.union(deciding).sorted()
    entries.removeAll()
    return deciding
  }

  /// The plan used last, which one for other types may be like.
  var latest: Segment? {
    guard case .segment(let segment)? = lastUsed?.plan else { return nil }
    return segment
  }

  private var lastUsed: Entry? { entries.max { $0.lastUse < $1.lastUse } }

  /// Whether there is a plan for inputs of these types.
  func holds(_ inputs: [Value?]) -> Bool { entries.contains { $0.signature.matches(inputs, deciding) } }

  /// Takes note of inputs for which a run has no plan.
  /// - Returns: which plans are worth making ahead, counted from those inputs on: see `Growth`.
  mutating func expectGrowth(to inputs: [Value?]) -> (step: [Int], count: Int) {
    guard deciding.isEmpty, let last = lastUsed else { return ([], 0) }
    return growth.next(Signature(inputs), after: last.signature, limit: limit / 2)
  }

  /// Forgets every plan.
  mutating func removeAll() { entries.removeAll() }
}

extension Signature {
  /// Whether the tensors have the types that this signature stands for.
  func matches(count: Int, _ deciding: [Int], _ input: (Int) -> Tensor?) -> Bool {
    numbers.withUnsafeBufferPointer { numbers in
      var position = 0
      for index in 0..<count {
        guard let tensor = input(index), position &+ 1 < numbers.count, numbers[position] == Int(tensor.element.rawValue),
          numbers[position &+ 1] == tensor.shape.rank, position &+ 2 &+ tensor.shape.rank <= numbers.count
        else { return false }
        position &+= 2
        for extent in tensor.shape.dims {
          guard numbers[position] == extent else { return false }
          position &+= 1
        }
      }
      for entry in deciding {
        guard entry < count, let tensor = input(entry) else { continue }
        for index in 0..<tensor.count {
          guard position < numbers.count, numbers[position] == tensor.number(at: index) else { return false }
          position &+= 1
        }
      }
      return position == numbers.count
    }
  }

  /// Whether the values have the types that this signature stands for.
  func matches(_ values: [Value?], _ deciding: [Int]) -> Bool {
    var position = 0
    func take(_ number: Int) -> Bool {
      guard position < numbers.count, numbers[position] == number else { return false }
      position &+= 1
      return true
    }
    for value in values {
      switch value {
      case .tensor(let tensor)?:
        guard take(Int(tensor.element.rawValue)), take(tensor.shape.rank) else { return false }
        for extent in tensor.shape.dims { guard take(extent) else { return false } }
      case nil: guard take(-1) else { return false }
      case .sequence?: guard take(-2) else { return false }
      case .none?: guard take(-3) else { return false }
      case .map?: guard take(-4) else { return false }
      }
    }
    for entry in deciding where entry < values.count {
      guard case .tensor(let tensor)? = values[entry] else { continue }
      for index in 0..<tensor.count { guard take(tensor.number(at: index)) else { return false } }
    }
    return position == numbers.count
  }
}

extension Tensor {
  /// An element of an integer or bool tensor; 0 for other types.
  fileprivate func number(at index: Int) -> Int {
    switch element {
    case .int64, .uint64: Int(data.load(fromByteOffset: index &* 8, as: Int64.self))
    case .int32, .uint32: Int(data.load(fromByteOffset: index &* 4, as: Int32.self))
    case .int16, .uint16: Int(data.load(fromByteOffset: index &* 2, as: Int16.self))
    case .int8, .uint8, .bool, .int4, .uint4, .int2, .uint2: Int(data.load(fromByteOffset: index, as: Int8.self))
    default: 0
    }
  }
}

extension Signature {
  /// - Parameter deciding: the inputs whose elements count as well.
  init(_ values: [Value?], _ deciding: [Int]) {
    self.init(values)
    for entry in deciding where entry < values.count {
      guard case .tensor(let tensor)? = values[entry] else { continue }
      for index in 0..<tensor.count { append(tensor.number(at: index)) }
    }
  }
}
