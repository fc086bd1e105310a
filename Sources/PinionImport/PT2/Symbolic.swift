import PinionBase
import PinionGraph
import PinionTensor

/// Arithmetic of symbolic sizes, and checks, which leave nothing behind.
extension Lowering {
  func lowerSymbolic(_ c: Call) throws(PinionError) -> Bool {
    if Lowering.isCheck(c.key) { return true }
    switch c.key {
    case "sym_size.int", "sym_size":
      let x = try c.tensor("self")
      bind(try number(try extent(x, try axis(try c.int("dim"), x.rank))), c)
    case "sym_stride.int", "sym_stride":
      guard let meta = c.meta("self") else { throw .invalidModel("argument 'self' is not a tensor") }
      let x = try c.tensor("self")
      let axis = try axis(try c.int("dim"), x.rank)
      if axis < meta.strides.count, case .known(let stride) = meta.strides[axis] {
        bind(.int(stride), c)
      } else {
        guard isContiguous(meta) else { throw .unsupported("strides that a run decides") }
        bind(try product(Array(try extents(x).dropFirst(axis + 1))), c)
      }
    case "sym_storage_offset":
      guard case .tensor(let name)? = c.argument("self"), let offset = try offset(of: name) else {
        throw .unsupported("a place in memory that a run decides")
      }
      bind(try number(offset), c)
    case "sym_numel": bind(try number(try sizeOf(try c.tensor("self"))), c)
    case "item", "_local_scalar_dense":
      let x = try reshape(try c.tensor("self"), [] as [Int64])
      let element: ElementType = x.element == .bool ? .bool : x.element.isFloatingPoint ? .float64 : .int64
      bind(.symbol(try cast(x, element)), c)
    default:
      guard let result = try symbolic(c) else { return false }
      bind(result, c)
    }
    return true
  }

  /// Whether a target without `torch.ops.aten.` gives no result that a node reads: it only looks at values, or gives an element type,
  /// which the nodes that depend on it have as a constant.
  static func isCheck(_ key: String) -> Bool {
    switch key {
    case "_assert_tensor_metadata", "_assert_scalar", "_assert_async.msg", "_assert_async", "sym_constrain_range", "sym_constrain_range_for_size",
      "_functional_assert_scalar", "_functional_assert_async.msg", "_linalg_check_errors", "_print",
      "promote_types", "result_type.Tensor", "result_type.Scalar", "result_type.Scalar_Tensor", "result_type.Scalar_Scalar", "can_cast":
      true
    default: false
    }
  }

  /// Where a tensor begins in its memory; nil where that follows from no size at hand.
  private func offset(_ meta: PT2Meta?) throws(PinionError) -> Extent? {
    switch meta?.offset {
    case nil: .known(0)
    case .known(let offset)?: .known(offset)
    case .named?: nil
    case .expression(let text)?: try SymbolExpression(text).flatMap { (expression) throws(PinionError) in try extent(expression) }
    }
  }

  /// The same, where it follows from no size, from the view that the tensor is of another one.
  private func offset(of name: String, depth: Int = 0) throws(PinionError) -> Extent? {
    if let offset = try offset(source.tensors[name]) { return offset }
    let maker = source.nodes.first { node in
      node.outputs.contains { if case .tensor(name) = $0 { true } else { false } }
    }
    guard let maker, depth < LoweringReport.depthLimit else { return nil }
    let view = Call(maker, self)
    guard view.key == "slice.Tensor" || view.key == "select.int", case .tensor(let whole)? = view.argument("self"),
      let strides = source.tensors[whole]?.strides, let start = try offset(of: whole, depth: depth + 1)
    else { return nil }
    let x = try view.tensor("self")
    let axis = try axis(try view.int("dim"), x.rank)
    guard axis < strides.count else { return nil }
    let stride: Extent?
    switch strides[axis] {
    case .known(let number): stride = .known(number)
    case .named: stride = nil
    case .expression(let text): stride = try SymbolExpression(text).flatMap { (expression) throws(PinionError) in try extent(expression) }
    }
    guard let stride else { return nil }
    // Counted from the end where it is negative, and within the tensor.
    let end = try extentTerm(try extent(x, axis)), zero = try scalar(Int64(0), .int64)
    let first = try extentTerm(try view.optionalExtent(view.key == "select.int" ? "index" : "start") ?? .known(0))
    let place = try choose(try less(first, zero), try add(first, end), first)
    let inside = try binary("Min", try binary("Max", place, zero), end)
    return try plus(start, .value(try mul(inside, try extentTerm(stride)).id))
  }

  /// The number that an expression is of the sizes of the graph's inputs; nil where one of its symbols is none of them.
  private func extent(_ expression: SymbolExpression) throws(PinionError) -> Extent? {
    switch expression {
    case .integer(let value): return .known(value)
    case .symbol(let name): return try extent(ofSymbol: name)
    case .sum(let list):
      var sum = Extent.known(0)
      for term in list {
        guard let next = try extent(term) else { return nil }
        sum = try plus(sum, next)
      }
      return sum
    case .product(let list):
      var factors: [Extent] = []
      for factor in list {
        guard let next = try extent(factor) else { return nil }
        factors.append(next)
      }
      switch try product(factors) {
      case .int(let value): return .known(value)
      case .symbol(let term): return .value(term.id)
      default: return nil
      }
    case .function(let word, let list):
      var operands: [Term] = []
      for operand in list {
        guard let next = try extent(operand) else { return nil }
        operands.append(try extentTerm(next))
      }
      guard operands.count == 2 else { return nil }
      switch word {
      case "Max", "Min": return .value(try binary(word, operands[0], operands[1]).id)
      case "FloorDiv", "CleanDiv": return .value(try quotient(operands[0], operands[1], "floor").id)
      case "Mod", "PythonMod": return .value(try binary("Mod", operands[0], operands[1], ["fmod": .int(0)]).id)
      default: return nil
      }
    }
  }

  private func extent(ofSymbol symbol: String) throws(PinionError) -> Extent? {
    for case .tensor(let name) in source.inputs {
      for (axis, size) in (source.tensors[name]?.sizes ?? []).enumerated() {
        guard case .expression(let text) = size, SymbolExpression(text) == .symbol(symbol) else { continue }
        return try extent(try term(name), axis)
      }
    }
    return nil
  }

  private func bind(_ number: Number, _ c: Call) {
    guard case .symbol(let name)? = c.node.outputs.first else { return }
    numbers[name] = number
  }

  private func number(_ extent: Extent) throws(PinionError) -> Number {
    switch extent {
    case .known(let value): .int(value)
    case .value(let id): .symbol(Term(id: id, element: .int64, dims: []))
    }
  }

  private func sizeOf(_ x: Term) throws(PinionError) -> Extent {
    if let known = x.knownDims { return .known(Int64(try known.checkedProduct())) }
    return .value(try emit("Size", [x.id])[0])
  }

  private func product(_ extents: [Extent]) throws(PinionError) -> Number {
    var known: Int64 = 1
    var factor: Term?
    for extent in extents {
      switch extent {
      case .known(let value): known = try known.multiplied(by: value)
      case .value(let id):
        let term = Term(id: id, element: .int64, dims: [])
        factor = try factor.map { (other) throws(PinionError) in try mul(other, term) } ?? term
      }
    }
    guard let factor else { return .int(known) }
    return .symbol(known == 1 ? factor : try mul(factor, try scalar(known, .int64)))
  }

  /// The sum of a list of numbers.
  private func total(_ c: Call) throws(PinionError) -> Number {
    guard let list = c.node.inputs.first?.argument else { throw .invalidModel("a sum of nothing") }
    // No name of an argument begins like this.
    var known: Int64 = 0
    var sum: Term?
    for extent in try c.replacing("\u{0}list", by: list).extents("\u{0}list") {
      switch extent {
      case .known(let value): known = try known.adding(value)
      case .value(let id):
        let term = Term(id: id, element: .int64, dims: [])
        sum = try sum.map { (other) throws(PinionError) in try add(other, term) } ?? term
      }
    }
    guard let sum else { return .int(known) }
    return .symbol(known == 0 ? sum : try add(sum, try scalar(known, .int64)))
  }

  private func operands(_ c: Call) throws(PinionError) -> [Number] {
    var numbers: [Number] = []
    for (name, argument) in c.node.inputs {
      switch argument {
      case .int(let value): numbers.append(.int(value))
      case .float(let value): numbers.append(.float(value))
      case .bool(let value): numbers.append(.bool(value))
      case .symbol(let symbol): numbers.append(try number(named: symbol))
      default: throw .invalidModel("argument '\(name)' is not a number")
      }
    }
    return numbers
  }

  /// Plain numbers stay numbers; what a run decides becomes scalars of the graph.
  private func symbolic(_ c: Call) throws(PinionError) -> Number? {
    guard c.key.hasPrefix("_operator.") || c.key.hasPrefix("torch.sym_") || c.key.hasPrefix("math.") else { return nil }
    let name = String(c.key.drop { $0 != "." }.dropFirst())
    if name == "sym_sum" { return try total(c) }
    let list = try operands(c)
    guard let a = list.first else { throw .invalidModel("the target has no arguments") }
    if list.count == 1 {
      switch (name, a) {
      case ("neg", .int(let value)): return .int(try (0 as Int64).subtracting(value))
      case ("sym_float", .int(let value)): return .float(Double(value))
      case ("sym_float", .float), ("pos", _), ("sym_int", .int): return a
      case ("not_", .bool(let value)), ("sym_not", .bool(let value)): return .bool(!value)
      case ("neg", _): return .symbol(try op("Neg", [try symbol(a)]))
      case ("sym_float", _): return .symbol(try cast(try symbol(a), .float64))
      case ("not_", _), ("sym_not", _): return .symbol(try not(try symbol(a)))
      case ("sym_int", _), ("trunc", _): return .symbol(try cast(try symbol(a), .int64))
      case ("floor", _), ("ceil", _):
        let rounded = try op(name == "floor" ? "Floor" : "Ceil", [try cast(try symbol(a), .float64)])
        return .symbol(try cast(rounded, .int64))
      case ("sqrt", _), ("sym_sqrt", _), ("_sym_sqrt", _): return .symbol(try op("Sqrt", [try cast(try symbol(a), .float64)]))
      default: return nil
      }
    }
    if name == "sym_ite", list.count == 3 { return try chosen(a, list[1], list[2]) }
    guard list.count == 2 else { return nil }
    let b = list[1]
    if case .int(let x) = a, case .int(let y) = b, let known = try folded(name, x, y) { return known }
    let comparisons = ["eq": "eq", "ne": "ne", "lt": "lt", "le": "le", "gt": "gt", "ge": "ge"]
    var (x, y) = (try symbol(a), try symbol(b))
    if name == "and_" || name == "or_" { return .symbol(try binary(name == "and_" ? "And" : "Or", x, y)) }
    if let comparison = comparisons[name] { return .symbol(try compared(comparison, .tensor(x), .tensor(y))) }
    let element: ElementType = name == "truediv" || x.element == .float64 || y.element == .float64 ? .float64 : .int64
    (x, y) = (try cast(x, element), try cast(y, element))
    switch name {
    case "add": return .symbol(try add(x, y))
    case "sub": return .symbol(try sub(x, y))
    case "mul": return .symbol(try mul(x, y))
    case "truediv": return .symbol(try div(x, y))
    case "floordiv":
      if case .int(let divisor) = b { return .symbol(try quotient(x, y, "floor", isPositive: divisor > 0)) }
      return .symbol(try quotient(x, y, "floor"))
    case "mod": return .symbol(try binary("Mod", x, y, ["fmod": .int(0)]))
    case "pow": return .symbol(try binary("Pow", x, y))
    case "sym_max": return .symbol(try binary("Max", x, y))
    case "sym_min": return .symbol(try binary("Min", x, y))
    default: return nil
    }
  }

  private func chosen(_ condition: Number, _ a: Number, _ b: Number) throws(PinionError) -> Number {
    if case .bool(let isTrue) = condition { return isTrue ? a : b }
    let (x, y) = try promoted(.tensor(try symbol(a)), .tensor(try symbol(b)))
    return .symbol(try choose(try cast(try symbol(condition), .bool), x, y))
  }

  private func folded(_ name: String, _ x: Int64, _ y: Int64) throws(PinionError) -> Number? {
    switch name {
    case "add": return .int(try x.adding(y))
    case "sub": return .int(try x.subtracting(y))
    case "mul": return .int(try x.multiplied(by: y))
    case "floordiv", "mod":
      guard y != 0, !(x == .min && y == -1) else { throw .invalidModel("division of \(x) by \(y)") }
      let (quotient, rest) = x.quotientAndRemainder(dividingBy: y)
      let isBelow = rest != 0 && (rest < 0) != (y < 0)
      return .int(name == "mod" ? (isBelow ? rest + y : rest) : (isBelow ? quotient - 1 : quotient))
    case "sym_max": return .int(max(x, y))
    case "sym_min": return .int(min(x, y))
    case "eq": return .bool(x == y)
    case "ne": return .bool(x != y)
    case "lt": return .bool(x < y)
    case "le": return .bool(x <= y)
    case "gt": return .bool(x > y)
    case "ge": return .bool(x >= y)
    default: return nil
    }
  }

  func symbol(_ number: Number) throws(PinionError) -> Term {
    switch number {
    case .int(let value): try scalar(value, .int64)
    case .float(let value): try scalar(value, .float64)
    case .bool(let value): try scalar(Int64(value ? 1 : 0), .bool)
    case .symbol(let term): term
    }
  }
}
