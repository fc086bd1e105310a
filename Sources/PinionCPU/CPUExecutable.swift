import PinionBackend
import PinionBase
import PinionGraph

/// An operator with a CPU kernel that is made for known shapes.
public protocol CPUExecutable: Operator {
  /// True where float16 and bfloat16 inputs and outputs are converted around a float32 kernel; `makeKernel` then never
  /// sees those types.
  static var computesHalfInFloat32: Bool { get }

  /// See `ConstantPacking`.
  static var packsConstants: Bool { get }

  func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel

  /// Where each output may lie, in their order; an output without an entry is `fresh`.
  func outputMemory(_ context: KernelContext) -> [OutputMemory]
}

/// An operator that looks at large constants through `KernelContext.packed` only while it makes a float32 kernel. Constants of others
/// have their elements in memory for good before anything is made of them.
public protocol ConstantPacking: CPUExecutable {}

extension CPUExecutable {
  public static var computesHalfInFloat32: Bool { false }
  public static var packsConstants: Bool { false }
  public var processorPart: AnyObject? { CPUOperator(self) }
  public func outputMemory(_ context: KernelContext) -> [OutputMemory] { [] }
}

extension ConstantPacking {
  public static var packsConstants: Bool { true }
}
