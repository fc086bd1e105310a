import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The simple recurrent layer: f(x W^T + h R^T + biases), run along sequences.
package struct RNN: RecurrentLayer {
  package static let schema = Schema(
    "RNN", since: 22, inputs: ["X: T", "W: T", "R: T", "B?: T", "sequence_lens?: int32", "initial_h?: T"], outputs: ["Y?: T", "Y_h?: T"],
    types: ["T": .floats], mixing: ["T"])
  static var gates: Int { 1 }
  let attributes: RecurrentAttributes

  package init(_ reader: inout AttributeReader) throws(PinionError) {
    attributes = try RecurrentAttributes(&reader, defaultActivations: ["Tanh"])
  }

  func kernel<T: WeightElement>(_ context: KernelContext, _ shape: RecurrentShape, _ type: T.Type) throws(PinionError) -> Kernel {
    var cells: [RNNCell<T>] = []
    for direction in 0..<shape.directions {
      cells.append(RNNCell(hidden: shape.hidden, function: try GateFunction(attributes.activations[direction][0], clip: attributes.clip)))
    }
    return try RecurrentKernel(
      shape: shape, attributes: attributes, cells: cells, firstGates: 1, biasedGates: 1, initialCellState: nil, hasCellState: false
    ).kernel(context)
  }
}

struct RNNCell<T: WeightElement>: RecurrentCell {
  let hidden: Int
  let function: GateFunction<T>

  func update(_ row: CellRow<T>, _ frame: KernelFrame) {
    for index in 0..<hidden { row.state[index] = row.gates[index] + row.product[index] }
    function.apply(row.state, count: hidden)
  }
}
