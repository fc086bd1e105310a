import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Long short-term memory: a layer of cells with input, output and forget gates, run along sequences.
package struct LSTM: RecurrentLayer {
  package static let schema = Schema(
    "LSTM", since: 22, inputs: ["X: T", "W: T", "R: T", "B?: T", "sequence_lens?: int32", "initial_h?: T", "initial_c?: T", "P?: T"],
    outputs: ["Y?: T", "Y_h?: T", "Y_c?: T"], types: ["T": .floats], mixing: ["T"])
  static var gates: Int { 4 }
  static var cellStates: [Int] { [6] }
  let attributes: RecurrentAttributes
  let couplesForget: Bool

  package init(_ reader: inout AttributeReader) throws(PinionError) {
    attributes = try RecurrentAttributes(&reader, defaultActivations: ["Sigmoid", "Tanh", "Tanh"])
    couplesForget = try reader.bool("input_forget")
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let shape = try shape(context)
    if let peepholes = context.optionalType(7), peepholes.dims != [shape.directions, 3 &* shape.hidden] {
      throw .invalidShape("P is \(peepholes), expected shape [\(shape.directions),\(3 &* shape.hidden)]")
    }
    return try shape.outputs(attributes, element: try context.type(0).element)
  }

  func kernel<T: WeightElement>(_ context: KernelContext, _ shape: RecurrentShape, _ type: T.Type) throws(PinionError) -> Kernel {
    let cells: [LSTMCell<T>] = try LSTMCell.cells(
      attributes, hidden: shape.hidden, couplesForget: couplesForget, peepholes: context.has(7) ? 7 : nil)
    return try RecurrentKernel(
      shape: shape, attributes: attributes, cells: cells, firstGates: 4, biasedGates: 4, initialCellState: context.has(6) ? 6 : nil,
      hasCellState: true
    ).kernel(context)
  }
}

struct LSTMCell<T: WeightElement>: RecurrentCell {
  let hidden: Int
  let gate: GateFunction<T>
  let candidate: GateFunction<T>
  let output: GateFunction<T>
  let couplesForget: Bool
  let peepholes: Int?
  let direction: Int

  /// The cells of all directions.
  static func cells(
    _ attributes: RecurrentAttributes, hidden: Int, couplesForget: Bool, peepholes: Int?
  ) throws(PinionError) -> [LSTMCell<T>] {
    var cells: [LSTMCell<T>] = []
    for (direction, functions) in attributes.activations.enumerated() {
      cells.append(
        LSTMCell(
          hidden: hidden, gate: try GateFunction(functions[0], clip: attributes.clip),
          candidate: try GateFunction(functions[1], clip: attributes.clip),
          output: try GateFunction(functions[2], clip: attributes.clip), couplesForget: couplesForget, peepholes: peepholes,
          direction: direction))
    }
    return cells
  }

  func update(_ row: CellRow<T>, _ frame: KernelFrame) {
    let hidden = hidden, cell = row.cellState, scratch = row.product
    // The gates lie in the order input, output, forget, candidate.
    let input = row.gates, out = input + hidden, forget = out + hidden, fresh = forget + hidden
    for index in 0..<4 &* hidden { input[index] += row.product[index] }
    let weights = peepholes.map { frame.input($0, as: T.self) + direction &* 3 &* hidden }
    if let weights {
      for index in 0..<hidden {
        input[index] += weights[index] * cell[index]
        forget[index] += weights[2 &* hidden &+ index] * cell[index]
      }
      gate.apply(input, count: hidden)
      gate.apply(forget, count: hidden)
    } else {
      gate.apply(input, count: 3 &* hidden)
    }
    if couplesForget { for index in 0..<hidden { forget[index] = 1 - input[index] } }
    candidate.apply(fresh, count: hidden)
    for index in 0..<hidden {
      cell[index] = forget[index] * cell[index] + input[index] * fresh[index]
      scratch[index] = cell[index]
    }
    if let weights {
      for index in 0..<hidden { out[index] += weights[hidden &+ index] * cell[index] }
      gate.apply(out, count: hidden)
    }
    output.apply(scratch, count: hidden)
    for index in 0..<hidden { row.state[index] = out[index] * scratch[index] }
  }
}
