import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// An operator that maps each element of its input to one of the same type.
protocol UnaryOperator: CPUExecutable, LikeFirstInput {
  var function: pk_unary_op { get }
  var parameters: pk_params { get }
}

extension UnaryOperator {
  var parameters: pk_params { pk_params() }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try unaryKernel(function, parameters, context)
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }

  /// Before opset 6 the elementwise operators carried a hint for in-place execution.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { node.attributes["consumed_inputs"] = nil }
}

extension pk_params {
  init(_ numbers: Double...) {
    self.init()
    withUnsafeMutableBytes(of: &d) { bytes in
      let slots = bytes.bindMemory(to: Double.self)
      for (slot, number) in zip(slots.indices, numbers) { slots[slot] = number }
    }
  }
}
