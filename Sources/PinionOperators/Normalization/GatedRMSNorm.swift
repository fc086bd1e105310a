import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's GatedRMSNorm: x over its root mean square in groups as long as the scale, times the scale and a function of a gate.
package struct GatedRMSNorm: CPUExecutable, LikeFirstInput {
  enum Function: String, CaseIterable { case silu, swish, sigmoid }

  package static let schema = Schema(
    "GatedRMSNorm", domain: "com.microsoft", since: 1, inputs: ["X: T", "scale: T", "gate: T"], outputs: ["Y: T"],
    types: ["T": [.float32, .float16, .bfloat16]], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let normalization: RowNormalization
  let function: Function

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    normalization = RowNormalization(epsilon: Double(try attributes.float("epsilon", default: 1e-5)), centers: false)
    function = try attributes.choice("activation", default: .silu)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rankAtLeast: 1), scale = try context.type(1, rank: 1)
    guard let last = type.dims.last, scale.count > 0, last % scale.count == 0 else {
      throw .invalidShape("input 'scale' is \(scale), expected a length that divides the last axis of \(type)")
    }
    try context.check(2, dims: type.dims)
    return [type]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard try context.type(0).element == .float32 else { throw context.unsupportedTypes() }
    let extent = try context.type(1).count, rows = try context.type(0).count / extent
    let normalize = try normalization.function(Float.self)
    let gate = try Float.function(function == .sigmoid ? PK_UNARY_SIGMOID : PK_UNARY_SWISH)
    return .ranges(rows, grain: max(1, 16_384 / extent), laneScratchBytes: try extent.multiplied(by: 4)) { frame, range in
      let factors = frame.laneScratch.assumingMemoryBound(to: Float.self)
      var parameters = pk_params(1)
      for row in range {
        let y = frame.output(0, as: Float.self) + row &* extent
        gate(frame.input(2, as: Float.self) + row &* extent, factors, extent, &parameters)
        normalize.apply(frame.input(0, as: Float.self) + row &* extent, y, count: extent, scale: frame.input(1), bias: nil)
        for index in 0..<extent { y[index] *= factors[index] }
      }
    }
  }
}

/// com.microsoft's BranchwiseRMSNorm: each branch [..., branches, size] over its root mean square, where the branches may lie one behind the
/// other in the last axis.
package struct BranchwiseRMSNorm: CPUExecutable, LikeFirstInput {
  package static let schema = Schema(
    "BranchwiseRMSNorm", domain: "com.microsoft", since: 1, inputs: ["X: T", "scale?: M"], outputs: ["Y: T"],
    types: ["T": [.float32, .float16, .bfloat16], "M": [.float32, .float16, .bfloat16]])
  package static var computesHalfInFloat32: Bool { true }
  let normalization: RowNormalization
  /// 0 where the branches are an axis of their own.
  let branches: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    normalization = RowNormalization(epsilon: Double(try attributes.float("epsilon", default: 1e-5)), centers: false)
    branches = try attributes.int("num_branches", default: 0, in: 0...(1 << 40))
  }

  private func form(_ context: InferenceContext) throws(PinionError) -> (branches: Int, extent: Int) {
    let type = try context.type(0, rankAtLeast: branches == 0 ? 2 : 1)
    let last = type.dims[type.rank - 1]
    let count = branches == 0 ? type.dims[type.rank - 2] : branches
    guard branches == 0 || last % branches == 0 else { throw .invalidShape("\(type) does not consist of \(branches) branches") }
    let extent = branches == 0 ? last : last / branches
    if let scale = context.optionalType(1) {
      let flat = try count.multiplied(by: extent)
      let fits = scale.dims == [extent] || scale.dims == [count, extent] || scale.dims == [flat]
      guard fits else { throw .invalidShape("input 'scale' is \(scale), expected [\(count),\(extent)] or [\(extent)]") }
    }
    return (count, extent)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    _ = try form(context)
    return [try context.type(0)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard try context.type(0).element == .float32 else { throw context.unsupportedTypes() }
    let (branches, extent) = try form(context.inference), normalize = try normalization.function(Float.self)
    let hasScale = context.has(1), period = context.optionalType(1)?.count == extent ? 1 : max(branches, 1)
    let rows = extent == 0 ? 0 : try context.type(0).count / extent
    return .ranges(rows, grain: max(1, 16_384 / max(extent, 1))) { frame, range in
      for row in range {
        normalize.apply(
          frame.input(0, as: Float.self) + row &* extent, frame.output(0, as: Float.self) + row &* extent, count: extent,
          scale: hasScale ? frame.input(1, as: Float.self) + row % period &* extent : nil, bias: nil)
      }
    }
  }
}
