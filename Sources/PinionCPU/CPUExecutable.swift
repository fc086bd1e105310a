import PinionBackend
import PinionBase
import PinionGraph

/// An operator with a CPU kernel that is made for known shapes.
public protocol CPUExecutable: Operator {
  /// True where float16 and bfloat16 inputs and outputs are converted around a float32 kernel; `makeKernel` then never
  /// sees those types.
  static var computesHalfInFloat32: Bool { get }

  func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel

  /// The inputs whose memory output 0 may take over, best first: those that the kernel reads at an element only before or
  /// when it writes that element. The planner checks sizes and later readers.
  func reusableInputs(_ context: KernelContext) -> [Int]

  /// The byte offset into input 0 at which the output already lies, for a node with nothing to compute; nil elsewhere.
  func aliasOffset(output: Int, _ context: KernelContext) -> Int?
}

/// An operator that looks at large constants through `KernelContext.packed` only while it makes a float32 kernel. Constants of others
/// have their elements in memory for good before anything is made of them.
public protocol ConstantPacking: CPUExecutable {}

extension CPUExecutable {
  public static var computesHalfInFloat32: Bool { false }
  public func reusableInputs(_ context: KernelContext) -> [Int] { [] }
  public func aliasOffset(output: Int, _ context: KernelContext) -> Int? { nil }
}
