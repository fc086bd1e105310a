import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Products of tensors summed over the axes that the equation's result does not name.
package struct Einsum: CPUExecutable {
  package static let schema = Schema("Einsum", since: 28, inputs: ["Inputs...: T"], outputs: ["Output: T"], types: ["T": .numbers])
  package static var computesHalfInFloat32: Bool { true }
  private let equation: EinsumEquation

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    equation = try EinsumEquation(try attributes.string("equation"))
  }

  private func shapes(_ context: InferenceContext) throws(PinionError) -> [Shape] {
    var shapes: [Shape] = []
    for index in context.inputs.indices { shapes.append(try context.type(index).shape) }
    return shapes
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let (_, result, extents) = try equation.resolve(try shapes(context))
    return [TensorType(try context.type(0).element, try Shape(result.map { extents[$0] ?? 1 }))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let element = context.element(of: context.inputs.indices)
    return [Fact(element, equation.resultDims(context.inputs.map { $0?.dims }, context.symbols))]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let shapes = try shapes(context.inference)
    let (operands, result, extents) = try equation.resolve(shapes)
    let output = try context.outputType(0)
    if extents.values.contains(0) {
      return .ranges(output.byteCount, grain: 1 << 20) { frame, range in
        (frame.output(0, as: UInt8.self) + range.lowerBound).initialize(repeating: 0, count: range.count)
      }
    }
    let plan = try EinsumPlan(
      operands: zip(operands, shapes).map { (labels: $0, shape: $1) }, result: result, extents: extents)
    switch output.element {
    case .float32: return try einsumKernel(plan, extents, Float.self, context)
    case .float64: return try einsumKernel(plan, extents, Double.self, context)
    // Wrapping sums and products have the same bits with and without sign.
    case .int8, .uint8: return try einsumKernel(plan, extents, UInt8.self, context)
    case .int16, .uint16: return try einsumKernel(plan, extents, UInt16.self, context)
    case .int32, .uint32: return try einsumKernel(plan, extents, UInt32.self, context)
    case .int64, .uint64: return try einsumKernel(plan, extents, UInt64.self, context)
    default: throw context.unsupportedTypes()
    }
  }
}
