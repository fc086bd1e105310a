import PinionTensor

extension Recipe {
  static let reductions: [Recipe] = [
    Recipe(
      "ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSumSquare", weight: 12
    ) { g in
      let op = g.random.pick(["ReduceL1", "ReduceL2", "ReduceLogSum", "ReduceLogSumExp", "ReduceMax", "ReduceMean", "ReduceMin", "ReduceProd", "ReduceSum", "ReduceSum", "ReduceMean", "ReduceSumSquare"])
      guard let x = g.tensor(["ReduceMax", "ReduceMin", "ReduceSum", "ReduceProd"].contains(op) ? commonFloats + [.int32, .int64] : commonFloats, ranks: 0...4) else { return }
      let axes = (0..<x.rank).filter { _ in g.random.chance(0.5) }.map { g.opset >= 11 && g.random.chance(0.3) ? $0 - x.rank : $0 }
      let keep: (name: String, value: AttributeSpec) = ("keepdims", .int(g.random.below(2)))
      let takesInput = g.opset >= 18 || (op == "ReduceSum" && g.opset >= 13)
      if axes.isEmpty { g.node(op, [x], [keep]) } else if takesInput { g.node(op, [x, g.ints(axes)], [keep]) } else
      { g.node(op, [x], [keep, ("axes", .ints(axes))]) }
    },
    Recipe("ArgMax", "ArgMin") { g in
      guard let x = g.tensor(commonFloats + [.int32, .int8], ranks: 1...4) else { return }
      g.node(g.random.pick(["ArgMax", "ArgMin"]), [x], [("axis", .int(g.axis(x.rank))), ("keepdims", .int(g.random.below(2)))]
        + (g.opset >= 12 ? [("select_last_index", .int(g.random.below(2)))] : []))
    },
    Recipe("Softmax", "LogSoftmax", "Hardmax", weight: 8) { g in
      guard let x = g.tensor(floats, ranks: 1...4) else { return }
      g.node(g.random.pick(["Softmax", "Softmax", "LogSoftmax", "Hardmax"]), [x], g.random.chance(0.2) ? [] : [("axis", .int(g.axis(x.rank)))])
    },
  ]
}
