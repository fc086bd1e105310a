import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's mixture of experts with weights of 2, 4 or 8 bits, a scale for each row or for each block of a row.
package struct QMoE: CPUExecutable, LikeFirstInput {
  package static let schema = Schema(
    "QMoE", domain: "com.microsoft", since: 1,
    inputs: [
      "input: T", "router_probs: T", "fc1_experts_weights: uint8", "fc1_scales: T2", "fc1_experts_bias?: T", "fc2_experts_weights: uint8",
      "fc2_scales: T2", "fc2_experts_bias?: T", "fc3_experts_weights?: uint8", "fc3_scales?: T2", "fc3_experts_bias?: T",
      "fc1_zero_points?: uint8", "fc2_zero_points?: uint8", "fc3_zero_points?: uint8", "router_weights?: T",
    ], outputs: ["output: T"], types: ["T": [.float32, .float16, .bfloat16], "T2": [.float32, .float16, .bfloat16]], mixing: ["T", "T2"])
  package static var computesHalfInFloat32: Bool { true }
  let mixture: ExpertMixture
  /// 0 where a row has one scale.
  let blockSize: Int
  /// Of the three layers.
  let bits: [Int]

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    mixture = try ExpertMixture(&attributes)
    blockSize = try attributes.int("block_size", default: 0, in: 0...(1 << 20))
    guard blockSize == 0 || (blockSize >= 16 && blockSize & (blockSize - 1) == 0) else {
      throw .invalidModel("attribute 'block_size' is \(blockSize), expected a power of two from 16 on")
    }
    let bits = try attributes.int("expert_weight_bits", default: 4)
    var all: [Int] = []
    for layer in 1...3 {
      let own = try attributes.int("fc\(layer)_expert_weight_bits", default: bits)
      guard own == 2 || own == 4 || own == 8 else { throw .unsupported("experts of \(own) bits; 2, 4 and 8 are supported") }
      all.append(Int(own))
    }
    self.bits = all
    let kind = try attributes.string("quant_type", default: "int")
    guard kind == "int" else { throw .unsupported("experts with quant_type '\(kind)'; 'int' is supported") }
    guard try attributes.int("weights_prepacked", default: -1) <= 0 else {
      throw .unsupported("experts whose weights are laid out for another device (attribute 'weights_prepacked')")
    }
    // Activations keep their precision at every level.
    attributes.ignore("accuracy_level")
  }

  private static var weights: [Int] { [2, 5, 8] }
  private static func zeros(_ layer: Int) -> Int { 11 &+ layer }

  private func extents(_ context: InferenceContext) throws(PinionError) -> ExpertMixture.Extents {
    let extents = try mixture.extents(
      context, first: .init(weights: 2, bias: 4), second: .init(weights: 5, bias: 7), gate: .init(weights: 8, bias: 10), routing: 14
    ) { (input) throws(PinionError) in
      try (context.type(input).dims.last ?? 0).multiplied(by: 8 / bits[QMoE.weights.firstIndex(of: input) ?? 0])
    }
    for (layer, input) in QMoE.weights.enumerated() {
      guard let type = context.optionalType(input) else { continue }
      let depth = try type.dims[2].multiplied(by: 8 / bits[layer])
      guard depth > 0, depth % max(blockSize, 16) == 0 else {
        throw .unsupported("input '\(context.name(of: input))' has rows of \(depth) numbers, expected a multiple of \(max(blockSize, 16))")
      }
      _ = try context.type(input &+ 1)
      let blocks = blockSize == 0 ? 1 : depth / blockSize
      // One scale a row may have an axis of its own.
      if blockSize > 0 || context.optionalType(input &+ 1)?.rank == 3 {
        try context.check(input &+ 1, dims: [type.dims[0], type.dims[1], blocks])
      } else {
        try context.check(input &+ 1, dims: [type.dims[0], type.dims[1]])
      }
      let per = 8 / bits[layer]
      if blockSize > 0 {
        try context.check(QMoE.zeros(layer), dims: [type.dims[0], type.dims[1], (blocks &+ per &- 1) / per])
      } else {
        try context.check(QMoE.zeros(layer), dims: [type.dims[0], (type.dims[1] &+ per &- 1) / per])
      }
    }
    return extents
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    _ = try extents(context)
    return [try context.type(0)]
  }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    mixture.operations(
      inputs: inputs,
      layers: QMoE.weights.enumerated().map { ($1, $1 < inputs.count ? (inputs[$1]?.dims.last ?? 0) &* (8 / bits[$0]) : 0) })
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard try context.type(0).element == .float32, try context.type(3).element == .float32 else { throw context.unsupportedTypes() }
    let extents = try extents(context.inference)
    var preparation = Preparation(context)
    var layers: [ExpertLayer?] = []
    for index in 0..<3 { layers.append(try layer(index, &preparation, context)) }
    guard let first = layers[0], let second = layers[1] else { throw .internal("a mixture without layers") }
    let (stages, lane) = try mixture.stages(
      extents, first: first, second: second, gate: layers[2], routing: context.has(14) ? 14 : nil, &preparation)
    return preparation.kernel(stages, laneScratchBytes: lane)
  }

  private func layer(_ index: Int, _ preparation: inout Preparation, _ context: KernelContext) throws(PinionError) -> ExpertLayer? {
    let input = QMoE.weights[index], bits = bits[index]
    guard let type = context.optionalType(input) else { return nil }
    let rows = type.dims[1], depth = type.dims[2] &* (8 / bits), lines = type.dims[0] &* rows
    // A row with one scale has blocks that share it.
    let block = blockSize > 0 ? blockSize : max(1 << depth.trailingZeroBitCount, 16)
    let repeats = blockSize > 0 ? 1 : depth / block
    var scales = Preparation.Place.input(input &+ 1)
    if repeats != 1 {
      scales = try place(&preparation, context, input &+ 1, form: "experts.scales.\(repeats)", lines &* repeats) { elements, target in
        let source = elements.assumingMemoryBound(to: Float.self)
        for line in 0..<lines { for copy in 0..<repeats { target[line &* repeats &+ copy] = source[line] } }
      }
    }
    var zeros: Preparation.Place?
    let points = QMoE.zeros(index)
    if context.has(points) {
      // Packed anew for each row, or for each expert where a row has one.
      let packed = blockSize > 0 ? depth / block : rows, groups = blockSize > 0 ? lines : type.dims[0]
      let bytes = (packed &* bits &+ 7) / 8, mask = UInt8(truncatingIfNeeded: (1 &<< bits) &- 1)
      zeros = try place(&preparation, context, points, form: "experts.zeros.\(bits).\(packed).\(repeats)", groups &* packed &* repeats) {
        elements, target in
        let codes = elements.assumingMemoryBound(to: UInt8.self)
        for group in 0..<groups {
          for point in 0..<packed {
            let bit = point &* bits
            let code = Float((codes[group &* bytes &+ bit / 8] &>> UInt8(truncatingIfNeeded: bit % 8)) & mask)
            for copy in 0..<repeats { target[(group &* packed &+ point) &* repeats &+ copy] = code }
          }
        }
      }
    }
    let bias = input &+ 2
    return ExpertLayer(
      input: input, bias: context.has(bias) ? bias : nil, rows: rows, depth: depth,
      weights: .codes(bits: bits, block: block, scales: scales, zeros: zeros))
  }

  /// Numbers made of an operand, once where it is a constant.
  private func place(
    _ preparation: inout Preparation, _ context: KernelContext, _ input: Int, form: String, _ count: Int,
    _ fill: @escaping @Sendable (UnsafeRawPointer, UnsafeMutablePointer<Float>) -> Void
  ) throws(PinionError) -> Preparation.Place {
    let bytes = try count.multiplied(by: 4)
    if let constant = context.value(input) {
      return .constant(
        try context.packed(constant, form: form, bytes: bytes) { elements, target, _ in fill(elements, target.assumingMemoryBound(to: Float.self)) })
    }
    return try preparation.compute(bytes: bytes) { frame, target in fill(frame.rawInput(input), target.assumingMemoryBound(to: Float.self)) }
  }
}
