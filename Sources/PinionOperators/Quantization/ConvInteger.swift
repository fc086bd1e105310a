import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The convolution of uint8 or int8, less zero points, as int32.
package struct ConvInteger: CPUExecutable {
  package static let schema = Schema(
    "ConvInteger", since: 10, inputs: ["x: T1", "w: T2", "x_zero_point?: T1", "w_zero_point?: T2"], outputs: ["y: int32"],
    types: ["T1": .bytes, "T2": .bytes])
  let form: ConvForm

  package init(_ attributes: inout AttributeReader) throws(PinionError) { form = try ConvForm(&attributes) }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    try context.requireSingle([2])
    let w = try context.type(1)
    try context.requireSingleOrChannels(3, w)
    return [try form.infer(try context.type(0), w, bias: nil, element: .int32)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [form.facts(x: context[0], w: context[1], element: .int32, context.symbols)] }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    convolutionOperations(weights: inputs.count > 1 ? inputs[1] : nil, outputs)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let shape = try form.shape(try context.type(0), try context.type(1))
    var preparation = Preparation(context)
    let convolution = try IntegerConvolution(shape, x: 0, weights: 1, xZero: 2, wZero: 3, &preparation, context)
    let channels = shape.groups &* shape.outputs, positions = shape.window.outputCount
    let (stage, lane) = try convolution.stage(context) { frame, image, channel, range, sums in
      let target = frame.output(0, as: Int32.self) + ((image &* channels &+ channel) &* positions &+ range.lowerBound)
      target.update(from: sums, count: range.count)
    }
    return preparation.kernel([stage], laneScratchBytes: lane)
  }
}

extension InferenceContext {
  /// Checks that an input, where it is there, has one element or one for each output channel of the weights.
  func requireSingleOrChannels(_ index: Int, _ weights: TensorType) throws(PinionError) {
    guard let type = optionalType(index), type.count != 1 else { return }
    guard type.rank == 1, let outputs = weights.dims.first, type.count == outputs else {
      throw .invalidShape("input \(index) is \(type), expected one element or one for each output channel of weights \(weights)")
    }
  }
}
