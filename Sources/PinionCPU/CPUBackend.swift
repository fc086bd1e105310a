import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The host's processor.
public struct CPUBackend: Backend {
  public init() {}

  public var name: String { "cpu" }

  public func supports(_ op: any Operator) -> Bool { op is any CPUExecutable || op is any EagerExecutable }

  public func kernel(for op: any Operator, _ context: KernelContext) throws(PinionError) -> Kernel {
    guard let op = op as? any CPUExecutable else { throw .dataDependent }
    // Nothing is written where no output has elements, whatever the inputs are: extents beside a zero may be huge.
    if context.outputs.allSatisfy({ $0.count == 0 }), !(op is any StateAppending) { return Kernel(stages: []) }
    if !(op is any ConstantPacking) {
      for index in context.inference.inputs.indices { _ = try context.value(index)?.kept() }
    }
    return type(of: op).computesHalfInFloat32 ? try halfInFloat32Kernel(op, context) : try op.makeKernel(context)
  }

  public func outputMemory(of op: any Operator, _ context: KernelContext) -> [OutputMemory] {
    (op as? any CPUExecutable)?.outputMemory(context) ?? []
  }

  public func execute(_ op: any Operator, _ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    if let op = op as? any EagerExecutable {
      try type(of: op).schema.check(values: inputs)
      for input in inputs { if case .tensor(let tensor)? = input { _ = try tensor.kept() } }
      return try op.execute(inputs, context)
    }
    return try context.runPlanned(op, inputs, backend: self)
  }
}
