import PinionBase
import PinionGraph
import PinionTensor

/// A device, as planner and executor know it.
public protocol Backend: Sendable {
  /// "cpu" or "cuda".
  var name: String { get }

  /// Whether the device has a way to run the operator at all, within a plan or outside.
  func supports(_ op: any Operator) -> Bool

  /// Makes the operator ready to run for the context's types.
  /// - Throws: `PinionError.dataDependent` where it needs a value that is not known yet; `.unsupported` for element types
  ///   without a kernel.
  func kernel(for op: any Operator, _ context: KernelContext) throws(PinionError) -> Kernel

  /// The operator as plans ask for it, with all that can be found out about it before any types are known.
  func bound(_ op: any Operator) -> any BoundOperator

  /// Where each output may lie, in their order; an output without an entry is `fresh`.
  func outputMemory(of op: any Operator, _ context: KernelContext) -> [OutputMemory]

  /// Runs an operator outside a plan.
  func execute(_ op: any Operator, _ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value]
}

/// An operator of a node, bound to a device: asked for each new combination of types.
public protocol BoundOperator: Sendable {
  /// As `Backend.kernel(for:_:)`.
  func kernel(_ context: KernelContext) throws(PinionError) -> Kernel
  /// As `Backend.outputMemory(of:_:)`.
  func outputMemory(_ context: KernelContext) -> [OutputMemory]
}
