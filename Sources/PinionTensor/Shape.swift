import PinionBase

/// The extents of a tensor, outermost first.
///
/// The extents are not negative and the product of the positive ones is below 2^46, so that byte counts and offsets
/// within the tensor can be computed without further checks.
public struct Shape: Sendable, Hashable {
  public let dims: [Int]
  /// The number of elements: the product of the extents, 1 for a scalar.
  public let count: Int

  static let limit = 1 << 46
  /// The most axes of a tensor, and so the most numbers that an input which decides extents can have.
  public static let rankLimit = 4096

  /// - Throws: `.invalidShape` if an extent is negative or the product is beyond what memory can hold.
  public init(_ dims: [Int]) throws(PinionError) {
    guard dims.count <= Shape.rankLimit else { throw .invalidShape("rank \(dims.count), more than \(Shape.rankLimit)") }
    var product = 1
    var isEmpty = false
    for extent in dims {
      guard extent >= 0 else { throw .invalidShape("negative extent in shape \(Shape.text(dims))") }
      if extent == 0 { isEmpty = true }
      let (value, overflow) = product.multipliedReportingOverflow(by: max(extent, 1))
      guard !overflow, value < Shape.limit else { throw .invalidShape("shape \(Shape.text(dims)) has too many elements") }
      product = value
    }
    self.dims = dims
    count = isEmpty ? 0 : product
  }

  private init(trusted dims: [Int], count: Int) {
    self.dims = dims
    self.count = count
  }

  public static let scalar = Shape(trusted: [], count: 1)

  /// A vector of `count` elements, which is the size of something that exists in memory.
  public static func vector(_ count: Int) -> Shape { Shape(trusted: [max(count, 0)], count: max(count, 0)) }

  public var rank: Int { dims.count }

  @inlinable public subscript(axis: Int) -> Int { dims[axis] }

  /// `axis` counted from the front, where ONNX allows -rank ... rank-1.
  public func normalized(axis: Int64, limit: Int? = nil) throws(PinionError) -> Int {
    let rank = Int64(limit ?? self.rank)
    guard axis >= -rank, axis < rank else {
      throw .invalidShape("axis \(axis) is out of range for rank \(rank), shape \(self)")
    }
    return Int(axis < 0 ? axis + rank : axis)
  }

  /// The extent of an axis whose slices are visited or listed one by one. There are no more of them than elements, except in a tensor
  /// without any, which may name an extent that no run could get through.
  public func slices(along axis: Int) throws(PinionError) -> Int {
    guard count > 0 || dims[axis] <= 1 << 20 else {
      throw .invalidShape("shape \(self) has no elements, but \(dims[axis]) slices along axis \(axis), more than can be listed")
    }
    return dims[axis]
  }

  /// The product of the extents in `range`.
  public func count(_ range: Range<Int>) -> Int {
    var product = 1
    for axis in range { product &*= dims[axis] }
    return product
  }

  /// Elements between neighbours along each axis of a contiguous tensor.
  public var strides: [Int] {
    var strides = [Int](repeating: 1, count: rank)
    var stride = 1
    for axis in dims.indices.reversed() {
      strides[axis] = stride
      stride &*= max(dims[axis], 1)
    }
    return strides
  }

  public func removing(axis: Int) -> Shape {
    var dims = dims
    let extent = dims.remove(at: axis)
    return Shape(trusted: dims, count: extent == 0 ? dims.reduce(1, &*) : count / extent)
  }

  /// NumPy's multidirectional broadcasting.
  public static func broadcast(_ shapes: [Shape]) throws(PinionError) -> Shape {
    guard var dims = shapes.max(by: { $0.rank < $1.rank })?.dims else { return .scalar }
    for shape in shapes {
      let lead = dims.count - shape.rank
      for (axis, extent) in shape.dims.enumerated() where extent != dims[lead + axis] {
        if dims[lead + axis] == 1 {
          dims[lead + axis] = extent
        } else if extent != 1 {
          let shown = shapes.prefix(textLimit).map(\.description).joined(separator: " and ")
          throw .invalidShape("shapes \(shown)\(shapes.count > textLimit ? " and more" : "") cannot be broadcast together")
        }
      }
    }
    return try Shape(dims)
  }
}

extension Shape: CustomStringConvertible {
  public var description: String { Shape.text(dims) }

  /// Numbers that stand for extents or axes as an error names them: the first of many.
  public static func text(_ numbers: some Collection<some BinaryInteger>) -> String {
    let shown = numbers.prefix(textLimit).map { "\($0)" }.joined(separator: ",")
    return numbers.count > textLimit ? "[\(shown),… \(numbers.count) in all]" : "[\(shown)]"
  }

  private static let textLimit = 64
}
