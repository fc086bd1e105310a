import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// X where the condition holds, Y elsewhere, elementwise with broadcasting.
package struct Where: CPUExecutable {
  package static let schema = Schema("Where", since: 16, inputs: ["condition: bool", "X: T", "Y: T"], outputs: ["output: T"], types: ["T": .all])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let condition = try context.type(0), x = try context.type(1), y = try context.type(2)
    return [TensorType(x.element, try .broadcast([condition.shape, x.shape, y.shape]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    var result = Fact(context.element(of: 1..<3), context.broadcast())
    if let flags = context[0].values, let x = context[1].values, let y = context[2].values {
      let count = [flags.count, x.count, y.count].first { $0 != 1 } ?? 1
      if [flags.count, x.count, y.count].allSatisfy({ $0 == 1 || $0 == count }) {
        result.values = (0..<count).map { index in
          let a = x[x.count == 1 ? 0 : index], b = y[y.count == 1 ? 0 : index]
          return flags[flags.count == 1 ? 0 : index].map { $0 == 0 ? b : a } ?? (a == b ? a : nil)
        }
      }
    }
    return [result]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let output = try context.outputType(0)
    let width = output.element.byteWidth
    guard let function = pk_where_kernel(pk_isa_best(), width) else { throw context.unsupportedTypes() }
    let broadcast = Broadcast(
      [try context.type(0).shape, try context.type(1).shape, try context.type(2).shape], to: output.shape)
    var flags: Int32 = 0
    if !broadcast.walks[0] { flags |= Int32(PK_CONDITION_SCALAR) }
    if !broadcast.walks[1] { flags |= Int32(PK_A_SCALAR) }
    if !broadcast.walks[2] { flags |= Int32(PK_B_SCALAR) }
    let scalars = flags
    return .ranges(output.count, grain: elementwiseGrain) { frame, range in
      broadcast.forEachRun(in: range) { at, start, count in
        function(
          frame.input(0, as: UInt8.self) + at[0], frame.rawInput(1) + at[1] &* width, frame.rawInput(2) + at[2] &* width,
          frame.rawOutput(0) + start &* width, count, scalars)
      }
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: inputsLikeOutput([1, 2], context))] }
}
