import PinionBase
import PinionTensor

/// What a program does for inputs of some types.
enum Plan {
  case segment(Segment)
  /// The same as this program, in which branches that are known to be taken stand in the place of their nodes.
  case program(Program)
}

/// The plans of a program, as many as its session has room for.
struct PlanCache {
  private struct Entry {
    let signature: Signature
    let plan: Plan
    /// See `Resolution.shortBudget`.
    let shortBudget: Int?
    var lastUse: Int
    /// Counts what the plan's records take; nil for one of those that are kept whatever they take.
    let counted: (any AnyObject & Sendable)?
  }

  /// Plans that are kept whatever their records take.
  private static let leastPlans = 16
  /// Plans for other values of deciding inputs that are made before these are taken for numbers that always change.
  private static let decisionLimit = 16

  private let limit: Int
  private var entries: [Entry] = []
  /// Of the entries' signatures, in their order.
  private var fingerprints: [Fingerprint] = []
  /// The index of the entry used last.
  private var latestIndex = 0
  private var clock = 0
  private let account: MemoryAccount
  /// Entry values whose elements tell plans apart, in order, besides the types of all.
  private(set) var deciding: [Int] = []
  private var decisions = 0
  private var growth = Growth()

  /// - Parameters:
  ///   - limit: how many plans are kept at most.
  ///   - account: what plans hold; some go where that is more than its limit, or where their records would be.
  init(limit: Int, account: MemoryAccount) {
    self.limit = max(limit, 1)
    self.account = account
  }

  /// The plan for inputs of the same types, for a run under these limits.
  mutating func find(_ inputs: [Value?], _ control: RunControl?) -> Plan? { index(inputs, control).map { use($0) } }

  /// The plan used last is asked before anything is computed.
  private func index(_ inputs: [Value?], _ control: RunControl?) -> Int? {
    guard !entries.isEmpty else { return nil }
    if entries[latestIndex].signature.matches(inputs, deciding), entries[latestIndex].shortBudget.isEnough(for: control) { return latestIndex }
    guard entries.count > 1 else { return nil }
    let wanted = Fingerprint(inputs, deciding)
    for index in fingerprints.indices
    where fingerprints[index] == wanted && entries[index].signature.matches(inputs, deciding) && entries[index].shortBudget.isEnough(for: control) {
      return index
    }
    return nil
  }

  /// The plan for tensors of the same types. Compares in place: a hit allocates nothing.
  mutating func find(count: Int, _ control: RunControl?, _ input: (Int) -> Tensor?) -> Plan? {
    guard !entries.isEmpty else { return nil }
    if entries[latestIndex].signature.matches(count: count, deciding, input), entries[latestIndex].shortBudget.isEnough(for: control) {
      return use(latestIndex)
    }
    guard entries.count > 1 else { return nil }
    let wanted = Fingerprint(count: count, deciding, input)
    for index in fingerprints.indices
    where fingerprints[index] == wanted && entries[index].signature.matches(count: count, deciding, input)
      && entries[index].shortBudget.isEnough(for: control)
    {
      return use(index)
    }
    return nil
  }

  private mutating func use(_ index: Int) -> Plan {
    clock &+= 1
    entries[index].lastUse = clock
    latestIndex = index
    return entries[index].plan
  }

  /// Adds a plan, in place of others where there are too many; the one that is there already wins, but for one that was made with less room.
  /// - Parameters:
  ///   - deciding: the deciding inputs for which it was made.
  ///   - control: the limits of the run that made it, whose budget is not for many plans.
  mutating func insert(_ segment: Segment, for inputs: [Value?], deciding: [Int], _ control: RunControl?) -> Segment {
    let shortBudget = segment.record.resolved.shortBudget
    guard case .segment(let first)? = insert(.segment(segment), for: inputs, deciding: deciding, shortBudget: shortBudget, control) else { return segment }
    return first
  }

  /// - Returns: the plan that is there afterwards.
  @discardableResult
  mutating func insert(_ plan: Plan, for inputs: [Value?], deciding: [Int], shortBudget: Int?, _ control: RunControl?) -> Plan? {
    guard deciding == self.deciding else { return nil }
    let signature = Signature(inputs, deciding), fingerprint = Fingerprint(inputs, deciding)
    if let index = fingerprints.indices.first(where: { fingerprints[$0] == fingerprint && entries[$0].signature == signature }) {
      guard let before = entries[index].shortBudget, before < shortBudget ?? .max else { return entries[index].plan }
      remove(at: index)
    }
    if !deciding.isEmpty {
      decisions &+= 1
      if decisions > PlanCache.decisionLimit {
        // Values that go on changing are no choice between a few plans.
        self.deciding = []
        removeAll()
        return nil
      }
    }
    if case .segment(let segment) = plan { account.shrink(keeping: segment.workspaces) }
    while !entries.isEmpty, entries.count >= limit || account.bytes > account.limit || (entries.count >= PlanCache.leastPlans && !hasRoomForRecords(control)) {
      remove(at: victim())
    }
    clock &+= 1
    var counted: (any AnyObject & Sendable)?
    if entries.count >= PlanCache.leastPlans, case .segment(let segment) = plan { counted = account.recordToken(segment.record.bytes) }
    latestIndex = entries.count
    entries.append(Entry(signature: signature, plan: plan, shortBudget: shortBudget, lastUse: clock, counted: counted))
    fingerprints.append(fingerprint)
    return plan
  }

  private func hasRoomForRecords(_ control: RunControl?) -> Bool {
    control.map { account.hasRoomForRecords($0) } ?? account.hasRoomForRecords
  }

  /// The entry to go: the one of two taken at random that was used earlier. Where inputs come in a circle that is longer than there is room for,
  /// the one longest unused would always be the next that is wanted.
  private func victim() -> Int {
    guard entries.count > 2 else { return entries.indices.min { entries[$0].lastUse < entries[$1].lastUse } ?? 0 }
    // The golden ratio's bits, as Fibonacci hashing has them.
    let random = UInt(bitPattern: clock &+ 1) &* 0x9E37_79B9_7F4A_7C15
    let first = Int((random >> 32) % UInt(entries.count)), second = Int((random & 0xFFFF_FFFF) % UInt(entries.count))
    return entries[first].lastUse <= entries[second].lastUse ? first : second
  }

  private mutating func remove(at index: Int) {
    entries.swapAt(index, entries.count - 1)
    entries.removeLast()
    fingerprints.swapAt(index, fingerprints.count - 1)
    fingerprints.removeLast()
    latestIndex = entries.indices.max { entries[$0].lastUse < entries[$1].lastUse } ?? 0
  }

  /// Whether plans may depend on the elements of more inputs.
  var mayDecide: Bool { decisions <= PlanCache.decisionLimit }

  /// Makes plans depend on the elements of more inputs.
  /// - Returns: all deciding inputs; nil where too many plans have been made for their values.
  mutating func decide(by more: Set<Int>) -> [Int]? {
    guard mayDecide else { return nil }
    deciding = more.union(deciding).sorted()
    removeAll()
    return deciding
  }

  /// The plan used last, which one for other types may be like.
  var latest: Segment? {
    guard !entries.isEmpty, case .segment(let segment) = entries[latestIndex].plan else { return nil }
    return segment
  }

  /// Whether there is a plan for inputs of these types.
  func holds(_ inputs: [Value?]) -> Bool { index(inputs, nil) != nil }

  /// Takes note of inputs for which a run has no plan.
  /// - Returns: which plans are worth making ahead, counted from those inputs on: see `Growth`.
  mutating func expectGrowth(to inputs: [Value?]) -> (step: [Int], count: Int) {
    guard deciding.isEmpty, !entries.isEmpty else { return ([], 0) }
    return growth.next(Signature(inputs), after: entries[latestIndex].signature, limit: limit / 2)
  }

  /// Forgets every plan.
  mutating func removeAll() {
    entries.removeAll()
    fingerprints.removeAll()
    latestIndex = 0
  }
}

/// A hash of the numbers of a signature, which is made without one.
private struct Fingerprint: Equatable {
  private var value: UInt64 = 0

  private mutating func add(_ number: Int) {
    let mixed = (value ^ UInt64(bitPattern: Int64(number))) &* 0x9E37_79B9_7F4A_7C15
    value = mixed ^ (mixed >> 29)
  }

  private mutating func add(_ tensor: Tensor) {
    add(Int(tensor.element.rawValue))
    add(tensor.shape.rank)
    for extent in tensor.shape.dims { add(extent) }
  }

  private mutating func add(elementsOf tensor: Tensor) { for index in 0..<tensor.count { add(tensor.number(at: index)) } }

  init(_ values: [Value?], _ deciding: [Int]) {
    for value in values {
      switch value {
      case .tensor(let tensor)?: add(tensor)
      case nil: add(-1)
      case .sequence?: add(-2)
      case .none?: add(-3)
      case .map?: add(-4)
      }
    }
    for entry in deciding where entry < values.count { if case .tensor(let tensor)? = values[entry] { add(elementsOf: tensor) } }
  }

  init(count: Int, _ deciding: [Int], _ input: (Int) -> Tensor?) {
    for index in 0..<count { if let tensor = input(index) { add(tensor) } }
    for entry in deciding where entry < count { if let tensor = input(entry) { add(elementsOf: tensor) } }
  }
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
