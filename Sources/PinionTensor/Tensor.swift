import PinionBase

/// A contiguous, row-major tensor in host memory, and whoever keeps that memory alive.
///
/// A tensor that another thread may see is not written to.
public struct Tensor: @unchecked Sendable {
  public let type: TensorType
  /// Keeps `data` alive; nil for memory of a caller who has promised to.
  public let owner: AnyObject?
  @usableFromInline let start: UnsafeMutableRawPointer
  /// The owner is a `Constant` that makes the elements when somebody asks; `start` is its last resort.
  @usableFromInline package let isMade: Bool

  /// - Parameter data: `type.byteCount` bytes, aligned to the element's width.
  public init(_ type: TensorType, data: UnsafeMutableRawPointer, owner: AnyObject?) {
    self.type = type
    start = data
    self.owner = owner
    isMade = false
  }

  /// A tensor whose elements the constant makes when somebody asks.
  init(_ type: TensorType, madeBy constant: Constant, lastResort: UnsafeMutableRawPointer) {
    self.type = type
    start = lastResort
    owner = constant
    isMade = true
  }

  /// The elements. Those of a constant that makes them stay once they have been asked for here: see `resident()`.
  @inlinable public var data: UnsafeMutableRawPointer { isMade ? keptData : start }

  @usableFromInline var keptData: UnsafeMutableRawPointer { constant.flatMap { try? $0.keep() } ?? start }

  /// Whether both are the same elements, of which none need be looked at or made to tell.
  public func isSameMemory(as other: Tensor) -> Bool { start == other.start && owner === other.owner && type == other.type }

  /// The constant that the tensor is, where it is one of a model's.
  public var constant: Constant? { owner as? Constant }

  /// The elements alone, which are there as long as somebody holds the result, and need not be longer. They are no constant: forms
  /// made of them are not remembered.
  /// - Parameter control: what waits for elements that have to be made.
  public func resident(_ control: RunControl? = nil) throws(PinionError) -> Tensor {
    guard let constant else { return self }
    guard isMade else { return Tensor(type, data: start, owner: constant.origin?.owner) }
    let memory = try constant.memory(control)
    return Tensor(type, data: memory.pointer, owner: memory)
  }

  /// The tensor with elements that are there as long as its owner.
  /// - Parameter control: what waits for elements that have to be made.
  public func kept(_ control: RunControl? = nil) throws(PinionError) -> Tensor {
    if isMade, let constant { _ = try constant.keep(control) }
    return self
  }

  /// Lets the system have the pages of elements in a mapped file back; reading them again is slower once and gives the same.
  public func giveBackPages() {
    guard !isMade else { return }
    if let mapping = (constant?.origin ?? self).owner as? FileMapping { mapping.giveBack(bytes) }
  }

  /// An uninitialised tensor.
  public init(_ type: TensorType, allocator: Allocator = .system) throws(PinionError) {
    let buffer = try allocator.buffer(bytes: type.byteCount)
    self.init(type, data: buffer.pointer, owner: buffer)
  }

  /// A tensor with a copy of `elements`, whose number has to be that of the shape.
  public init<T: Element>(_ elements: [T], _ shape: Shape) throws(PinionError) {
    guard elements.count == shape.count else {
      throw .invalidShape("\(elements.count) elements do not fill shape \(shape)")
    }
    try self.init(TensorType(T.elementType, shape))
    elements.withUnsafeBytes { source in
      if let base = source.baseAddress { data.copyMemory(from: base, byteCount: source.count) }
    }
  }

  public init<T: Element>(scalar: T) throws(PinionError) { try self.init([scalar], .scalar) }
  public init<T: Element>(vector: [T]) throws(PinionError) { try self.init(vector, .vector(vector.count)) }

  public var element: ElementType { type.element }
  public var shape: Shape { type.shape }
  public var count: Int { type.shape.count }
  public var byteCount: Int { type.byteCount }
  public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: data, count: byteCount) }

  /// The same memory under another shape with as many elements.
  public func reshaped(_ shape: Shape) throws(PinionError) -> Tensor {
    guard shape.count == count else { throw .invalidShape("\(type) cannot be reshaped to \(shape)") }
    let type = TensorType(element, shape)
    if isMade, let constant { return Tensor(type, madeBy: constant, lastResort: start) }
    return Tensor(type, data: start, owner: owner)
  }

  /// A copy of the elements, for a tensor whose element type is that of `T`.
  public func elements<T: Element>(as: T.Type = T.self) throws(PinionError) -> [T] { Array(try unsafeElements(as: T.self)) }

  /// The elements in place, for a tensor whose element type is that of `T`. They are there as long as somebody holds the tensor.
  public func unsafeElements<T: Element>(as: T.Type = T.self) throws(PinionError) -> UnsafeBufferPointer<T> {
    guard element == T.elementType else { throw .invalidShape("expected elements of type \(T.elementType), found \(element)") }
    return UnsafeBufferPointer(start: data.assumingMemoryBound(to: T.self), count: count)
  }

  /// The elements for writing, for a tensor that nobody else sees yet. They are there as long as somebody holds the tensor.
  public func mutableElements<T: Element>(as: T.Type = T.self) throws(PinionError) -> UnsafeMutableBufferPointer<T> {
    guard element == T.elementType else { throw .invalidShape("expected elements of type \(T.elementType), found \(element)") }
    return UnsafeMutableBufferPointer(start: data.assumingMemoryBound(to: T.self), count: count)
  }

  /// An element of an int64 or int32 tensor.
  public func integer(at index: Int) throws(PinionError) -> Int64 {
    switch element {
    case .int64: return try unsafeElements(as: Int64.self)[index]
    case .int32: return Int64(try unsafeElements(as: Int32.self)[index])
    default: throw .invalidShape("expected int64 or int32, found \(type)")
    }
  }

  /// The elements of an int64 or int32 tensor.
  public func integers() throws(PinionError) -> [Int64] {
    switch element {
    case .int64: return try elements(as: Int64.self)
    case .int32: return try unsafeElements(as: Int32.self).map(Int64.init)
    default: throw .invalidShape("expected int64 or int32, found \(type)")
    }
  }

  /// The bytes in memory of their own.
  public func copy(allocator: Allocator = .system) throws(PinionError) -> Tensor {
    let copy = try Tensor(type, allocator: allocator)
    copy.data.copyMemory(from: data, byteCount: byteCount)
    return element == .string ? Tensor(type, data: copy.data, owner: Pair(copy.owner, owner)) : copy
  }

  /// Two owners as one.
  final class Pair {
    let first: AnyObject?
    let second: AnyObject?
    init(_ first: AnyObject?, _ second: AnyObject?) {
      self.first = first
      self.second = second
    }
  }
}
