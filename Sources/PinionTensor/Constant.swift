import PinionBase

/// A value that a model never changes, and its forms: what kernels make of it for themselves.
///
/// What changes in it is behind a lock, and nobody writes to what its pointers point to. Its identity is the object. A form is made once, is shared by all who hold the constant, and goes with it. The elements themselves are
/// either memory that is there, or made when somebody asks and for as long as somebody holds them.
public final class Constant: @unchecked Sendable {
  /// Writes the elements.
  public typealias Make = @Sendable (_ target: UnsafeMutableRawPointer) throws(PinionError) -> Void
  /// Makes a form of the elements.
  public typealias Fill = (_ elements: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) throws(PinionError) -> Void

  /// Counts bytes for as long as somebody holds the result.
  public typealias Counting = @Sendable (_ bytes: Int) -> AnyObject

  private enum Source {
    case memory(Tensor)
    case made(bytes: Int, Make)
  }

  /// What a constant is a conversion of.
  private struct Narrow {
    let element: ElementType
    let count: Int
    let memory: Source
  }

  /// The constant may be seen under several types, and in parts.
  private struct Key: Hashable {
    let address: UInt
    let type: TensorType
    let form: String
  }

  private struct State {
    var allocator = Allocator.system
    /// The elements, where they are made, as long as somebody holds them.
    weak var current: Buffer?
    /// The elements, once somebody wanted them for good.
    var kept: Buffer?
    var forms: [Key: Buffer] = [:]
    var derived: [Key: Tensor] = [:]
    /// Counts bytes that the constant holds for as long as it holds what this returns.
    var counting: Counting?
    var counted: [AnyObject] = []

    mutating func count(_ bytes: Int) { if let counting { counted.append(counting(bytes)) } }
  }

  private let source: Source
  private let narrow: Narrow?
  private let state = Lock(State())

  /// Fewer bytes are copied at once: the pages around them are in memory anyhow.
  public static let leastMadeBytes = 1 << 16

  private init(_ source: Source, narrow: Narrow? = nil) {
    self.source = source
    self.narrow = narrow
  }

  /// The tensor as a constant: itself where it is one, or has nothing to make forms of.
  /// - Parameters:
  ///   - allocator: gives memory for forms.
  ///   - counting: counts the bytes of the elements and of forms, for as long as somebody holds its result.
  public static func adopt(_ tensor: Tensor, allocator: Allocator, counting: Counting? = nil) -> Tensor {
    guard tensor.constant == nil, tensor.element != .string, tensor.count > 0 else { return tensor }
    let constant = Constant(.memory(tensor))
    constant.use(allocator)
    if let counting {
      constant.state.withLock { state in
        state.counting = counting
        state.count(tensor.byteCount)
      }
    }
    return Tensor(tensor.type, data: tensor.data, owner: constant)
  }

  /// A constant whose elements are copied when somebody asks from where they lie in a file, at an alignment that tensors do not allow.
  /// - Parameters:
  ///   - bytes: `type.byteCount` bytes.
  ///   - start: where they lie.
  public static func copied(_ bytes: MappedBytes, at start: UnsafeRawPointer, _ type: TensorType) -> Tensor {
    let constant = Constant(
      .made(bytes: type.byteCount) { target in
        let chunk = 1 << 20
        var offset = 0
        while offset < bytes.count {
          let part = UnsafeRawBufferPointer(rebasing: bytes.bytes[offset..<min(bytes.count, offset &+ chunk)])
          if let start = part.baseAddress { (target + offset).copyMemory(from: start, byteCount: part.count) }
          bytes.owner.giveBack(part)
          offset &+= chunk
        }
      })
    // Processors that Pinion runs on read at any alignment, so that bytes in the file are better than none.
    return Tensor(type, madeBy: constant, lastResort: UnsafeMutableRawPointer(mutating: start))
  }

  /// A constant whose elements are made when somebody asks.
  public static func made(_ type: TensorType, _ make: @escaping Make) -> Tensor {
    let constant = Constant(.made(bytes: type.byteCount, make))
    return Tensor(type, madeBy: constant, lastResort: constant.nowhere)
  }

  /// Where nothing may be read: readers that cannot fail look only at elements that are kept.
  private var nowhere: UnsafeMutableRawPointer { Unmanaged.passUnretained(self).toOpaque() }

  /// Whose memory the elements are, where they are not made.
  var origin: Tensor? {
    guard case .memory(let tensor) = source else { return nil }
    return tensor
  }

  /// Sets where memory of the constant and its forms comes from; before anybody else has it.
  public func use(_ allocator: Allocator) { state.withLock { $0.allocator = allocator } }

  // MARK: Elements that are made

  /// The elements for as long as the caller holds them.
  func memory() throws(PinionError) -> Buffer {
    let (current, allocator) = state.withLock { ($0.current, $0.allocator) }
    if let current { return current }
    guard case .made(let bytes, let make) = source else { throw .internal("the constant is not made") }
    let buffer = try allocator.separateBuffer(bytes: bytes)
    try make(buffer.pointer)
    return state.withLock { state in
      if let first = state.current { return first }
      state.current = buffer
      return buffer
    }
  }

  /// The elements for as long as the constant lives.
  func keep() throws(PinionError) -> UnsafeMutableRawPointer {
    if let kept = state.withLock({ $0.kept }) { return kept.pointer }
    let memory = try memory()
    return state.withLock { state in
      let kept = state.kept ?? memory
      state.kept = kept
      return kept.pointer
    }
  }

  /// Whether the elements stay in memory as long as the constant lives.
  var isKept: Bool { state.withLock { $0.kept != nil } }

  // MARK: Forms

  /// A form of the constant, made at the first time.
  /// - Parameters:
  ///   - tensor: the constant as the caller sees it.
  ///   - name: says, with the type, what the form is.
  public func form(_ name: String, of tensor: Tensor, bytes: Int, _ fill: Fill) throws(PinionError) -> Buffer {
    let key = Key(address: UInt(bitPattern: tensor.start), type: tensor.type, form: name)
    let (known, allocator) = state.withLock { ($0.forms[key], $0.allocator) }
    if let known { return known }
    let elements = try tensor.resident()
    let buffer = try allocator.separateBuffer(bytes: bytes)
    try fill(UnsafeRawPointer(elements.data), buffer.pointer)
    tensor.giveBackPages()
    return state.withLock { state in
      if let first = state.forms[key] { return first }
      state.forms[key] = buffer
      state.count(buffer.byteCount)
      return buffer
    }
  }

  /// The type of the elements that the constant was converted from, where each of its own stands for one of them.
  /// - Parameter tensor: the constant as the caller sees it.
  public func narrowElement(of tensor: Tensor) -> ElementType? { narrow?.count == tensor.count ? narrow?.element : nil }

  /// A form made of the elements that the constant was converted from.
  /// - Parameters:
  ///   - tensor: the whole constant.
  ///   - fill: is given elements of the type that `narrowElement(of:)` says.
  public func narrowForm(_ name: String, of tensor: Tensor, bytes: Int, _ fill: Fill) throws(PinionError) -> Buffer {
    guard let narrow, narrow.count == tensor.count else { throw .internal("the constant is converted from nothing") }
    let key = Key(address: UInt(bitPattern: tensor.start), type: tensor.type, form: name)
    let (known, allocator) = state.withLock { ($0.forms[key], $0.allocator) }
    if let known { return known }
    let buffer = try allocator.separateBuffer(bytes: bytes)
    switch narrow.memory {
    case .memory(let elements):
      try fill(UnsafeRawPointer(elements.data), buffer.pointer)
      elements.giveBackPages()
    case .made(let bytes, let make):
      let elements = try allocator.separateBuffer(bytes: bytes)
      try make(elements.pointer)
      try fill(UnsafeRawPointer(elements.pointer), buffer.pointer)
    }
    return state.withLock { state in
      if let first = state.forms[key] { return first }
      state.forms[key] = buffer
      state.count(buffer.byteCount)
      return buffer
    }
  }

  /// A constant that is made of this one, under a type of its own, with forms of its own. Its elements are made when somebody asks.
  public func derived(
    _ name: String, of tensor: Tensor, as type: TensorType,
    _ fill: @escaping @Sendable (_ elements: UnsafeRawPointer, _ target: UnsafeMutableRawPointer) -> Void
  ) -> Tensor {
    let key = Key(address: UInt(bitPattern: tensor.start), type: tensor.type, form: name)
    return state.withLock { state in
      if let known = state.derived[key] { return known }
      // What the elements are made of, without this constant, which holds the new one.
      let made: Make
      var narrow: Narrow?
      switch source {
      case .memory(let origin):
        let elements = Tensor(tensor.type, data: tensor.start, owner: origin.owner)
        narrow = Narrow(element: tensor.element, count: tensor.count, memory: .memory(elements))
        made = { target in
          fill(UnsafeRawPointer(elements.data), target)
          elements.giveBackPages()
        }
      case .made(let bytes, let make):
        let allocator = state.allocator
        // Elements that are made are all of the constant's.
        if bytes == tensor.byteCount { narrow = Narrow(element: tensor.element, count: tensor.count, memory: source) }
        made = { (target) throws(PinionError) in
          let buffer = try allocator.separateBuffer(bytes: bytes)
          try make(buffer.pointer)
          fill(UnsafeRawPointer(buffer.pointer), target)
        }
      }
      let constant = Constant(.made(bytes: type.byteCount, made), narrow: narrow)
      constant.use(state.allocator)
      let counting = state.counting
      constant.state.withLock { $0.counting = counting }
      let result = Tensor(type, madeBy: constant, lastResort: tensor.start)
      state.derived[key] = result
      return result
    }
  }
}
