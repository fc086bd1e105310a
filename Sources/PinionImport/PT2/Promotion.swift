import PinionBase
import PinionGraph
import PinionTensor

/// PyTorch's type promotion: tensors of one or more dimensions outweigh those of none, these outweigh numbers, and what weighs less
/// decides only where it is of a higher kind (truth values, integers, real numbers).
enum Promotion {
  private static func category(_ element: ElementType) -> Int { element == .bool ? 0 : element.isInteger ? 1 : 2 }

  static func join(_ a: ElementType, _ b: ElementType) -> ElementType {
    if a == b { return a }
    let x = category(a), y = category(b)
    guard x == y else { return x > y ? a : b }
    if x == 2 {
      let width = max(a.byteWidth, b.byteWidth)
      if a.byteWidth == b.byteWidth { return width >= 8 ? .float64 : .float32 }
      return a.byteWidth == width ? a : b
    }
    if a.isSignedInteger == b.isSignedInteger { return a.byteWidth >= b.byteWidth ? a : b }
    let (signed, unsigned) = a.isSignedInteger ? (a, b) : (b, a)
    if signed.byteWidth > unsigned.byteWidth { return signed }
    switch unsigned.byteWidth {
    case 1: return .int16
    case 2: return .int32
    default: return .int64
    }
  }

  static func result(of operands: [Operand]) -> ElementType {
    var groups: [ElementType?] = [nil, nil, nil]
    for operand in operands {
      switch operand {
      case .tensor(let term):
        let group = term.rank > 0 ? 0 : 1
        groups[group] = groups[group].map { join($0, term.element) } ?? term.element
      case .number(let number):
        let element = element(of: number)
        groups[2] = groups[2].map { join($0, element) } ?? element
      }
    }
    var result: ElementType?
    for (index, group) in groups.enumerated() {
      guard let group else { continue }
      guard let known = result else {
        result = index == 2 && category(group) == 2 ? .float32 : group
        continue
      }
      if category(group) > category(known) { result = index == 2 ? (category(group) == 2 ? .float32 : .int64) : group }
    }
    return result ?? .float32
  }

  static func element(of number: Number) -> ElementType {
    switch number {
    case .int: .int64
    case .float: .float64
    case .bool: .bool
    case .symbol(let term): term.element
    }
  }
}

extension Lowering {
  func term(_ operand: Operand, _ element: ElementType) throws(PinionError) -> Term {
    switch operand {
    case .tensor(let term): try cast(term, element)
    case .number(let number): try scalar(number, element)
    }
  }

  /// Both operands in the element type that PyTorch computes with.
  func promoted(_ a: Operand, _ b: Operand) throws(PinionError) -> (Term, Term) {
    let element = Promotion.result(of: [a, b])
    return (try term(a, element), try term(b, element))
  }
}
