import PinionTensor

extension Recipe {
  static let recurrent: [Recipe] = [
    Recipe("RNN", "GRU", "LSTM", weight: 5) { g in
      let (op, gates) = g.random.pick([("RNN", 1), ("GRU", 3), ("LSTM", 4)])
      let steps = g.random.int(1...4), batch = g.random.pick([1, 2, 5]), inputs = g.random.int(1...5), hidden = g.random.pick([1, 2, 4, 9])
      let direction = g.random.pick(["forward", "reverse", "bidirectional"]), d = direction == "bidirectional" ? 2 : 1
      let element: ElementType = g.random.chance(0.85) ? .float32 : .float64
      guard let x = g.new(element, [steps, batch, inputs], .plain), let w = g.new(element, [d, gates * hidden, inputs], .plain),
        let r = g.new(element, [d, gates * hidden, hidden], .plain)
      else { return }
      let bias = g.random.chance(0.6) ? g.new(element, [d, 2 * gates * hidden], .plain) : nil
      let lengths = g.random.chance(0.3) ? g.ints((0..<batch).map { _ in g.random.int(1...steps) }, .int32) : nil
      let initial = g.random.chance(0.4) ? g.new(element, [d, batch, hidden], .plain) : nil
      var operands = [x, w, r, bias, lengths, initial]
      if op == "LSTM" { operands.append(g.random.chance(0.4) ? g.new(element, [d, batch, hidden], .plain) : nil) }
      var attributes: GraphMaker.Attributes = [("hidden_size", .int(hidden)), ("direction", .string(direction))]
      if op == "GRU", g.random.chance(0.5) { attributes.append(("linear_before_reset", .int(1))) }
      let count = op == "LSTM" ? 3 : 2
      var named = (0..<count).map { _ in g.random.chance(0.7) }
      if !named.contains(true) { named[0] = true }
      g.node(op, operands, outputs: count, attributes, named: named)
    },
  ]
}
