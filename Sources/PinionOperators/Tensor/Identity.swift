import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The input unchanged, be it a tensor, a sequence or an optional.
package struct Identity: CPUExecutable, EagerExecutable, ValueTyping {
  package static let schema = Schema("Identity", since: 25, inputs: ["input: V"], outputs: ["output: V"], types: ["V": .all])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try context.type(0)] }

  package func facts(_ context: FactContext) -> [Fact] { [context[0]] }
  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try copyKernel(context) }
  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.within(input: 0, offset: 0)] }

  package func outputTypes(inputs: [ValueType?]) -> [ValueType?] { [inputs.first ?? nil] }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    guard let value = inputs.first ?? nil else { throw .invalidModel("input 'input' is missing") }
    return [value]
  }
}
