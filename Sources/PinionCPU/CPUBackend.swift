import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The host's processor.
public struct CPUBackend: Backend {
  public init() {}

  public var name: String { "cpu" }

  public func supports(_ op: any Operator) -> Bool { op is any CPUExecutable || op is any EagerExecutable }

  public func bound(_ op: any Operator) -> any BoundOperator { CPUOperator(op) }

  public func kernel(for op: any Operator, _ context: KernelContext) throws(PinionError) -> Kernel { try CPUOperator(op).kernel(context) }

  public func outputMemory(of op: any Operator, _ context: KernelContext) -> [OutputMemory] {
    (op as? any CPUExecutable)?.outputMemory(context) ?? []
  }

  public func execute(_ op: any Operator, _ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    if let op = op as? any EagerExecutable {
      try type(of: op).schema.check(values: inputs)
      for input in inputs { if case .tensor(let tensor)? = input { _ = try tensor.kept(context.control) } }
      return try op.execute(inputs, context)
    }
    return try context.runPlanned(op, inputs, backend: self)
  }
}

/// An operator with what the processor's backend has to know of it.
private struct CPUOperator: BoundOperator {
  /// Nil for one that runs outside plans only.
  private let executable: (any CPUExecutable)?
  private let computesHalfInFloat32: Bool
  private let packsConstants: Bool
  private let appending: (any StateAppending)?

  init(_ op: any Operator) {
    executable = op as? any CPUExecutable
    computesHalfInFloat32 = executable.map { type(of: $0).computesHalfInFloat32 } ?? false
    packsConstants = op is any ConstantPacking
    appending = op as? any StateAppending
  }

  func kernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard let executable else { throw .dataDependent }
    // Nothing is written where no output has elements, whatever the inputs are: extents beside a zero may be huge.
    if context.outputs.allSatisfy({ $0.count == 0 }), !isStateInUse(context) { return Kernel(stages: []) }
    if !packsConstants {
      for index in context.inference.madeInputs { _ = try context.value(index)?.kept(context.control) }
    }
    return computesHalfInFloat32 ? try halfInFloat32Kernel(executable, context) : try executable.makeKernel(context)
  }

  /// Whether a state that the operator appends to has rows or gets some: without a state they would be an output.
  private func isStateInUse(_ context: KernelContext) -> Bool {
    guard let appending else { return false }
    return appending.appends.contains { append in
      appending.rows(appendedTo: append.past, context.inference) != (0, 0) || context.optionalType(append.past)?.count != 0
    }
  }

  func outputMemory(_ context: KernelContext) -> [OutputMemory] { executable?.outputMemory(context) ?? [] }
}
