import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// 1 where x is above a threshold, else 0.
package struct Binarizer: CPUExecutable, LikeFirstInput {
  package static let schema = Schema(
    "Binarizer", domain: "ai.onnx.ml", since: 1, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": [.indices, .float32, .float64]])
  let threshold: Float

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    threshold = try attributes.float("threshold", default: 0)
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let threshold = threshold
    switch try context.type(0).element {
    case .float32: return try kernel(context, above: threshold, one: 1)
    case .float64: return try kernel(context, above: Double(threshold), one: 1)
    case .int32: return try kernel(context, above: threshold, one: 1 as Int32)
    case .int64: return try kernel(context, above: threshold, one: 1 as Int64)
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<T: Element & BinaryFloatingPoint>(_ context: KernelContext, above threshold: T, one: T) throws(PinionError) -> Kernel {
    .ranges(try context.type(0).count, grain: elementwiseGrain) { frame, range in
      let x = frame.input(0, as: T.self)
      let y = frame.output(0, as: T.self)
      for index in range { y[index] = x[index] > threshold ? one : 0 }
    }
  }

  private func kernel<T: Element & FixedWidthInteger>(_ context: KernelContext, above threshold: Float, one: T) throws(PinionError) -> Kernel {
    .ranges(try context.type(0).count, grain: elementwiseGrain) { frame, range in
      let x = frame.input(0, as: T.self)
      let y = frame.output(0, as: T.self)
      for index in range { y[index] = Double(x[index]) > Double(threshold) ? one : 0 }
    }
  }
}
