import PinionBase

/// Memory of a string tensor: the elements and the bytes they point to in one block.
// Unchecked: constants that keep memory alive which nobody writes to once the tensor is made.
public final class StringStorage: @unchecked Sendable {
  let memory: AnyObject
  /// Whoever made it for itself alone, if that matters.
  public let maker: AnyObject?
  init(_ memory: AnyObject, maker: AnyObject? = nil) {
    self.memory = memory
    self.maker = maker
  }
}

extension Tensor {
  /// A string tensor with copies of `strings`, whose number has to be that of the shape.
  public init(strings: [String], _ shape: Shape, allocator: Allocator = .system) throws(PinionError) {
    try self.init(utf8: strings.map { Array($0.utf8) }, shape, allocator: allocator)
  }

  public init(utf8 strings: [[UInt8]], _ shape: Shape, allocator: Allocator = .system) throws(PinionError) {
    guard strings.count == shape.count else { throw .invalidShape("\(strings.count) strings do not fill shape \(shape)") }
    var all: [UInt8] = [], offsets: [Int64] = [0]
    for string in strings {
      all += string
      offsets.append(Int64(all.count))
    }
    let result: Result<Tensor, PinionError> = all.withUnsafeBytes { text in
      offsets.withUnsafeBufferPointer { offsets in
        do throws(PinionError) { return .success(try Tensor(text: text, offsets: offsets, shape, allocator: allocator)) } catch {
          return .failure(error)
        }
      }
    }
    self = try result.get()
  }

  /// A string tensor with copies of strings that lie anywhere.
  /// - Parameter string: the bytes of an element, asked for twice.
  public init(
    _ shape: Shape, allocator: Allocator = .system, string: (_ index: Int) throws(PinionError) -> UnsafeRawBufferPointer
  ) throws(PinionError) {
    let type = TensorType(.string, shape)
    var byteCount = type.byteCount
    for index in 0..<shape.count { byteCount = try byteCount.adding(try string(index).count) }
    let buffer = try allocator.buffer(bytes: byteCount)
    let elements = buffer.pointer.bindMemory(to: StringElement.self, capacity: shape.count)
    var text = buffer.pointer + type.byteCount
    for index in 0..<shape.count {
      let source = try string(index)
      if let base = source.baseAddress { text.copyMemory(from: base, byteCount: source.count) }
      elements[index] = StringElement(start: UnsafePointer(text.assumingMemoryBound(to: UInt8.self)), count: source.count)
      text += source.count
    }
    self.init(type, data: buffer.pointer, owner: StringStorage(buffer))
  }

  /// A string tensor with a copy of `text`.
  /// - Parameter offsets: where each string begins, relative to the first, and where the last one ends; ascending, and one more than
  ///   the shape has elements.
  public init(
    text: UnsafeRawBufferPointer, offsets: UnsafeBufferPointer<Int64>, _ shape: Shape, allocator: Allocator = .system
  ) throws(PinionError) {
    guard offsets.count == shape.count &+ 1 else { throw .invalidShape("\(offsets.count) offsets for \(shape.count) strings") }
    let type = TensorType(.string, shape)
    let buffer = try allocator.buffer(bytes: try type.byteCount.adding(text.count))
    let elements = buffer.pointer.bindMemory(to: StringElement.self, capacity: shape.count)
    let copy = buffer.pointer + type.byteCount
    if let source = text.baseAddress { copy.copyMemory(from: source, byteCount: text.count) }
    for index in 0..<shape.count {
      let start = Int(offsets[index] &- offsets[0]), end = Int(offsets[index &+ 1] &- offsets[0])
      guard start >= 0, start <= end, end <= text.count else { throw .invalidArgument("the offsets of strings do not ascend") }
      elements[index] = StringElement(start: UnsafePointer((copy + start).assumingMemoryBound(to: UInt8.self)), count: end - start)
    }
    self.init(type, data: buffer.pointer, owner: StringStorage(buffer))
  }

  /// Bytes of the strings' text; 0 for other elements.
  public var textBytes: Int {
    guard element == .string, let strings = try? unsafeElements(as: StringElement.self) else { return 0 }
    return strings.reduce(0) { $0 &+ $1.count }
  }

  /// A string tensor with copies of this one's strings.
  /// - Parameters:
  ///   - control: the run that the copy counts against as long as it is there.
  ///   - maker: is remembered by the copy's owner.
  public func copyingStrings(
    allocator: Allocator = .system, control: RunControl? = nil, maker: AnyObject? = nil
  ) throws(PinionError) -> Tensor {
    let control = control ?? RunControl()
    let source = try unsafeElements(as: StringElement.self)
    var poll = Poll(control)
    var byteCount = type.byteCount
    for element in source {
      try poll.count()
      byteCount = try byteCount.adding(element.count)
    }
    let memory = try CountedBuffer(bytes: byteCount, allocator: allocator, control: control)
    let elements = memory.pointer.bindMemory(to: StringElement.self, capacity: count)
    var text = (memory.pointer + type.byteCount).assumingMemoryBound(to: UInt8.self)
    for (index, element) in source.enumerated() {
      try poll.count(4 &+ element.count / 16)
      if let start = element.start { text.update(from: start, count: element.count) }
      elements[index] = StringElement(start: UnsafePointer(text), count: element.count)
      text += element.count
    }
    return Tensor(type, data: memory.pointer, owner: StringStorage(memory, maker: maker))
  }

  /// A string tensor that owns its strings, with another maker, whom it keeps alive as well.
  public func keepingText(with maker: AnyObject) -> Tensor {
    guard let storage = owner as? StringStorage else { return self }
    return Tensor(type, data: data, owner: StringStorage(storage.memory, maker: maker))
  }

  /// Whether this is a string tensor that owns its strings' bytes. Nothing writes to it, so that it may be shared.
  public var ownsStrings: Bool { owner is StringStorage }

  /// The strings of a string tensor.
  public func strings() throws(PinionError) -> [String] { try elements(as: StringElement.self).map(\.string) }

  /// The same tensor, which besides its own memory keeps alive what its elements may point into.
  public func keepingAlive(_ others: [AnyObject?]) -> Tensor {
    guard element == .string else { return self }
    return Tensor(type, data: data, owner: Owners([owner] + others))
  }

  final class Owners {
    let all: [AnyObject]
    init(_ all: [AnyObject?]) { self.all = all.compactMap { $0 } }
  }
}
