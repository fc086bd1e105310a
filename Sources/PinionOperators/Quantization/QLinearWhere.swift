import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// X where the condition holds, Y elsewhere, with broadcasting, of quantised tensors in the units of the result.
package struct QLinearWhere: CPUExecutable {
  package static let schema = Schema(
    "QLinearWhere", domain: "com.microsoft", since: 1,
    inputs: [
      "condition: bool", "X: T", "x_scale: float32", "x_zero_point: T", "Y: T", "y_scale: float32", "y_zero_point: T", "z_scale: float32",
      "z_zero_point: T",
    ], outputs: ["Z: T"], types: ["T": .bytes])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let condition = try context.type(0), x = try context.type(1), y = try context.type(4)
    for index in [2, 3, 5, 6, 7, 8] { try context.checkScalar(index) }
    for index in 0..<9 { _ = try context.type(index) }
    return [TensorType(x.element, try .broadcast([condition.shape, x.shape, y.shape]))]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(context[1].element ?? context[4].element, context.broadcast([0, 1, 4]))] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(1).element {
    case .uint8: try kernel(UInt8.self, context)
    case .int8: try kernel(Int8.self, context)
    default: throw context.unsupportedTypes()
    }
  }

  /// A table for each of X and Y comes first: their codes as codes of the result.
  private func kernel<T: FixedWidthInteger & Element>(_: T.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let output = try context.outputType(0)
    let broadcast = Broadcast([try context.type(0).shape, try context.type(1).shape, try context.type(4).shape], to: output.shape)
    let tables = Kernel.Stage(tasks: 2) { frame, task in
      let input = 1 &+ task &* 3
      func operand(_ index: Int) -> (Float, Float) {
        (frame.input(index, as: Float.self).pointee, Float(frame.input(index &+ 1, as: T.self).pointee))
      }
      let source = operand(input &+ 1), result = operand(7)
      let table = (frame.scratch + task &* 256).assumingMemoryBound(to: T.self)
      if source == result {
        for code in 0..<256 { table[code] = T(truncatingIfNeeded: code) }
      } else {
        tabulate({ $0 }, source, result, into: table)
      }
    }
    let steps = broadcast.walks.map { $0 ? 1 : 0 }
    let (conditionStep, xStep, yStep) = (steps[0], steps[1], steps[2])
    let select = Kernel.Stage.ranges(output.count, grain: elementwiseGrain) { frame, range in
      let xTable = frame.scratch.assumingMemoryBound(to: UInt8.self), yTable = xTable + 256
      broadcast.forEachRun(in: range) { at, start, count in
        let condition = frame.input(0, as: UInt8.self) + at[0]
        let x = frame.input(1, as: UInt8.self) + at[1], y = frame.input(4, as: UInt8.self) + at[2]
        let z = frame.output(0, as: UInt8.self) + start
        for index in 0..<count {
          let taken = xTable[Int(x[index &* xStep])], other = yTable[Int(y[index &* yStep])]
          z[index] = condition[index &* conditionStep] != 0 ? taken : other
        }
      }
    }
    return Kernel(stages: [tables, select], scratchBytes: 512)
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: inputsLikeOutput([1, 4], context))] }
}
