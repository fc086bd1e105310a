import PinionBackend
import PinionBase
import PinionTensor

extension RunControl {
  /// Copies bytes in pieces between which the limits are polled.
  fileprivate func copy(_ from: Tensor, to: Tensor) throws(PinionError) {
    try inPieces(of: 1 << 20, from.byteCount, self) { (range) throws(PinionError) in
      (to.data + range.lowerBound).copyMemory(from: from.data + range.lowerBound, byteCount: range.count)
    }
  }

  /// Whether the tensor lies in memory that this run made for an output: not in an input, a weight, a workspace or the caller's.
  fileprivate func madeForOutput(_ tensor: Tensor) -> Bool {
    if tensor.element == .string { return (tensor.owner as? StringStorage)?.maker === self }
    guard let memory = tensor.owner as? CountedBuffer, memory.isOf(self) else { return false }
    // A small part of something large would keep all of it.
    return memory.byteCount <= tensor.byteCount &* 2 &+ 4096
  }
}

/// The values that leave a run. Each gets memory of its own: none shares a byte that anybody can write with an input, a weight or
/// another output, inside sequences and maps too.
///
/// The text that string elements point to is the exception: nothing writes to it, so the elements of sequences and maps may share it.
package struct LeavingValues {
  private let run: RunControl
  private let allocator: Allocator
  /// Owners of the memory that left already.
  private var taken: Set<ObjectIdentifier> = []

  package init(_ run: RunControl, allocator: Allocator) {
    self.run = run
    self.allocator = allocator
  }

  /// The value as the caller gets it.
  /// - Parameter given: the caller's memory for it.
  /// - Throws: `.invalidShape` where that memory has another type, `.invalidArgument` for memory given for strings,
  ///   `.budgetExceeded`, `.outOfMemory`.
  package mutating func take(_ value: Value, into given: Tensor? = nil) throws(PinionError) -> Value {
    if case .tensor(let tensor) = value { return .tensor(try take(tensor, into: given)) }
    guard given == nil else { throw .invalidShape("the memory given for an output is a tensor, the output is \(value.type)") }
    var slab = Slab(run)
    try slab.reserve(value)
    try slab.allocate(run, allocator)
    return try slab.copy(value, allocator)
  }

  private mutating func take(_ tensor: Tensor, into given: Tensor?) throws(PinionError) -> Tensor {
    if let given {
      guard given.type == tensor.type else {
        throw .invalidShape("the memory given for an output is \(given.type), the output is \(tensor.type)")
      }
      guard given.element != .string else { throw .invalidArgument("memory cannot be given for an output of strings") }
      if given.data != tensor.data { try run.copy(tensor, to: given) }
      return given
    }
    if run.madeForOutput(tensor), let owner = tensor.owner, taken.insert(ObjectIdentifier(owner)).inserted { return tensor }
    guard tensor.element != .string else { return try tensor.copyingStrings(allocator: allocator, control: run, maker: run) }
    let copy = try run.tensor(tensor.type, allocator: allocator)
    try run.copy(tensor, to: copy)
    return copy
  }
}

/// One block for all tensors inside a sequence or map, which lives as long as one of them.
private struct Slab {
  private static let alignment = 16
  private let run: RunControl
  private var poll: Poll
  private var bytes = 0
  private var tensors = 0
  private var memory: Tensor?
  private var used = 0

  init(_ run: RunControl) {
    self.run = run
    poll = Poll(run)
  }

  mutating func reserve(_ value: Value) throws(PinionError) {
    switch value {
    case .tensor(let tensor): try reserve(tensor)
    case .none: break
    case .sequence(let values, _): for value in values { try reserve(value) }
    case .map(let keys, let values):
      try reserve(keys)
      try reserve(values)
    }
  }

  private mutating func reserve(_ tensor: Tensor) throws(PinionError) {
    try poll.count(8)
    tensors &+= 1
    bytes = try bytes.adding(alignedUp(tensor.byteCount, to: Slab.alignment))
  }

  mutating func allocate(_ run: RunControl, _ allocator: Allocator) throws(PinionError) {
    guard bytes > 0 else { return }
    // The lists of values are counted with the memory that these lie in.
    let records = try tensors.multiplied(by: 2 &* MemoryLayout<Value>.stride)
    memory = try run.tensor(TensorType(.uint8, try Shape([bytes])), records: records, allocator: allocator)
  }

  mutating func copy(_ value: Value, _ allocator: Allocator) throws(PinionError) -> Value {
    switch value {
    case .tensor(let tensor): return .tensor(try copy(tensor, allocator))
    case .none: return value
    case .sequence(let values, let element):
      var copies: [Value] = []
      copies.reserveCapacity(values.count)
      for value in values { copies.append(try copy(value, allocator)) }
      return .sequence(copies, element: element)
    case .map(let keys, let values): return .map(keys: try copy(keys, allocator), values: try copy(values, allocator))
    }
  }

  private mutating func copy(_ tensor: Tensor, _ allocator: Allocator) throws(PinionError) -> Tensor {
    if tensor.element == .string, !tensor.ownsStrings { return try tensor.copyingStrings(allocator: allocator, control: run) }
    try poll.count(64 &+ tensor.byteCount / 16)
    guard let memory, tensor.byteCount > 0 else { return tensor }
    let data = memory.data + used
    used = try used.adding(alignedUp(tensor.byteCount, to: Slab.alignment))
    let copy = Tensor(tensor.type, data: data, owner: memory.owner)
    try run.copy(tensor, to: copy)
    return Tensor(tensor.type, data: data, owner: memory.owner).keepingAlive([tensor.owner])
  }
}
