import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// An operator on two operands that are broadcast against each other by NumPy's rule.
protocol PairwiseOperator: CPUExecutable, Broadcasting {}

extension PairwiseOperator {
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { try AlignAxes.adaptPair(&node) }
}

extension InferenceContext {
  /// The shapes of the two operands.
  func operandShapes() throws(PinionError) -> [Shape] { [try type(0).shape, try type(1).shape] }
}

/// A pairwise operator whose result has its operands' type.
protocol BinaryOperator: PairwiseOperator {
  var function: pk_binary_op { get }
}

extension BinaryOperator {
  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try binaryKernel(function, try context.inference.operandShapes(), context)
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: inputsLikeOutput([0, 1], context))] }
}

/// A pairwise operator whose result is bool.
protocol CompareOperator: PairwiseOperator {
  var function: pk_compare_op { get }
}

extension CompareOperator {
  package static var resultElement: ElementType? { .bool }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try compareKernel(function, try context.inference.operandShapes(), context)
  }
}
