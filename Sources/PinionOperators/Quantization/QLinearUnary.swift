import Glibc
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// 1 / (1 + exp(-x)) of a quantized tensor.
package struct QLinearSigmoid: QLinearUnary {
  package static let schema = qLinearUnarySchema("QLinearSigmoid")
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
  var function: @Sendable (Float) -> Float { { 1 / (1 + exp(-$0)) } }
}

/// x for x >= 0, alpha * x below, of a quantized tensor.
package struct QLinearLeakyRelu: QLinearUnary {
  package static let schema = qLinearUnarySchema("QLinearLeakyRelu")
  let alpha: Float
  package init(_ attributes: inout AttributeReader) throws(PinionError) { alpha = try attributes.float("alpha", default: 0.01) }

  var function: @Sendable (Float) -> Float {
    let alpha = alpha
    return { $0 >= 0 ? $0 : alpha * $0 }
  }
}

private func qLinearUnarySchema(_ name: String) -> Schema {
  Schema(
    name, domain: "com.microsoft", since: 1, 
    inputs: ["X: T", "X_scale: float32", "X_zero_point?: T", "Y_scale: float32", "Y_zero_point?: T"], outputs: ["Y: T"], types: ["T": .bytes])
}

/// A function of bytes with one scale and zero point, and others for the result.
protocol QLinearUnary: CPUExecutable, LikeFirstInput {
  var function: @Sendable (Float) -> Float { get }
}

extension QLinearUnary {
  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    for index in 1...4 {
      guard let type = context.optionalType(index), type.count != 1 else { continue }
      throw .invalidShape("input '\(Self.schema.inputName(index))' is \(type), expected one element")
    }
    return [try context.type(0)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .uint8: try kernel(UInt8.self, context)
    case .int8: try kernel(Int8.self, context)
    default: throw context.unsupportedTypes()
    }
  }

  /// The results for all 256 bytes are found first, in memory that all tasks share.
  private func kernel<T: FixedWidthInteger & Element>(_: T.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let hasX = context.has(2), hasY = context.has(4)
    let function = function
    let first = Kernel.Stage(tasks: 1) { frame, _ in
      let scaleX = frame.input(1, as: Float.self)[0], scaleY = frame.input(3, as: Float.self)[0]
      let zeroX = hasX ? Float(frame.input(2, as: T.self)[0]) : 0
      let zeroY = hasY ? Float(frame.input(4, as: T.self)[0]) : 0
      tabulate(function, (scaleX, zeroX), (scaleY, zeroY), into: frame.scratch.assumingMemoryBound(to: T.self))
    }
    let apply = Kernel.Stage.ranges(try context.type(0).count, grain: elementwiseGrain) { frame, range in
      let table = frame.scratch.assumingMemoryBound(to: T.self)
      let x = frame.input(0, as: UInt8.self), y = frame.output(0, as: T.self)
      for index in range { y[index] = table[Int(x[index])] }
    }
    return Kernel(stages: [first, apply], scratchBytes: 256)
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}

/// The results of a function of quantised numbers for all 256 codes.
@inline(__always)
func tabulate<T: FixedWidthInteger>(
  _ function: (Float) -> Float, _ x: (scale: Float, zero: Float), _ y: (scale: Float, zero: Float), into table: UnsafeMutablePointer<T>
) {
  let quantize = Quantization<T>(zeroPoint: y.zero)
  for code in 0..<256 { table[code] = quantize(function((Float(T(truncatingIfNeeded: code)) - x.zero) * x.scale) / y.scale) }
}
