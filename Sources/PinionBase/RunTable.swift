/// Memory that counts against a run's byte budget until it is released.
public final class CountedBuffer: Sendable {
  // Given back by hand, before the run is told.
  private let buffer: Unmanaged<Buffer>
  private let control: RunControl
  private let bytes: Int
  public var pointer: UnsafeMutableRawPointer { buffer._withUnsafeGuaranteedRef { $0.pointer } }
  /// Bytes that it has room for.
  public let byteCount: Int

  /// - Parameter records: bytes that records in Swift's heap take which live as long as the memory: they are counted and not allocated.
  /// - Throws: `.budgetExceeded`, before anything is allocated; `.outOfMemory`.
  public init(bytes: Int, records: Int = 0, allocator: Allocator, control: RunControl) throws(PinionError) {
    // What the block's own records take is counted as well, so that a million small ones are not free.
    let counted = try bytes.adding(RunControl.recordBytes).adding(records)
    try control.takeBytes(counted)
    let buffer: Buffer
    do { buffer = try allocator.buffer(bytes: bytes) } catch {
      control.giveBytes(counted)
      throw error
    }
    self.buffer = .passRetained(buffer)
    byteCount = buffer.byteCount
    self.bytes = counted
    self.control = control
  }

  /// Whether the run made it.
  public func isOf(_ control: RunControl) -> Bool { self.control === control }

  deinit {
    control.giveBytes(bytes)
    buffer.release()
    control.leftIdle()
  }
}

/// A list of a length that tensors decide, in memory of the run's allocator that counts against its byte budget.
///
/// Swift's own arrays come from a heap that cannot refuse: they hold what the model's graph is made of, never what tensors are.
public struct RunTable<Element: BitwiseCopyable>: ~Copyable {
  @usableFromInline var start: UnsafeMutablePointer<Element>
  @usableFromInline var used: Int
  @usableFromInline var capacity: Int
  private var memory: CountedBuffer
  private let allocator: Allocator
  private let control: RunControl

  /// The elements, of which `count` have a meaning; another place after each `append`.
  @inlinable public var base: UnsafeMutablePointer<Element> { start }
  @inlinable public var count: Int { used }

  /// An empty list with room for `capacity` elements.
  /// - Throws: `.budgetExceeded`, `.outOfMemory`; `.invalidValue` for a number of bytes that no integer holds.
  public init(capacity: Int = 0, allocator: Allocator, control: RunControl) throws(PinionError) {
    let room = max(capacity, 8)
    memory = try CountedBuffer(bytes: try room.multiplied(by: MemoryLayout<Element>.stride), allocator: allocator, control: control)
    start = memory.pointer.bindMemory(to: Element.self, capacity: room)
    self.capacity = room
    used = 0
    self.allocator = allocator
    self.control = control
  }

  /// A list of `count` times the element.
  public init(repeating element: Element, count: Int, allocator: Allocator, control: RunControl) throws(PinionError) {
    let room = max(count, 8)
    let memory = try CountedBuffer(bytes: try room.multiplied(by: MemoryLayout<Element>.stride), allocator: allocator, control: control)
    let start = memory.pointer.bindMemory(to: Element.self, capacity: room)
    try inPieces(of: Self.piece, count, control) { (start + $0.lowerBound).initialize(repeating: element, count: $0.count) }
    self.memory = memory
    self.start = start
    capacity = room
    used = count
    self.allocator = allocator
    self.control = control
  }

  @inlinable public subscript(index: Int) -> Element {
    @inline(__always) get { start[index] }
    @inline(__always) nonmutating set { start[index] = newValue }
  }

  /// The elements in place, as long as the list is there and is not appended to.
  public var elements: UnsafeMutableBufferPointer<Element> { UnsafeMutableBufferPointer(start: base, count: count) }
  /// What keeps the elements alive beyond the list.
  public var owner: CountedBuffer { memory }

  @inlinable @inline(__always)
  public mutating func append(_ element: Element) throws(PinionError) {
    if used == capacity { try reserve(1) }
    (start + used).initialize(to: element)
    used &+= 1
  }

  public mutating func append(contentsOf elements: UnsafeBufferPointer<Element>) throws(PinionError) {
    guard let source = elements.baseAddress else { return }
    if elements.count > capacity &- used { try reserve(elements.count) }
    try copy(source, to: start + used, count: elements.count)
    used &+= elements.count
  }

  /// Elements that are written between two looks at the limits: 2 MiB, a millisecond with memory that the process has not touched before.
  private static var piece: Int { (2 << 20) / MemoryLayout<Element>.stride }

  private func copy(_ from: UnsafePointer<Element>, to: UnsafeMutablePointer<Element>, count: Int) throws(PinionError) {
    if count <= Self.piece { return to.update(from: from, count: count) }
    try inPieces(of: Self.piece, count, control) { (to + $0.lowerBound).update(from: from + $0.lowerBound, count: $0.count) }
  }

  public mutating func removeAll() { used = 0 }

  @usableFromInline @inline(never)
  mutating func reserve(_ more: Int) throws(PinionError) {
    let room = max(try capacity.multiplied(by: 2), try count.adding(more))
    let larger = try CountedBuffer(bytes: try room.multiplied(by: MemoryLayout<Element>.stride), allocator: allocator, control: control)
    let moved = larger.pointer.bindMemory(to: Element.self, capacity: room)
    try copy(start, to: moved, count: used)
    start = moved
    capacity = room
    memory = larger
  }
}

/// Polls a run's limits once for so much work, in loops whose steps are too short to poll at each.
public struct Poll {
  /// Steps of some nanoseconds between two polls.
  public static let interval = 1 << 14
  private let control: RunControl
  @usableFromInline var left = Poll.interval

  public init(_ control: RunControl) { self.control = control }

  /// Counts steps that have been taken or are about to be, each of some nanoseconds.
  @inlinable @inline(__always)
  public mutating func count(_ steps: Int = 1) throws(PinionError) {
    left &-= steps
    if left <= 0 { try ask() }
  }

  @usableFromInline @inline(never)
  mutating func ask() throws(PinionError) {
    left = Poll.interval
    try control.check()
  }
}

/// Calls `body` with pieces of `0..<count` in order and polls the run's limits before each.
@inlinable @inline(__always)
public func inPieces(
  of size: Int, _ count: Int, _ control: RunControl, _ body: (Range<Int>) throws(PinionError) -> Void
) throws(PinionError) {
  let size = max(size, 1)
  var start = 0
  while start < count {
    try control.check()
    let end = min(start &+ size, count)
    try body(start..<end)
    start = end
  }
}

/// A table of a length that tensors decide, which a kernel keeps and, once it is filled, only reads.
// Unchecked: filled by the thread that makes the kernel, before any other sees it.
public struct KernelTable<Element: BitwiseCopyable>: @unchecked Sendable {
  public let base: UnsafeMutablePointer<Element>
  public let count: Int
  private let memory: CountedBuffer

  /// A table whose elements are still to be written.
  /// - Throws: `.budgetExceeded`, `.outOfMemory`; `.invalidValue` for a number of bytes that no integer holds.
  public init(count: Int, allocator: Allocator, control: RunControl) throws(PinionError) {
    memory = try CountedBuffer(bytes: try count.multiplied(by: MemoryLayout<Element>.stride), allocator: allocator, control: control)
    base = memory.pointer.bindMemory(to: Element.self, capacity: count)
    self.count = count
  }

  @inlinable public subscript(index: Int) -> Element {
    @inline(__always) get { base[index] }
    @inline(__always) nonmutating set { base[index] = newValue }
  }

  public var elements: UnsafeBufferPointer<Element> { UnsafeBufferPointer(start: base, count: count) }
}
