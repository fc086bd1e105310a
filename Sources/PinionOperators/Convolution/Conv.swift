import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Convolution over any number of spatial axes.
package struct Conv: CPUExecutable {
  package static let schema = Schema("Conv", since: 22, inputs: ["X: T", "W: T", "B?: T"], outputs: ["Y: T"], types: ["T": .floats])
  package static var computesHalfInFloat32: Bool { true }
  let form: ConvForm

  package init(_ attributes: inout AttributeReader) throws(PinionError) { form = try ConvForm(&attributes) }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let x = try context.type(0)
    return [try form.infer(x, try context.type(1), bias: context.optionalType(2), element: x.element, mayBeEmpty: true)]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [form.facts(x: context[0], w: context[1], element: context.element(of: 0..<2), context.symbols)]
  }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    convolutionOperations(weights: inputs.count > 1 ? inputs[1] : nil, outputs)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let x = try context.type(0)
    let shape = try form.shape(x, try context.type(1), mayBeEmpty: true)
    let operands = ConvolutionOperands(bias: context.has(2) ? 2 : nil)
    switch x.element {
    case .float32: return try floatConvolutionKernel(shape, operands, context)
    case .float64: return try directConvolutionKernel(shape, operands, Double.self, isTransposed: false, context)
    default: throw context.unsupportedTypes()
    }
  }
}
