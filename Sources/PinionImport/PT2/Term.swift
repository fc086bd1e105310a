import PinionGraph
import PinionTensor

/// A value of the graph in the making, with what the importer has to know of it.
///
/// Complex numbers are pairs along one more axis at the end, which `dims` leaves out.
struct Term {
  /// The largest extent that counts as known. Products of two and sums of many are numbers of 64 bits.
  static let extentLimit = 1 << 31

  var id: ValueID
  var element: ElementType
  /// Extents; nil for those that a run decides, and for what a program computes that is none or goes beyond the limit: what needs a
  /// known extent refuses it, and the operators check what a run makes of it.
  var dims: [Int?] { didSet { settle() } }
  var isComplex: Bool

  init(id: ValueID, element: ElementType, dims: [Int?], isComplex: Bool = false) {
    self.id = id
    self.element = element
    self.dims = dims
    self.isComplex = isComplex
    settle()
  }

  private mutating func settle() {
    func isNone(_ extent: Int?) -> Bool { extent.map { !(0...Term.extentLimit).contains($0) } ?? false }
    guard dims.contains(where: isNone) else { return }
    dims = dims.map { isNone($0) ? nil : $0 }
  }

  var rank: Int { dims.count }
  /// How many axes the value in the graph has.
  var storedRank: Int { dims.count + (isComplex ? 1 : 0) }
  var knownDims: [Int]? {
    var known: [Int] = []
    for dim in dims {
      guard let dim else { return nil }
      known.append(dim)
    }
    return known
  }
}

/// A size: a number or a scalar int64 value of the graph.
enum Extent {
  case known(Int64)
  case value(ValueID)

  var known: Int64? { if case .known(let number) = self { number } else { nil } }
}

/// A number that an argument gives.
enum Number {
  case int(Int64)
  case float(Double)
  case bool(Bool)
  /// A scalar of the graph: int64, float64 or bool.
  case symbol(Term)
}

/// What an elementwise operator takes.
enum Operand {
  case tensor(Term)
  case number(Number)

  var isComplex: Bool { if case .tensor(let term) = self { term.isComplex } else { false } }
}

/// Extents of dimensions that a tensor does not have are unknown: a program may give a target a tensor of any rank, and what needs a
/// known extent refuses an unknown one.
extension Array where Element == Int? {
  subscript(axis: Int) -> Int? {
    get { axis >= 0 && axis < count ? withUnsafeBufferPointer { $0[axis] } : nil }
    set {
      guard axis >= 0, axis < count else { return }
      withUnsafeMutableBufferPointer { $0[axis] = newValue }
    }
  }
}
