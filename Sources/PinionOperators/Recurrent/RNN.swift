import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The simple recurrent layer: f(x W^T + h R^T + biases), run along sequences.
public struct RNN: CPUExecutable {
  public static let schema = Schema(
    "RNN", since: 22, inputs: ["X: T", "W: T", "R: T", "B?: T", "sequence_lens?: int32", "initial_h?: T"], outputs: ["Y?: T", "Y_h?: T"],
    types: ["T": .floats], mixing: ["T"])
  public static var computesHalfInFloat32: Bool { true }
  let attributes: RecurrentAttributes

  public init(_ reader: inout AttributeReader) throws(PinionError) {
    attributes = try RecurrentAttributes(&reader, defaultActivations: ["Tanh"])
    // Version 1 told with it whether anybody reads Y.
    reader.ignore("output_sequence")
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let shape = try RecurrentShape(context, attributes, gates: 1)
    return Array(try shape.outputs(attributes, element: try context.type(0).element).prefix(2))
  }

  public func facts(_ context: FactContext) -> [Fact] { Array(attributes.facts(context, element: context.element(of: 0..<3)).prefix(2)) }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .float32: return try kernel(context, Float.self)
    case .float64: return try kernel(context, Double.self)
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<T: WeightElement>(_ context: KernelContext, _ type: T.Type) throws(PinionError) -> Kernel {
    let shape = try RecurrentShape(context.inference, attributes, gates: 1)
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
