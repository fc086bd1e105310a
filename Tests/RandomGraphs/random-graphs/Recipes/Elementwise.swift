import PinionTensor

extension Recipe {
  private static let real: [(String, Int)] = [
    ("Acos", 7), ("Acosh", 9), ("Asin", 7), ("Asinh", 9), ("Atan", 7), ("Atanh", 9), ("Ceil", 6), ("Celu", 12), ("Cos", 7), ("Cosh", 9), ("Elu", 6),
    ("Erf", 9), ("Exp", 6), ("Floor", 6), ("Gelu", 20), ("HardSigmoid", 6), ("HardSwish", 14), ("LeakyRelu", 6), ("Log", 6), ("Mish", 18),
    ("Reciprocal", 6), ("Round", 11), ("Selu", 6), ("Shrink", 9), ("Sigmoid", 6), ("Sin", 7), ("Sinh", 9), ("Softplus", 1), ("Softsign", 1),
    ("Sqrt", 6), ("Swish", 24), ("Tan", 7), ("Tanh", 6), ("ThresholdedRelu", 10),
  ]

  static let elementwise: [Recipe] =
    real.map { op, from in
      Recipe(op, from: from, weight: 1) { g in
        guard let x = g.tensor(floats) else { return }
        var attributes: [(name: String, value: AttributeSpec)] = []
        switch op {
        case "Celu", "Elu", "LeakyRelu", "ThresholdedRelu": if g.random.chance(0.5) { attributes = [("alpha", .float(Float(g.random.unit())))] }
        case "Gelu": if g.random.chance(0.5) { attributes = [("approximate", .string("tanh"))] }
        case "HardSigmoid": attributes = [("alpha", .float(0.3)), ("beta", .float(0.4))]
        case "Shrink": attributes = [("bias", .float(0.5)), ("lambd", .float(0.75))]
        default: break
        }
        g.node(op, [x], attributes)
      }
    } + [
      Recipe("Neg", "Abs", "Relu", "Sign", weight: 24) { g in
        let op = g.random.pick(["Neg", "Neg", "Abs", "Relu", "Sign"])
        let signed: [ElementType] = floats + [.int8, .int16, .int32, .int64]
        guard let x = g.tensor(op == "Neg" || op == "Relu" ? signed : numbers) else { return }
        g.node(op, [x])
      },
      Recipe("Add", "Sub", "Mul", "Div", weight: 24) { g in
        guard let x = g.tensor(numbers), let y = g.partner(of: x) else { return }
        g.node(g.random.pick(["Add", "Sub", "Mul", "Add", "Mul", "Div"]), g.random.chance(0.5) ? [x, y] : [y, x])
      },
      Recipe("Pow", "Mod", "PRelu") { g in
        switch g.random.below(3) {
        case 0:
          guard let x = g.tensor(floats), let y = g.random.chance(0.5) ? g.float(g.random.pick([2, 0.5, 3, -1, 0])) : g.partner(of: x) else { return }
          g.node("Pow", [x, y])
        case 1:
          guard g.opset >= 10, let x = g.tensor(numbers), let y = g.partner(of: x, .positive) else { return }
          g.node("Mod", [x, y], x.element?.isFloatingPoint ?? true || g.random.chance(0.3) ? [("fmod", .int(1))] : [])
        default:
          guard let x = g.tensor(floats, ranks: 1...4), let element = x.element,
            let slope = g.new(element, g.random.chance(0.5) ? [x.dims[x.rank - 1]] : x.dims)
          else { return }
          g.node("PRelu", [x, slope])
        }
      },
      // Before opset 7 the second operand lies along some axes of the first.
      Recipe("Add", "Sub", "Mul", "Div", "Pow", "And", "Or", "Xor", "Equal", "Greater", "Less", from: 6, weight: 12) { g in
        guard g.opset == 6 else { return }
        let op = g.random.pick(["Add", "Sub", "Mul", "Div", "Div", "Pow", "And", "Or", "Xor", "Greater", "Less"])
        let isLogic = ["And", "Or", "Xor"].contains(op)
        guard let x = g.tensor(isLogic ? [.bool] : [.float32, .float64], ranks: 1...4), let element = x.element else { return }
        let first = g.random.below(x.rank), last = g.random.int(first...(x.rank - 1))
        guard let y = g.new(element, Array(x.dims[first...last])) else { return }
        g.node(op, [x, y], [("broadcast", .int(1)), ("axis", .int(g.random.chance(0.2) ? first - x.rank : first))])
      },
      Recipe("Sum", "Mean", "Max", "Min", from: 8, weight: 8) { g in
        let op = g.random.pick(["Sum", "Mean", "Max", "Min"])
        guard let x = g.tensor(op == "Max" || op == "Min" ? numbers : floats) else { return }
        var inputs = [x]
        for _ in 0..<g.random.below(3) { if let y = g.partner(of: x) { inputs.append(y) } }
        g.node(op, inputs)
      },
      Recipe("Clip", weight: 6) { g in
        guard let x = g.tensor(g.opset < 12 ? floats : numbers), let element = x.element else { return }
        if g.opset < 11 {
          g.node("Clip", [x], [("min", .float(-1)), ("max", .float(1.5))])
        } else {
          g.node("Clip", [x, g.random.chance(0.8) ? g.new(element, [], .plain) : nil, g.random.chance(0.8) ? g.new(element, [], .positive) : nil])
        }
      },
      Recipe("Equal", "Greater", "Less", "GreaterOrEqual", "LessOrEqual", weight: 8) { g in
        let op = g.random.pick(["Equal", "Greater", "Less"] + (g.opset >= 12 ? ["GreaterOrEqual", "LessOrEqual"] : []))
        guard let x = g.tensor(op == "Equal" ? numbers + [.bool, .string] : numbers), let y = g.partner(of: x) else { return }
        g.node(op, [x, y])
      },
      Recipe("And", "Or", "Xor", "Not", weight: 8) { g in
        guard let x = g.tensor([.bool]), let y = g.partner(of: x) else { return }
        let op = g.random.pick(["And", "Or", "Xor", "Not"])
        g.node(op, op == "Not" ? [x] : [x, y])
      },
      Recipe("IsNaN", "IsInf", from: 10) { g in
        guard let x = g.tensor([.float32, .float64], fresh: 0.3) else { return }
        g.node(g.random.pick(["IsNaN", "IsInf"]), [x])
      },
      Recipe("BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot", from: 18) { g in
        guard let x = g.tensor(integers), let y = g.partner(of: x) else { return }
        let op = g.random.pick(["BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot"])
        g.node(op, op == "BitwiseNot" ? [x] : [x, y])
      },
      Recipe("BitShift", from: 11) { g in
        guard let x = g.tensor([.uint8, .uint16, .uint32, .uint64]), let y = g.partner(of: x, fresh: 0.8, .positive) else { return }
        g.node("BitShift", [x, y], [("direction", .string(g.random.pick(["LEFT", "RIGHT"])))])
      },
      Recipe("Where", from: 9, weight: 8) { g in
        guard let x = g.tensor(anything), let y = g.partner(of: x) else { return }
        guard let c = g.tensor([.bool], fresh: 0.1), GraphMaker.broadcasts(c.dims, x.dims), GraphMaker.broadcasts(c.dims, y.dims)
        else { return }
        g.node("Where", [c, x, y])
      },
      Recipe("Cast", weight: 16) { g in
        let targets: [ElementType] = numbers + [.bool] + (g.opset >= 21 ? [.int4, .uint4, .float8e4m3fn, .float8e5m2] : []) + (g.opset >= 24 ? [.float8e8m0, .float4e2m1] : [])
          + (g.opset >= 25 ? [.int2, .uint2] : [])
        let sources = numbers + [.bool] + (g.opset >= 21 ? [.int4, .uint4, .float8e4m3fn, .float8e5m2, .float8e4m3fnuz] : [])
        guard let x = g.tensor(sources, g.random.chance(0.8) ? .plain : nil) else { return }
        g.node("Cast", [x], [("to", .int(Int(g.random.pick(targets).rawValue)))])
      },
      Recipe("CastLike", from: 15, weight: 2) { g in
        guard let x = g.tensor(numbers), let y = g.tensor(numbers + [.bool], ranks: 0...1) else { return }
        g.node("CastLike", [x, y])
      },
      Recipe("BitCast", from: 26, weight: 2) { g in
        guard let x = g.tensor([.float32, .int32, .uint32]) else { return }
        g.node("BitCast", [x], [("to", .int(g.random.pick([1, 6, 12])))])
      },
      Recipe("SwiGLU", from: 28, weight: 2) { g in
        guard let x = g.tensor(floats, ranks: 1...3), let element = x.element, let y = g.new(element, x.dims) else { return }
        g.node("SwiGLU", [x, y])
      },
      Recipe("CumSum", "CumProd", from: 11) { g in
        guard let x = g.tensor([.float32, .float64, .int32, .int64], ranks: 1...4), let axis = g.ints([g.axis(x.rank)], g.random.pick([.int64, .int32]), shape: []) else { return }
        g.node(g.opset >= 26 && g.random.chance(0.4) ? "CumProd" : "CumSum", [x, axis], [("exclusive", .int(g.random.below(2))), ("reverse", .int(g.random.below(2)))])
      },
      Recipe("Dropout", from: 7, weight: 2) { g in
        guard let x = g.tensor(floats) else { return }
        g.node("Dropout", [x], outputs: g.random.int(1...2))
      },
    ]
}
