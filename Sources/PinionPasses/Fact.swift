import PinionGraph
import PinionTensor

/// What is known of a value in every run that succeeds.
struct Fact: Sendable {
  var element: ElementType?
  /// The extents, nil for those that are not known; nil where not even the rank is.
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
  init(declared type: ValueType?) {
    self.init()
    guard case .tensor(let element, let dims)? = type else { return }
    self.element = element
    self.dims = dims?.map {
      guard case .known(let extent) = $0, extent >= 0 else { return nil }
      return extent
    }
  }

  init(constant: Tensor) {
    self.init(constant.type)
    if constant.shape.rank <= 1, constant.count <= Fact.valueLimit { values = try? constant.integers() }
  }

  var rank: Int? { dims?.count }

  /// The type, where all of it is known.
  var type: TensorType? {
    guard let element, let dims else { return nil }
    let extents = dims.compactMap { $0 }
    guard extents.count == dims.count, let shape = try? Shape(extents) else { return nil }
    return TensorType(element, shape)
  }

  /// The extent of an axis counted from the front or, negative, from the back.
  func extent(_ axis: Int) -> Int? {
    guard let dims else { return nil }
    let axis = axis < 0 ? axis &+ dims.count : axis
    return dims.indices.contains(axis) ? dims[axis] : nil
  }

  /// The values as a tensor, where all are known.
  var tensor: Tensor? {
    guard let values, let type, type.element == .int64, type.count == values.count else { return nil }
    let known = values.compactMap { $0 }
    guard known.count == values.count else { return nil }
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
        // An unknown extent is 1 or the known one, which is not 1.
        case (nil, let known?): result[lead + axis] = known
        default: break
        }
      }
    }
    return result
  }
}
