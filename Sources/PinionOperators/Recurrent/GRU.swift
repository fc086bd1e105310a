import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Gated recurrent unit: a layer of cells with update and reset gates, run along sequences.
package struct GRU: RecurrentLayer {
  package static let schema = Schema(
    "GRU", since: 22, inputs: ["X: T", "W: T", "R: T", "B?: T", "sequence_lens?: int32", "initial_h?: T"], outputs: ["Y?: T", "Y_h?: T"],
    types: ["T": .floats], mixing: ["T"])
  static var gates: Int { 3 }
  let attributes: RecurrentAttributes
  /// The reset gate meets the hidden state behind the recurrent weights, not before.
  let isLinearBeforeReset: Bool

  package init(_ reader: inout AttributeReader) throws(PinionError) {
    attributes = try RecurrentAttributes(&reader, defaultActivations: ["Sigmoid", "Tanh"])
    isLinearBeforeReset = try reader.bool("linear_before_reset")
  }

  func kernel<T: WeightElement>(_ context: KernelContext, _ shape: RecurrentShape, _ type: T.Type) throws(PinionError) -> Kernel {
    var cells: [GRUCell<T>] = []
    for direction in 0..<shape.directions {
      let functions = attributes.activations[direction]
      cells.append(
        GRUCell(
          hidden: shape.hidden, gate: try GateFunction(functions[0], clip: attributes.clip),
          candidate: try GateFunction(functions[1], clip: attributes.clip), isLinearBeforeReset: isLinearBeforeReset,
          bias: context.has(3) ? 3 : nil, direction: direction))
    }
    return try RecurrentKernel(
      shape: shape, attributes: attributes, cells: cells, firstGates: isLinearBeforeReset ? 3 : 2,
      biasedGates: isLinearBeforeReset ? 2 : 3, initialCellState: nil, hasCellState: false
    ).kernel(context)
  }
}

struct GRUCell<T: WeightElement>: RecurrentCell {
  let hidden: Int
  let gate: GateFunction<T>
  let candidate: GateFunction<T>
  let isLinearBeforeReset: Bool
  let bias: Int?
  let direction: Int

  func update(_ row: CellRow<T>, _ frame: KernelFrame) {
    let hidden = hidden
    // The gates lie in the order update, reset, candidate.
    let update = row.gates, reset = update + hidden, fresh = reset + hidden
    for index in 0..<2 &* hidden { update[index] += row.product[index] }
    gate.apply(update, count: 2 &* hidden)
    guard isLinearBeforeReset else {
      for index in 0..<hidden { row.operand[index] = reset[index] * row.state[index] }
      return
    }
    let product = row.product + 2 &* hidden
    if let bias {
      let recurrent = frame.input(bias, as: T.self) + (direction &* 6 &+ 5) &* hidden
      for index in 0..<hidden { fresh[index] += reset[index] * (product[index] + recurrent[index]) }
    } else {
      for index in 0..<hidden { fresh[index] += reset[index] * product[index] }
    }
    mix(row)
  }

  func updateAfterSecond(_ row: CellRow<T>, _ frame: KernelFrame) {
    let fresh = row.gates + 2 &* hidden
    for index in 0..<hidden { fresh[index] += row.secondProduct[index] }
    mix(row)
  }

  private func mix(_ row: CellRow<T>) {
    let update = row.gates, fresh = update + 2 &* hidden
    candidate.apply(fresh, count: hidden)
    for index in 0..<hidden { row.state[index] = (1 - update[index]) * fresh[index] + update[index] * row.state[index] }
  }
}
