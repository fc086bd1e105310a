import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// The number as an attribute of a node that computes in `element`; nil where attributes, which are of single precision, cannot tell it.
func attribute(_ number: Double, _ element: ElementType?) -> AttributeValue? {
  element == .float64 && Double(Float(number)) != number ? nil : .float(Float(number))
}

/// What rules look for in common.
extension GraphEditor {
  /// The number and the other operand of a node with a constant of one element that does not add axes to its result.
  mutating func numberAndOther(_ index: Int) -> (number: Double, slot: Int, other: ValueID)? {
    guard let (constant, slot, other) = constantAndOther(index), let number = constant.scalar,
      addsNoAxes(constant, to: fact(other, at: index).rank)
    else { return nil }
    return (number, slot, other)
  }

  /// The number of a constant of one element that does not add axes to what it is combined with.
  mutating func number(_ value: ValueID?, beside other: ValueID?, at index: Int) -> Double? {
    guard let constant = constant(value), let number = constant.scalar, addsNoAxes(constant, to: fact(other, at: index).rank) else { return nil }
    return number
  }

  /// - Parameter rank: of the other operand; nil where it is not known.
  private func addsNoAxes(_ constant: Tensor, to rank: Int?) -> Bool { constant.shape.rank == 0 || constant.shape.rank <= rank ?? 0 }

  /// The element type of what the node makes, from what is known of its inputs.
  mutating func element(_ index: Int) -> ElementType? {
    for input in graph.nodes[index].inputs.prefix(graph.nodes[index].formalInputCount) {
      if let element = fact(input, at: index).element { return element }
    }
    return nil
  }

  /// Whether the node computes in a type that kernels with an activation know.
  mutating func isFusible(_ index: Int) -> Bool {
    switch element(index) {
    case .float32?, .float16?, .bfloat16?: true
    default: false
    }
  }

  /// The value as `offset + scale * base`, with every constant addend and factor taken out of it.
  mutating func affine(_ value: ValueID, at index: Int) -> (offset: Double, scale: Double, base: ValueID) {
    var offset = 0.0, scale = 1.0, base = value
    for _ in 0..<4 {
      guard let node = producer(base, Add.self, Sub.self, Mul.self, Div.self), let (number, slot, other) = numberAndOther(node) else { break }
      switch kind(node) {
      case Add.self: offset += scale * number
      case Sub.self where slot == 1: offset -= scale * number
      case Sub.self:
        offset += scale * number
        scale = -scale
      case Mul.self: scale *= number
      case Div.self where slot == 1 && number != 0: scale /= number
      default: return (offset, scale, base)
      }
      base = other
    }
    return (offset, scale, base)
  }

  /// The coefficients of the value as a polynomial in `x`, of degree 3 at most; nil as well where a constant gives the value more axes
  /// than `x` has.
  mutating func polynomial(_ value: ValueID?, in x: ValueID, at index: Int) -> [Double]? {
    polynomial(value, in: x, rank: fact(x, at: index).rank, depth: 6)
  }

  private func polynomial(_ value: ValueID?, in x: ValueID, rank: Int?, depth: Int) -> [Double]? {
    guard let value else { return nil }
    if value == x { return [0, 1, 0, 0] }
    if let constant = constant(value) { return addsNoAxes(constant, to: rank) ? constant.scalar.map { [$0, 0, 0, 0] } : nil }
    guard depth > 0, let node = producer(value) else { return nil }
    func operand(_ slot: Int) -> [Double]? { polynomial(input(node, slot), in: x, rank: rank, depth: depth - 1) }
    func product(_ a: [Double], _ b: [Double]) -> [Double]? {
      var result = [Double](repeating: 0, count: 4)
      for (i, p) in a.enumerated() where p != 0 {
        for (j, q) in b.enumerated() where q != 0 {
          guard i + j < 4 else { return nil }
          result[i + j] += p * q
        }
      }
      return result
    }
    switch kind(node) {
    case Neg.self: return operand(0)?.map { -$0 }
    case Add.self, Sub.self, Mul.self, Div.self, Pow.self:
      guard let a = operand(0), let b = operand(1) else { return nil }
      switch kind(node) {
      case Add.self: return zip(a, b).map { $0 + $1 }
      case Sub.self: return zip(a, b).map { $0 - $1 }
      case Mul.self: return product(a, b)
      default:
        guard b[1...].allSatisfy({ $0 == 0 }) else { return nil }
        if kind(node) == Div.self { return b[0] == 0 ? nil : a.map { $0 / b[0] } }
        if b[0] == 2 { return product(a, a) }
        return b[0] == 3 ? product(a, a).flatMap { product($0, a) } : nil
      }
    default: return nil
    }
  }

  /// What a product of Mul and Div nodes multiplies: a number, and the factors that are no constants. Looks through nodes that only
  /// this product reads.
  mutating func factors(_ index: Int) -> (number: Double, values: [ValueID]) {
    var number = 1.0
    var values: [ValueID] = []
    func open(_ node: Int, _ editor: inout GraphEditor, depth: Int) -> Bool {
      let isDivision = editor.kind(node) == Div.self
      if let (constant, slot, other) = editor.numberAndOther(node) {
        guard !isDivision || (slot == 1 && constant != 0) else { return false }
        number = isDivision ? number / constant : number * constant
        descend(other, &editor, depth: depth)
        return true
      }
      guard !isDivision, let a = editor.input(node, 0), let b = editor.input(node, 1) else { return false }
      descend(a, &editor, depth: depth)
      descend(b, &editor, depth: depth)
      return true
    }
    func descend(_ value: ValueID, _ editor: inout GraphEditor, depth: Int) {
      if depth > 0, let node = editor.soleProducer(value, Mul.self, Div.self), open(node, &editor, depth: depth - 1) { return }
      values.append(value)
    }
    return open(index, &self, depth: 3) ? (number, values) : (1, [])
  }

  /// The bounds of a Clip, where they are constants.
  func bounds(_ index: Int) -> (low: Double, high: Double)? {
    let op = op(index, Clip.self)
    func bound(_ slot: Int, _ attribute: Float?, _ open: Double) -> Double? {
      if let attribute { return Double(attribute) }
      guard let value = input(index, slot) else { return open }
      return constant(value)?.scalar
    }
    guard let low = bound(1, op?.low, -.infinity), let high = bound(2, op?.high, .infinity) else { return nil }
    return (low, high)
  }
}

/// Whether two numbers agree as well as exporters write them.
func isNear(_ a: Double, _ b: Double, tolerance: Double = 1e-5) -> Bool { abs(a - b) <= tolerance * abs(b) }
