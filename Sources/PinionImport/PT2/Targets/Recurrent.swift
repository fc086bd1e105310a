import PinionBase
import PinionGraph
import PinionTensor

/// Recurrent layers and cells.
extension Lowering {
  func recurrent(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.key {
    case "lstm.input": return try layers(c, "LSTM", gates: 4, order: [0, 3, 1, 2])
    case "gru.input": return try layers(c, "GRU", gates: 3, order: [1, 0, 2])
    case "rnn_tanh.input": return try layers(c, "RNN", gates: 1, order: [0])
    case "rnn_relu.input": return try layers(c, "RNN", gates: 1, order: [0])
    case "lstm_cell":
      let hx = try c.tensors("hx")
      guard hx.count == 2 else { throw .invalidModel("lstm_cell takes two states") }
      let gates = try add(
        try linear(try c.tensor("input"), try c.tensor("w_ih"), try c.optionalTensor("b_ih")),
        try linear(hx[0], try c.tensor("w_hh"), try c.optionalTensor("b_hh")))
      return try lstmStep(gates, hx[1])
    case "gru_cell":
      let h = try c.tensor("hx")
      let x = try linear(try c.tensor("input"), try c.tensor("w_ih"), try c.optionalTensor("b_ih"))
      let r = try linear(h, try c.tensor("w_hh"), try c.optionalTensor("b_hh"))
      let xs = try parts(x, 3), hs = try parts(r, 3)
      let reset = try op("Sigmoid", [try add(xs[0], hs[0])]), update = try op("Sigmoid", [try add(xs[1], hs[1])])
      let new = try op("Tanh", [try add(xs[2], try mul(reset, hs[2]))])
      return [try add(new, try mul(update, try sub(h, new)))]
    case "rnn_tanh_cell", "rnn_relu_cell":
      let gates = try add(
        try linear(try c.tensor("input"), try c.tensor("w_ih"), try c.optionalTensor("b_ih")),
        try linear(try c.tensor("hx"), try c.tensor("w_hh"), try c.optionalTensor("b_hh")))
      return [try op(c.key == "rnn_tanh_cell" ? "Tanh" : "Relu", [gates])]
    default: return nil
    }
  }

  /// Equal pieces of the last dimension.
  private func parts(_ term: Term, _ count: Int) throws(PinionError) -> [Term] {
    guard term.rank > 0 else { throw .invalidModel("the gates of a cell have rank 0") }
    let axis = term.rank - 1
    var dims = term.dims
    dims[axis] = term.dims[axis].map { $0 / count }
    return try emit("Split", [term.id], ["axis": .int(Int64(axis)), "num_outputs": .int(Int64(count))], outputs: count).map {
      Term(id: $0, element: term.element, dims: dims)
    }
  }

  private func lstmStep(_ gates: Term, _ cell: Term) throws(PinionError) -> [Term] {
    let parts = try parts(gates, 4)
    let kept = try mul(try op("Sigmoid", [parts[1]]), cell)
    let next = try add(kept, try mul(try op("Sigmoid", [parts[0]]), try op("Tanh", [parts[2]])))
    return [try mul(try op("Sigmoid", [parts[3]]), try op("Tanh", [next])), next]
  }

  private func layers(_ c: Call, _ name: String, gates: Int, order: [Int]) throws(PinionError) -> [Term] {
    let hasBiases = try c.bool("has_biases"), isBidirectional = try c.bool("bidirectional"), isBatchFirst = try c.bool("batch_first")
    let count = Int(try c.int("num_layers")), directions = isBidirectional ? 2 : 1
    let weights = try c.tensors("params")
    var states: [Term]
    if name == "LSTM" { states = try c.tensors("hx") } else { states = [try c.tensor("hx")] }
    let perDirection = hasBiases ? 4 : 2
    guard count > 0, count < 4096, states.count == (name == "LSTM" ? 2 : 1) else { throw .invalidModel("\(count) layers of \(states.count) states") }
    let isProjected = name == "LSTM" && weights.count == count * directions * (perDirection + 1)
    guard isProjected || weights.count == count * directions * perDirection else {
      throw .invalidModel("\(weights.count) weights for \(count) layers of \(directions) directions")
    }
    var x = try c.tensor("input")
    let isSingle = x.rank == 2
    if isSingle {
      x = try unsqueeze(x, [1])
      for index in states.indices { states[index] = try unsqueeze(states[index], [1]) }
    } else if isBatchFirst {
      x = try transpose(x, [1, 0, 2])
    }
    var finals: [[Term]] = Array(repeating: [], count: states.count)
    for layer in 0..<count {
      let group = perDirection + (isProjected ? 1 : 0)
      let own = Array(weights[(layer * directions * group)..<((layer + 1) * directions * group)])
      var initial: [Term] = []
      for state in states { initial.append(try slice(state, 0, Int64(layer * directions), Int64((layer + 1) * directions))) }
      let results = isProjected
        ? try projected(x, own, initial, directions, hasBiases: hasBiases)
        : try runLayer(x, own, initial, directions, name, gates, order, hasBiases: hasBiases, isRelu: c.key.hasPrefix("rnn_relu"))
      x = results[0]
      for index in states.indices { finals[index].append(results[index + 1]) }
    }
    var results = [isSingle ? try squeeze(x, [1]) : isBatchFirst ? try transpose(x, [1, 0, 2]) : x]
    for list in finals {
      let joined = try concat(list, 0)
      results.append(isSingle ? try squeeze(joined, [1]) : joined)
    }
    return results
  }

  /// Gates in the order that ONNX has them.
  private func ordered(_ term: Term, _ gates: Int, _ order: [Int]) throws(PinionError) -> Term {
    guard gates > 1, let rows = term.dims[0].map({ Int64($0 / gates) }) else { return term }
    var pieces: [Term] = []
    for gate in order { pieces.append(try slice(term, 0, Int64(gate) * rows, Int64(gate + 1) * rows)) }
    return try concat(pieces, 0)
  }

  private func runLayer(
    _ x: Term, _ weights: [Term], _ initial: [Term], _ directions: Int, _ name: String, _ gates: Int, _ order: [Int], hasBiases: Bool, isRelu: Bool
  ) throws(PinionError) -> [Term] {
    let group = hasBiases ? 4 : 2
    var w: [Term] = [], r: [Term] = [], b: [Term] = []
    for direction in 0..<directions {
      let own = weights[(direction * group)..<((direction + 1) * group)].map { $0 }
      w.append(try unsqueeze(try ordered(own[0], gates, order), [0]))
      r.append(try unsqueeze(try ordered(own[1], gates, order), [0]))
      if hasBiases { b.append(try unsqueeze(try concat([try ordered(own[2], gates, order), try ordered(own[3], gates, order)], 0), [0])) }
    }
    guard let hidden = r[0].dims[2] else { throw .unsupported("a hidden size that a run decides") }
    var attributes: [String: AttributeValue] = [
      "hidden_size": .int(Int64(hidden)), "direction": .string(directions == 2 ? "bidirectional" : "forward"),
    ]
    if name == "GRU" { attributes["linear_before_reset"] = .int(1) }
    if name == "RNN" { attributes["activations"] = .strings([String](repeating: isRelu ? "Relu" : "Tanh", count: directions)) }
    var operands: [ValueID?] = [x.id, try concat(w, 0).id, try concat(r, 0).id, hasBiases ? try concat(b, 0).id : nil, nil]
    operands += initial.map(\.id)
    let ids = try emit(name, operands, attributes, outputs: name == "LSTM" ? 3 : 2)
    let y = Term(id: ids[0], element: x.element, dims: [x.dims[0], directions, x.dims[1], hidden])
    let joined: Term
    if directions == 1 { joined = try squeeze(y, [1]) } else {
      joined = try reshape(try transpose(y, [0, 2, 1, 3]), [try extent(x, 0), try extent(x, 1), .known(Int64(2 * hidden))])
    }
    return [joined] + ids.dropFirst().map { Term(id: $0, element: x.element, dims: [directions, x.dims[1], hidden]) }
  }

  /// An LSTM whose output is projected, step by step.
  private func projected(_ x: Term, _ weights: [Term], _ initial: [Term], _ directions: Int, hasBiases: Bool) throws(PinionError) -> [Term] {
    guard let steps = x.dims[0], steps <= 512 else { throw .unsupported("a projected LSTM over steps that a run counts") }
    let group = hasBiases ? 5 : 3
    var outputs: [Term] = [], hs: [Term] = [], cs: [Term] = []
    for direction in 0..<directions {
      let own = weights[(direction * group)..<((direction + 1) * group)].map { $0 }
      var h = try gather(initial[0], try scalar(Int64(direction), .int64), 0), cell = try gather(initial[1], try scalar(Int64(direction), .int64), 0)
      let inputs = try linear(x, own[0], hasBiases ? own[2] : nil)
      var list: [Term] = []
      for step in 0..<steps {
        let at = try scalar(Int64(direction == 0 ? step : steps - 1 - step), .int64)
        let gates = try add(try gather(inputs, at, 0), try linear(h, own[1], hasBiases ? own[3] : nil))
        let next = try lstmStep(gates, cell)
        h = try linear(next[0], own[group - 1], nil)
        cell = next[1]
        list.append(try unsqueeze(h, [0]))
      }
      outputs.append(try concat(direction == 0 ? list : list.reversed(), 0))
      hs.append(try unsqueeze(h, [0]))
      cs.append(try unsqueeze(cell, [0]))
    }
    return [try concat(outputs, 2), try concat(hs, 0), try concat(cs, 0)]
  }
}
