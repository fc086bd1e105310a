import PinionTensor

extension GraphMaker {
  /// A number beside `element`, of a rank that may add axes to what it is combined with.
  func number(_ value: Double, _ element: ElementType) -> Operand? {
    let dims = random.pick([[], [], [], [1], [1, 1, 1], [1, 1, 1, 1]])
    guard let shape = try? Shape(dims), let tensor = try? Tensor(TensorType(element, shape)) else { return nil }
    switch element {
    case .float64: tensor.store(0, value)
    case .float16: tensor.store(0, Float16(Float(value)))
    default: tensor.store(0, Float(value))
    }
    return add(tensor, source: random.pick([.initializer, .initializer, .constant, .overridable]))
  }

  /// A node with two operands; those of Add and Mul in either order.
  func pair(_ op: String, _ a: Operand?, _ b: Operand?) -> Operand? {
    guard let a, let b else { return nil }
    return node(op, (op == "Add" || op == "Mul") && random.chance(0.5) ? [b, a] : [a, b])?.first
  }
}

extension Recipe {
  /// Operators as exporters write them with others, which passes recognise, and what is nearly one of them.
  static let writtenOut: [Recipe] = [
    Recipe("Mul", "Add", "Div", "Sigmoid", "Erf", "Tanh", "Clip", "Pow", "Softplus", from: 13, weight: 5) { g in
      guard let x = g.tensor([.float32, .float32, .float64, .float16], ranks: 0...3, .plain), let element = x.element else { return }
      /// The constant of the formula, or sometimes another one.
      func number(_ value: Double) -> Operand? { g.number(g.random.chance(0.1) ? value + 0.25 : value, element) }
      switch g.random.below(5) {
      case 0:  // x * sigmoid(a * x)
        guard let s = g.node("Sigmoid", [g.random.chance(0.3) ? x : g.pair("Mul", x, number(1.5))])?.first else { return }
        _ = g.pair("Mul", x, s)
      case 1:  // x * clip(x + 3, 0, 6) / 6
        guard let t = g.pair("Add", x, number(3)), let zero = g.scalar(0, element), let six = g.scalar(6, element),
          let k = g.node("Clip", [t, zero, six])?.first
        else { return }
        if g.random.chance(0.5) { _ = g.pair("Div", g.pair("Mul", x, k), number(6)) } else { _ = g.pair("Mul", x, g.pair("Div", k, number(6))) }
      case 2:  // x / 2 * (1 + erf(x / sqrt(2)))
        guard let d = g.pair("Div", x, number(2.0.squareRoot())), let e = g.node("Erf", [d])?.first, let p = g.pair("Add", e, number(1)) else { return }
        if g.random.chance(0.5) { _ = g.pair("Mul", g.pair("Mul", x, p), number(0.5)) } else { _ = g.pair("Mul", g.pair("Mul", x, number(0.5)), p) }
      case 3:  // x / 2 * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 * x^3)))
        guard let inner = g.pair("Add", x, g.pair("Mul", g.pair("Pow", x, number(3)), number(0.044715))),
          let b = g.pair("Mul", inner, number((2 / Double.pi).squareRoot())), let t = g.node("Tanh", [b])?.first, let u = g.pair("Add", t, number(1))
        else { return }
        _ = g.pair("Mul", g.pair("Mul", x, number(0.5)), u)
      default:  // x * tanh(softplus(x))
        guard let s = g.node("Softplus", [x])?.first, let t = g.node("Tanh", [s])?.first else { return }
        _ = g.pair("Mul", x, t)
      }
    },
    // Integers clipped and divided, and bounds in the wrong order.
    Recipe("Add", "Clip", "Mul", "Div", from: 13, weight: 6) { g in
      guard let x = g.tensor([.int64, .int32, .float32], ranks: 0...2, .plain), let element = x.element else { return }
      let high = g.random.pick([6, 6, -5])
      func number(_ value: Int) -> Operand? {
        guard element != .float32 else { return g.scalar(Float(value), element) }
        return (try? Tensor.ints([value], element, shape: [])).map { g.add($0, source: .initializer) }
      }
      guard let t = g.pair("Add", x, number(3)), let low = number(0), let bound = number(high), let k = g.node("Clip", [t, low, bound])?.first
      else { return }
      _ = g.pair("Div", g.random.chance(0.5) ? g.pair("Mul", x, k) : k, number(high))
    },
    // A shape that is right for the first run's extents only, and another one behind it.
    Recipe("Reshape", "Squeeze", "Unsqueeze", "Flatten", from: 13, weight: 8) { g in
      // An extent of 5 is open where inputs have it.
      let given = g.random.chance(0.5) ? g.new(.float32, [5, g.random.int(1...4)], .plain, source: .input) : nil
      guard let x = given ?? g.tensor([.float32, .int64], ranks: 1...3, .plain), x.count > 0 else { return }
      let first: Operand?
      switch g.random.below(4) {
      case 0: first = g.node("Reshape", [x, g.ints(g.random.chance(0.5) ? [x.count] : [1] + x.dims)])?.first
      case 1:
        guard let axis = x.dims.firstIndex(of: 1) else { return }
        first = g.node("Squeeze", [x, g.ints([axis])])?.first
      case 2: first = g.node("Flatten", [x], [("axis", .int(g.random.int(0...x.rank)))])?.first
      default: first = g.node("Unsqueeze", [x, g.ints([g.random.below(x.rank + 1)])])?.first
      }
      guard let first, let last = x.dims.last else { return }
      if g.random.chance(0.7) {
        g.node("Reshape", [first, g.ints([-1, last])])
      } else if first.dims.contains(1) {
        g.node("Unsqueeze", [first, g.ints([0])])
      }
    },
    // Attention with a mask, of which whole rows may be hidden.
    Recipe("Transpose", "MatMul", "Mul", "Add", "Softmax", from: 13, weight: 3) { g in
      let (batch, heads, rows, columns, depth) = (g.random.int(1...2), g.random.int(1...2), g.random.int(1...4), g.random.int(1...5), g.random.pick([2, 4]))
      guard let q = g.new(.float32, [batch, heads, rows, depth], .plain), let k = g.new(.float32, [batch, heads, columns, depth], .plain),
        let v = g.new(.float32, [batch, heads, columns, depth], .plain), let turned = g.node("Transpose", [k], [("perm", .ints([0, 1, 3, 2]))])?.first,
        let products = g.node("MatMul", [q, turned])?.first, let scaled = g.pair("Mul", products, g.number(0.5, .float32)),
        let shape = try? Shape([rows, columns]), let mask = try? Tensor(TensorType(.float32, shape))
      else { return }
      for row in 0..<rows {
        let hidden = g.random.chance(0.3)
        for column in 0..<columns { mask.store(row * columns + column, hidden || g.random.chance(0.3) ? -Float.infinity : 0) }
      }
      guard let sum = g.pair("Add", scaled, g.add(mask)), sum.rank == 4, let weights = g.node("Softmax", [sum], [("axis", .int(-1))])?.first else { return }
      g.node("MatMul", [weights, v])
    },
  ]
}

extension GraphMaker {
  fileprivate func scalar(_ value: Float, _ element: ElementType) -> Operand? {
    guard let tensor = try? Tensor(TensorType(element, .scalar)) else { return nil }
    switch element {
    case .float64: tensor.store(0, Double(value))
    case .float16: tensor.store(0, Float16(value))
    default: tensor.store(0, value)
    }
    return add(tensor, source: .initializer)
  }
}
