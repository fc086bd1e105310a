import PinionTensor

/// What is known of a value in every run that succeeds.
public struct Fact: Sendable {
  public var element: ElementType?
  /// The extents, nil for those that are not known, symbols among them; nil where not even the rank is.
  public var dims: [Int?]?
  /// The elements of a small tensor of rank 0 or 1 of integers or truth values, nil for those that are not known. Symbols among them
  /// stand for extents.
  public var values: [Int64?]?

  /// More elements than shapes have are of no interest.
  public static let valueLimit = 64

  public init(element: ElementType? = nil, dims: [Int?]? = nil, values: [Int64?]? = nil) {
    self.element = element
    self.dims = dims
    self.values = values
  }

  public init(_ element: ElementType?, _ dims: [Int?]?) { self.init(element: element, dims: dims) }
  public init(_ type: TensorType) { self.init(element: type.element, dims: type.extents) }

  /// What a declaration that is checked before a run says.
  public init(declared type: ValueType?, _ symbols: Symbols) {
    self.init()
    guard case .tensor(let element, let dims)? = type else { return }
    self.element = element
    self.dims = dims?.map { symbols.extent($0) }
  }

  public init(constant: Tensor) {
    self.init(constant.type)
    learnValues(constant)
  }

  /// - Parameter other: a fact whose extents are shared where they are the constant's.
  public init(constant: Tensor, like other: Fact) {
    element = constant.element
    dims = other.hasExtents(constant.shape.dims) ? other.dims : constant.shape.dims.map(Optional.some)
    learnValues(constant)
  }

  private func hasExtents(_ extents: [Int]) -> Bool {
    guard let dims, dims.count == extents.count else { return false }
    for axis in extents.indices where dims[axis] != extents[axis] { return false }
    return true
  }

  private mutating func learnValues(_ constant: Tensor) {
    guard constant.shape.rank <= 1, constant.count <= Fact.valueLimit else { return }
    switch constant.element {
    case .bool: values = (try? constant.elements(as: Bool.self))?.map { $0 ? 1 : 0 }
    case .int64, .int32: values = (try? constant.integers())?.map { Symbols.isSymbol($0) ? nil : $0 }
    default: break
    }
  }

  public var rank: Int? { dims?.count }

  /// The type, where all of it is known.
  public var type: TensorType? {
    guard let element, let dims, dims.allSatisfy({ $0 ?? -1 >= 0 }), let shape = try? Shape(dims.map { $0 ?? 0 }) else { return nil }
    return TensorType(element, shape)
  }

  /// The extent of an axis counted from the front or, negative, from the back, where it is a number.
  public func known(_ axis: Int) -> Int? { extent(axis).flatMap { $0 >= 0 ? $0 : nil } }

  /// The same, or the symbol for it.
  public func extent(_ axis: Int) -> Int? {
    guard let dims else { return nil }
    let axis = axis < 0 ? axis &+ dims.count : axis
    return dims.indices.contains(axis) ? dims[axis] : nil
  }

  /// An axis of a value of this rank counted from the front; nil where the rank is not known or there is no such axis.
  public func position(_ axis: Int64) -> Int? { rank.flatMap { Fact.position(axis, rank: $0) } }

  public static func position(_ axis: Int64, rank: Int) -> Int? {
    guard axis >= -Int64(rank), axis < Int64(rank) else { return nil }
    return Int(axis < 0 ? axis &+ Int64(rank) : axis)
  }

  /// The extents with another one at an axis.
  public func dims(with extent: Int?, at axis: Int?) -> [Int?]? {
    guard var dims, let axis, dims.indices.contains(axis) else { return dims.map { $0.map { _ in nil } } }
    dims[axis] = extent
    return dims
  }

  /// The extents of a value of this rank of which nothing more is known.
  public var openDims: [Int?]? { dims.map { $0.map { _ in nil } } }

  /// How many elements there are.
  public func count(_ symbols: Symbols) -> Int? { dims.flatMap { symbols.product(of: $0) } }

  /// The values as a tensor, where all are known.
  public var tensor: Tensor? {
    guard let values, let type, type.element == .int64, type.count == values.count else { return nil }
    let known = values.compactMap { $0 }
    guard known.count == values.count, !known.contains(where: { Symbols.isSymbol($0) }) else { return nil }
    return try? Tensor(known, type.shape)
  }

  /// The only element, where it is a number.
  public var single: Int64? {
    guard let value = singleExtent, !Symbols.isSymbol(value) else { return nil }
    return Int64(value)
  }

  /// The same, or the symbol for it.
  public var singleExtent: Int? {
    guard let values, values.count == 1, let value = values[0] else { return nil }
    return Int(value)
  }

  /// The elements as extents of a shape, those that are none left out of account.
  public var extents: [Int?]? { values?.map { $0.flatMap { Symbols.isExtent(Int($0)) ? Int($0) : nil } } }

  /// Whether the elements of such a tensor are of interest.
  public static func hasValues(_ element: ElementType?, _ dims: [Int?]) -> Bool {
    (element == .int64 || element == .bool) && (dims.isEmpty || (dims.count == 1 && (0...Fact.valueLimit).contains(dims[0] ?? 0)))
  }

  /// The fact with values only where there may be some, in the number that the extents say.
  public var consistent: Fact {
    var fact = self
    fact.settle()
    return fact
  }

  /// Leaves values only where there may be some, in the number that the extents say.
  public mutating func settle() {
    guard let extents = dims, Fact.hasValues(element, extents) else {
      values = nil
      return
    }
    let count = extents.isEmpty ? 1 : extents[0]
    if let known = values?.count, count.map({ $0 == known }) ?? (known <= Fact.valueLimit) {
      if !extents.isEmpty, extents[0] != known { dims = [known] }
    } else {
      values = element == .int64 ? count.map { [Int64?](repeating: nil, count: $0) } : nil
    }
  }

  /// The extents of the result of NumPy's broadcasting; nil where a rank is not known.
  public static func broadcast(_ shapes: [[Int?]?], _ symbols: Symbols) -> [Int?]? {
    var result: [Int?]? = []
    for shape in shapes { result = broadcast(result, shape, symbols) }
    return result
  }

  /// The same of two, which shares memory with one of them where it is like it.
  public static func broadcast(_ a: [Int?]?, _ b: [Int?]?, _ symbols: Symbols) -> [Int?]? {
    guard let a, let b else { return nil }
    let isLonger = a.count >= b.count
    var result = isLonger ? a : b
    let other = isLonger ? b : a
    let lead = result.count - other.count
    for axis in other.indices {
      let extent = isLonger ? broadcast(result[lead + axis], other[axis], symbols) : broadcast(other[axis], result[lead + axis], symbols)
      if result[lead + axis] != extent { result[lead + axis] = extent }
    }
    return result
  }

  private static func broadcast(_ a: Int?, _ b: Int?, _ symbols: Symbols) -> Int? {
    switch (a, b) {
    case (1?, _): return b
    case (_, 1?): return a
    case (let a?, let b?) where a == b || (a >= 0 && b >= 0): return a
    // What is not known is 1 or the known extent, which is not 1.
    case (_, let known?) where known >= 0: return known
    case (let known?, _) where known >= 0: return known
    case (let a?, let b?) where symbols.isMinimum(b, of: a): return a
    case (let a?, let b?) where symbols.isMinimum(a, of: b): return b
    default: return nil
    }
  }
}
