import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A matrix: the axes before `axis` become its rows, the others its columns.
package struct Flatten: CPUExecutable {
  package static let schema = Schema("Flatten", since: 25, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .all])
  package let axis: Int64

  package init(_ attributes: inout AttributeReader) throws(PinionError) { axis = try attributes.int("axis", default: 1) }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    let rank = Int64(type.rank)
    guard axis >= -rank, axis <= rank else { throw .invalidShape("axis \(axis) is out of range for \(type)") }
    let split = Int(axis < 0 ? axis &+ rank : axis)
    return [TensorType(type.element, try Shape([type.shape.count(0..<split), type.shape.count(split..<type.rank)]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let x = context[0]
    guard let dims = x.dims, axis >= -Int64(dims.count), axis <= Int64(dims.count) else { return [Fact(x.element, [nil, nil])] }
    let split = Int(axis < 0 ? axis &+ Int64(dims.count) : axis)
    return [Fact(x.element, [context.symbols.product(of: Array(dims[..<split])), context.symbols.product(of: Array(dims[split...]))])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try copyKernel(context) }
  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.within(input: 0, offset: 0)] }
}
