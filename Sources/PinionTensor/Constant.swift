import PinionBase

/// A value that a model never changes, and its forms: what kernels make of it for themselves.
///
/// What changes in it is behind a lock, and nobody writes to what its pointers point to. Its identity is the object. A form is made once, is shared by all who hold the constant, and goes with it. The elements themselves are
/// either memory that is there, or made when somebody asks and for as long as somebody holds them.
public final class Constant: @unchecked Sendable {
  /// Writes the elements, as far as they are not there yet.
  public typealias Make = @Sendable (_ target: UnsafeMutableRawPointer, _ work: PieceWork) throws(PinionError) -> Void
  /// Makes a form of the elements, as far as it is not there yet.
  public typealias Fill = (_ elements: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ work: PieceWork) throws(PinionError) -> Void

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
    /// What a limit has ended, for the next who wants it: nobody else has it then.
    var begunForms: [Key: Begun] = [:]
    var begunElements: (memory: Buffer, work: PieceWork)?
    var derived: [Key: Tensor] = [:]
    /// Counts bytes that the constant holds for as long as it holds what this returns.
    var counting: Counting?
    var counted: [AnyObject] = []

    mutating func count(_ bytes: Int) { if let counting { counted.append(counting(bytes)) } }
  }

  /// A form that is there in part, and what it is made of, which may be there in part as well.
  private struct Begun {
    var elements: Tensor?
    let elementsWork = PieceWork()
    let form: Buffer
    let work = PieceWork()
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
      .made(bytes: type.byteCount) { (target, work) throws(PinionError) in
        try work.inPieces(of: 1 << 20, bytes.count) { range in
          let part = UnsafeRawBufferPointer(rebasing: bytes.bytes[range])
          if let start = part.baseAddress { (target + range.lowerBound).copyMemory(from: start, byteCount: part.count) }
          bytes.owner.giveBack(part)
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
  /// - Parameter control: what waits for them; where a limit ends their making, the next who asks goes on from there.
  func memory(_ control: RunControl? = nil) throws(PinionError) -> Buffer {
    let (current, allocator, begun) = state.withLock { state in
      defer { state.begunElements = nil }
      return (state.current, state.allocator, state.begunElements)
    }
    if let current { return current }
    guard case .made(let bytes, let make) = source else { throw .internal("the constant is not made") }
    let buffer: Buffer, work = begun?.work ?? PieceWork()
    if let begun { buffer = begun.memory } else { buffer = try allocator.separateBuffer(bytes: bytes) }
    do throws(PinionError) {
      work.resume(control)
      try work.populate(buffer)
      try make(buffer.pointer, work)
      work.finish()
    } catch {
      if error.isOfLimits { state.withLock { $0.begunElements = (buffer, work) } }
      throw error
    }
    return state.withLock { state in
      if let first = state.current { return first }
      state.current = buffer
      return buffer
    }
  }

  /// The elements for as long as the constant lives.
  /// - Parameter control: as for `memory(_:)`.
  func keep(_ control: RunControl? = nil) throws(PinionError) -> UnsafeMutableRawPointer {
    if let kept = state.withLock({ $0.kept }) { return kept.pointer }
    let memory = try memory(control)
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
  ///   - control: what waits for the form; where a limit ends its making, the next who asks goes on from there.
  public func form(
    _ name: String, of tensor: Tensor, bytes: Int, control: RunControl? = nil, _ fill: Fill
  ) throws(PinionError) -> Buffer {
    let key = Key(address: UInt(bitPattern: tensor.start), type: tensor.type, form: name)
    return try form(key, bytes, control, fill) { (_) throws(PinionError) in try tensor.resident(control) }
  }

  /// - Parameter elements: makes what the form is made of.
  private func form(
    _ key: Key, _ bytes: Int, _ control: RunControl?, _ fill: Fill, of elements: (PieceWork) throws(PinionError) -> Tensor
  ) throws(PinionError) -> Buffer {
    let (known, allocator, begun) = state.withLock { ($0.forms[key], $0.allocator, $0.begunForms.removeValue(forKey: key)) }
    if let known { return known }
    var form: Begun
    if let begun { form = begun } else { form = Begun(form: try allocator.separateBuffer(bytes: bytes)) }
    let source: Tensor
    do throws(PinionError) {
      if let elements = form.elements {
        source = elements
      } else {
        form.elementsWork.resume(control)
        source = try elements(form.elementsWork)
        form.elements = source
      }
      form.work.resume(control)
      try form.work.populate(form.form)
      try fill(UnsafeRawPointer(source.start), form.form.pointer, form.work)
    } catch {
      if error.isOfLimits { state.withLock { $0.begunForms[key] = form } }
      throw error
    }
    source.giveBackPages()
    return state.withLock { state in
      if let first = state.forms[key] { return first }
      state.forms[key] = form.form
      state.count(form.form.byteCount)
      return form.form
    }
  }

  /// The type of the elements that the constant was converted from, where each of its own stands for one of them.
  /// - Parameter tensor: the constant as the caller sees it.
  public func narrowElement(of tensor: Tensor) -> ElementType? { narrow?.count == tensor.count ? narrow?.element : nil }

  /// A form made of the elements that the constant was converted from.
  /// - Parameters:
  ///   - tensor: the whole constant.
  ///   - fill: is given elements of the type that `narrowElement(of:)` says.
  public func narrowForm(
    _ name: String, of tensor: Tensor, bytes: Int, control: RunControl? = nil, _ fill: Fill
  ) throws(PinionError) -> Buffer {
    guard let narrow, narrow.count == tensor.count else { throw .internal("the constant is converted from nothing") }
    let key = Key(address: UInt(bitPattern: tensor.start), type: tensor.type, form: name), allocator = state.withLock { $0.allocator }
    return try form(key, bytes, control, fill) { (work) throws(PinionError) in
      switch narrow.memory {
      case .memory(let elements): return elements
      case .made(let bytes, let make):
        let elements = try work.buffer { () throws(PinionError) in try allocator.separateBuffer(bytes: bytes) }
        try make(elements.pointer, work)
        work.finish()
        return Tensor(TensorType(narrow.element, tensor.shape), data: elements.pointer, owner: elements)
      }
    }
  }

  /// A constant that is made of this one, under a type of its own, with forms of its own. Its elements are made when somebody asks.
  public func derived(
    _ name: String, of tensor: Tensor, as type: TensorType,
    _ fill: @escaping @Sendable (_ elements: UnsafeRawPointer, _ target: UnsafeMutableRawPointer, _ range: Range<Int>) -> Void
  ) -> Tensor {
    let count = type.count
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
        made = { (target, work) throws(PinionError) in
          try work.inPieces(of: 1 << 20, count) { fill(UnsafeRawPointer(elements.start), target, $0) }
          elements.giveBackPages()
        }
      case .made(let bytes, let make):
        let allocator = state.allocator
        // Elements that are made are all of the constant's.
        if bytes == tensor.byteCount { narrow = Narrow(element: tensor.element, count: tensor.count, memory: source) }
        made = { (target, work) throws(PinionError) in
          let buffer = try work.buffer { () throws(PinionError) in try allocator.separateBuffer(bytes: bytes) }
          try make(buffer.pointer, work)
          try work.inPieces(of: 1 << 20, count) { fill(UnsafeRawPointer(buffer.pointer), target, $0) }
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
