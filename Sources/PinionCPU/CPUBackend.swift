import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The host's processor.
public struct CPUBackend: Backend {
  public init() {}

  public var name: String { "cpu" }

  public func supports(_ op: any Operator) -> Bool { op.processorPart != nil || type(of: op).runsOutsidePlans }

  public func bound(_ op: any Operator) -> any BoundOperator { CPUOperator.part(of: op) }

  public func kernel(for op: any Operator, _ context: KernelContext) throws(PinionError) -> Kernel { try CPUOperator.part(of: op).kernel(context) }

  public func outputMemory(of op: any Operator, _ context: KernelContext) -> [OutputMemory] {
    CPUOperator.part(of: op).outputMemory(context)
  }

  public func execute(_ op: any Operator, _ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    if type(of: op).runsOutsidePlans, let op = op as? any EagerExecutable {
      try type(of: op).schema.check(values: inputs)
      for input in inputs { if case .tensor(let tensor)? = input { _ = try tensor.kept(context.control) } }
      return try op.execute(inputs, context)
    }
    return try context.runPlanned(op, inputs, backend: self)
  }
}

/// An operator with what the processor's backend has to know of it.
final class CPUOperator: BoundOperator {
  /// Nil for one that runs outside plans only.
  private let executable: (any CPUExecutable)?
  private let computesHalfInFloat32: Bool
  private let packsConstants: Bool
  private let appending: (any StateAppending)?

  private init() {
    executable = nil
    computesHalfInFloat32 = false
    packsConstants = false
    appending = nil
  }

  init<Executable: CPUExecutable>(_ op: Executable) {
    executable = op
    computesHalfInFloat32 = Executable.computesHalfInFloat32
    packsConstants = Executable.packsConstants
    appending = op.stateAppending
  }

  /// What `CPUExecutable` has made for the operator; nothing else gives a part.
  static func part(of op: any Operator) -> CPUOperator { op.processorPart.map { unsafeDowncast($0, to: CPUOperator.self) } ?? CPUOperator() }

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
