import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's mixture of experts: for each token the `k` best experts, each two layers, added by the weights that a router gives them.
package struct MoE: CPUExecutable, LikeFirstInput {
  package static let schema = Schema(
    "MoE", domain: "com.microsoft", since: 1,
    inputs: [
      "input: T", "router_probs: T", "fc1_experts_weights: T", "fc1_experts_bias?: T", "fc2_experts_weights: T", "fc2_experts_bias?: T",
      "fc3_experts_weights?: T", "fc3_experts_bias?: T",
    ], outputs: ["output: T"], types: ["T": [.float32, .float16, .bfloat16]], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let mixture: ExpertMixture

  package init(_ attributes: inout AttributeReader) throws(PinionError) { mixture = try ExpertMixture(&attributes) }

  private func extents(_ context: InferenceContext) throws(PinionError) -> ExpertMixture.Extents {
    try mixture.extents(
      context, first: .init(weights: 2, bias: 3), second: .init(weights: 4, bias: 5), gate: .init(weights: 6, bias: 7)
    ) { (input) throws(PinionError) in try context.type(input).dims.last ?? 0 }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    _ = try extents(context)
    return [try context.type(0)]
  }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    mixture.operations(inputs: inputs, layers: [2, 4, 6].map { ($0, $0 < inputs.count ? inputs[$0]?.dims.last ?? 0 : 0) })
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard try context.type(0).element == .float32 else { throw context.unsupportedTypes() }
    let extents = try extents(context.inference)
    func layer(_ input: Int) throws(PinionError) -> ExpertLayer {
      let dims = try context.type(input).dims
      return ExpertLayer(input: input, bias: context.has(input &+ 1) ? input &+ 1 : nil, rows: dims[1], depth: dims[2], weights: .numbers)
    }
    var preparation = Preparation(context)
    let (stages, lane) = try mixture.stages(
      extents, first: try layer(2), second: try layer(4), gate: context.has(6) ? try layer(6) : nil, routing: nil, &preparation)
    return preparation.kernel(stages, laneScratchBytes: lane)
  }
}
