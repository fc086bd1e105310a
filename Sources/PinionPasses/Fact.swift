import PinionGraph
import PinionTensor

/// What is known of a value in every run that succeeds.
struct Fact: Sendable {
  var element: ElementType?
  /// The extents, nil for those that are not known, symbols among them; nil where not even the rank is.
  var dims: [Int?]?
  /// The elements of a small integer tensor of rank 0 or 1, nil for those that are not known.
  var values: [Int64?]?

  /// More elements than shapes have are of no interest.
  static let valueLimit = 64

  init(element: ElementType? = nil, dims: [Int?]? = nil, values: [Int64?]? = nil) {
    self.element = element
    self.dims = dims
    self.values = values
  }

  init(_ type: TensorType) { self.init(element: type.element, dims: type.dims) }

  /// What a declaration that is checked before a run says.
  init(declared type: ValueType?, _ symbols: Symbols) {
    self.init()
    guard case .tensor(let element, let dims)? = type else { return }
    self.element = element
    self.dims = dims?.map(symbols.extent)
  }

  init(constant: Tensor) {
    self.init(constant.type)
    if constant.shape.rank <= 1, constant.count <= Fact.valueLimit {
      values = (try? constant.integers())?.map { Symbols.isSymbol($0) ? nil : $0 }
    }
  }

  var rank: Int? { dims?.count }

  /// The type, where all of it is known.
  var type: TensorType? {
    guard let element, let dims else { return nil }
    let extents = dims.compactMap { $0 }
    guard extents.count == dims.count, extents.allSatisfy({ $0 >= 0 }), let shape = try? Shape(extents) else { return nil }
    return TensorType(element, shape)
  }

  /// The extent of an axis counted from the front or, negative, from the back, where it is a number.
  func known(_ axis: Int) -> Int? { extent(axis).flatMap { $0 >= 0 ? $0 : nil } }

  /// The same, or the symbol for it.
  func extent(_ axis: Int) -> Int? {
    guard let dims else { return nil }
    let axis = axis < 0 ? axis &+ dims.count : axis
    return dims.indices.contains(axis) ? dims[axis] : nil
  }

  /// The values as a tensor, where all are known.
  var tensor: Tensor? {
    guard let values, let type, type.element == .int64, type.count == values.count else { return nil }
    let known = values.compactMap { $0 }
    guard known.count == values.count, !known.contains(where: { Symbols.isSymbol($0) }) else { return nil }
    return try? Tensor(known, type.shape)
  }

  /// The extents of the result of NumPy's broadcasting; nil where a rank is not known.
  static func broadcast(_ shapes: [[Int?]?]) -> [Int?]? {
    var result: [Int?] = []
    for shape in shapes {
      guard let shape else { return nil }
      while result.count < shape.count { result.insert(1, at: 0) }
      let lead = result.count - shape.count
      for (axis, extent) in shape.enumerated() {
        switch (result[lead + axis], extent) {
        case (1?, _): result[lead + axis] = extent
        case (_, 1?): break
        case (let a?, let b?) where a == b || (a >= 0 && b >= 0): break
        // What is not known is 1 or the known extent, which is not 1.
        case (_, let known?) where known >= 0: result[lead + axis] = known
        case (let known?, _) where known >= 0: break
        default: result[lead + axis] = nil
        }
      }
    }
    return result
  }
}
