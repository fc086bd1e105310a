import PinionTensor

/// The most recently used plans of a program.
struct PlanCache {
  private struct Entry {
    let signature: Signature
    let segment: Segment
    var lastUse: Int
  }

  private let limit: Int
  private var entries: [Entry] = []
  private var clock = 0

  private let bytes: Int

  /// - Parameters:
  ///   - limit: how many plans are kept.
  ///   - bytes: how much memory their idle workspaces may hold.
  init(limit: Int, bytes: Int) {
    self.limit = max(limit, 1)
    self.bytes = bytes
  }

  /// The plan for inputs of the same types.
  mutating func find(_ inputs: [Value?]) -> Segment? {
    entries.firstIndex { $0.signature.matches(inputs) }.map { use($0) }
  }

  /// The plan for tensors of the same types. Compares in place: a hit allocates nothing.
  mutating func find(count: Int, _ input: (Int) -> Tensor?) -> Segment? {
    for index in entries.indices where entries[index].signature.matches(count: count, input) { return use(index) }
    return nil
  }

  private mutating func use(_ index: Int) -> Segment {
    clock &+= 1
    entries[index].lastUse = clock
    return entries[index].segment
  }

  /// Adds a plan, in place of the one longest unused where there are too many; the one that is there already wins.
  mutating func insert(_ segment: Segment, for signature: Signature) -> Segment {
    if let entry = entries.first(where: { $0.signature == signature }) { return entry.segment }
    while !entries.isEmpty, entries.count >= limit || idleBytes &+ segment.arenaBytes > bytes,
      let oldest = entries.indices.min(by: { entries[$0].lastUse < entries[$1].lastUse })
    {
      entries.remove(at: oldest)
    }
    clock &+= 1
    entries.append(Entry(signature: signature, segment: segment, lastUse: clock))
    return segment
  }

  /// The plan used last, which one for other types may be like.
  var latest: Segment? { entries.max { $0.lastUse < $1.lastUse }?.segment }

  /// Forgets every plan.
  /// - Returns: the bytes that their idle workspaces held.
  mutating func removeAll() -> Int {
    let bytes = idleBytes
    entries.removeAll()
    return bytes
  }

  /// Bytes of idle workspaces.
  var idleBytes: Int {
    var pools: [ObjectIdentifier: WorkspacePool] = [:]
    for entry in entries { entry.segment.collect(&pools) }
    return pools.values.reduce(0) { $0 &+ $1.idleBytes }
  }
}

extension Signature {
  /// Whether the tensors have the types that this signature stands for.
  func matches(count: Int, _ input: (Int) -> Tensor?) -> Bool {
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
      return position == numbers.count
    }
  }

  /// Whether the values have the types that this signature stands for.
  func matches(_ values: [Value?]) -> Bool {
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
    return position == numbers.count
  }
}
