import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The value that an optional holds; a tensor or sequence is returned as it is.
public struct OptionalGetElement: CPUExecutable, ValueTyping, LikeFirstInput {
  public static let schema = Schema("OptionalGetElement", since: 28, inputs: ["input: all"], outputs: ["output: all"])
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try copyKernel(context) }
  public func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.within(input: 0, offset: 0)] }

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    guard case .optional(let content)? = inputs.first ?? nil else { return [inputs.first ?? nil] }
    return [content]
  }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let value = try required(inputs, 0, "input")
    if case .none = value { throw .invalidValue("the optional holds no value") }
    return [value]
  }
}
