import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The input unchanged, be it a tensor, a sequence or an optional.
public struct Identity: CPUExecutable, ValueTyping {
  public static let schema = Schema("Identity", since: 25, inputs: ["input: V"], outputs: ["output: V"], types: ["V": .all])
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { [try context.type(0)] }

  public func facts(_ context: FactContext) -> [Fact] { [context[0]] }
  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try copyKernel(context) }
  public func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.within(input: 0, offset: 0)] }

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] { [inputs.first ?? nil] }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    guard let value = inputs.first ?? nil else { throw .invalidModel("input 'input' is missing") }
    return [value]
  }
}
