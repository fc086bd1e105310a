import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// LSTM, GRU and RNN: a layer of cells that runs along sequences, in one direction or in both.
protocol RecurrentLayer: CPUExecutable {
  var attributes: RecurrentAttributes { get }
  /// Blocks of rows in the weights W and R.
  static var gates: Int { get }
  /// Inputs, beside initial_h, that have the shape of a state.
  static var cellStates: [Int] { get }
  func kernel<T: WeightElement>(_ context: KernelContext, _ shape: RecurrentShape, _ type: T.Type) throws(PinionError) -> Kernel
}

extension RecurrentLayer {
  static var cellStates: [Int] { [] }
  package static var computesHalfInFloat32: Bool { true }

  func shape(_ context: InferenceContext) throws(PinionError) -> RecurrentShape {
    try RecurrentShape(context, attributes, gates: Self.gates, cellStates: Self.cellStates)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let outputs = try shape(context).outputs(attributes, element: try context.type(0).element)
    return Array(outputs.prefix(Self.schema.outputs.count))
  }

  package func facts(_ context: FactContext) -> [Fact] {
    Array(attributes.facts(context, element: context.element(of: 0..<3)).prefix(Self.schema.outputs.count))
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let shape = try shape(context.inference)
    switch try context.type(0).element {
    case .float32: return try kernel(context, shape, Float.self)
    case .float64: return try kernel(context, shape, Double.self)
    default: throw context.unsupportedTypes()
    }
  }
}
