import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// An operator that combines any number of operands one after the other.
protocol VariadicOperator: CPUExecutable, Broadcasting {
  static var function: pk_binary_op { get }
}

extension VariadicOperator {
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { node.attributes["consumed_inputs"] = nil }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try variadicKernel(Self.function, context) }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] {
    context.inference.inputs.count == 1 ? [.within(input: 0, offset: 0)] : [.over(inputs: inputsLikeOutput([0, 1], context))]
  }
}

/// A kernel that combines all inputs into output 0.
/// - Parameter finish: is called for each range of output elements when they are complete.
func variadicKernel(
  _ op: pk_binary_op, _ context: KernelContext,
  finish: @escaping @Sendable (UnsafeMutableRawPointer, _ count: Int) -> Void = { _, _ in }
) throws(PinionError) -> Kernel {
  let output = try context.outputType(0)
  let width = output.element.byteWidth
  guard let type = output.element.kernelType, let function = pk_binary_kernel(pk_isa_best(), op, type) else {
    throw context.unsupportedTypes()
  }
  let count = context.inference.inputs.count
  guard count > 1 else { return try copyKernel(context) }
  var steps: [Broadcast] = []
  steps.reserveCapacity(count - 1)
  for index in 1..<count {
    let shape = try context.type(index).shape
    // Very many operands are alike as a rule, and then share what says how they line up.
    if index > 2, let last = steps.last, shape == (try context.type(index - 1).shape) {
      steps.append(last)
    } else {
      steps.append(Broadcast([index == 1 ? try context.type(0).shape : output.shape, shape], to: output.shape))
    }
  }
  let broadcasts = steps
  return .ranges(output.count, grain: 8192) { frame, range in
    for (index, broadcast) in broadcasts.enumerated() {
      let left = index == 0 ? frame.rawInput(0) : UnsafeRawPointer(frame.rawOutput(0)), right = frame.rawInput(index &+ 1)
      let flags = broadcast.scalarFlags
      broadcast.forEachRun(in: range) { at, start, count in
        function(left + at[0] &* width, right + at[1] &* width, frame.rawOutput(0) + start &* width, count, flags)
      }
    }
    finish(frame.rawOutput(0) + range.lowerBound &* width, range.count)
  }
}
