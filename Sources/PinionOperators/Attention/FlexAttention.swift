import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Scaled dot-product attention whose scores and probabilities go through subgraphs of the node.
package struct FlexAttention: EagerExecutable {
  package static let schema = Schema(
    "FlexAttention", domain: "ai.onnx.preview", since: 1, inputs: ["Q: T", "K: floats", "V: floats"], outputs: ["Y: T"], types: ["T": .floats])
  let scale: Float?
  let precision: ElementType?
  let scoreModifier: Int?
  let probabilityModifier: Int?

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    scale = try attributes.optionalFloat("scale")
    precision = try attributes.optionalElementType("softmax_precision")
    scoreModifier = attributes.has("score_mod") ? try attributes.subgraph("score_mod") : nil
    probabilityModifier = attributes.has("prob_mod") ? try attributes.subgraph("prob_mod") : nil
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let q = context[0]
    return [Fact(q.element, [q.extent(0), q.extent(1), q.extent(2), context[2].extent(3)])]
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    var tensors: [Tensor] = []
    for input in inputs.prefix(3) {
      guard let tensor = try input?.asTensor() else { throw .invalidModel("Q, K or V is missing") }
      tensors.append(tensor)
    }
    guard tensors.count == 3 else { throw .invalidModel("Q, K or V is missing") }
    let isDouble = tensors.contains { $0.element == .float64 }
    return isDouble ? try run(tensors, Double.self, context) : try run(tensors, Float.self, context)
  }

  private func shape(_ q: Shape, _ k: Shape, _ v: Shape) throws(PinionError) -> AttentionShape {
    guard q.rank == 4, k.rank == 4, v.rank == 4, k[0] == q[0], v[0] == q[0], k[3] == q[3], v[1] == k[1], v[2] == k[2], k[1] > 0,
      q[1] % k[1] == 0
    else { throw .invalidShape("Q \(q), K \(k) and V \(v) do not fit together") }
    return AttentionShape(batch: q[0], heads: q[1], kvHeads: k[1], queries: q[2], keys: k[2], headSize: q[3], valueSize: v[3])
  }

  private func run<T: AttentionElement>(_ tensors: [Tensor], _ type: T.Type, _ context: EagerContext) throws(PinionError) -> [Value] {
    let shape = try shape(tensors[0].shape, tensors[1].shape, tensors[2].shape)
    var operands: [Tensor] = []
    for tensor in tensors { operands.append(try converted(tensor, to: T.elementType, context)) }
    let bytes = try T.attentionScratchBytes(
      rows: shape.queries, keys: shape.keys, headSize: shape.headSize, valueSize: shape.valueSize)
    operands.append(try context.allocate(.uint8, [bytes]))
    defer { withExtendedLifetime(operands) {} }
    let q = try operands[0].unsafeElements(as: T.self), k = try operands[1].unsafeElements(as: T.self), v = try operands[2].unsafeElements(as: T.self)
    let scratch = operands[3].data
    let precision = precision ?? T.elementType
    let functions = try AttentionFunctions<T>(softcap: 0)
    let factor = scale.map(Double.init) ?? 1 / Double(max(shape.headSize, 1)).squareRoot()
    let group = shape.heads / shape.kvHeads, matrix = shape.queries &* shape.keys

    var scores = try context.allocate(T.elementType, [shape.batch, shape.heads, shape.queries, shape.keys])
    if let qBase = q.baseAddress, let kBase = k.baseAddress, matrix > 0 {
      let target = try scores.mutableElements(as: T.self)
      for unit in 0..<shape.batch &* shape.heads {
        try context.control.check()
        guard let base = target.baseAddress else { break }
        let kvUnit = unit / shape.heads &* shape.kvHeads &+ unit % shape.heads / group
        T.scores(
          qBase + unit &* shape.queries &* shape.headSize, shape.headSize, rows: shape.queries,
          .rows(kBase + kvUnit &* shape.keys &* shape.headSize, stride: shape.headSize), keys: shape.keys, depth: shape.headSize, scale: T(factor),
          into: base + unit &* matrix, stride: shape.keys, scratch: scratch)
      }
    }
    scores = try modified(scores, by: scoreModifier, precision, context)
    var probabilities = scoreModifier == nil ? scores : try converted(scores, to: T.elementType, context)
    if probabilities.data == scores.data, scoreModifier != nil { probabilities = try scores.copy(allocator: context.allocator) }
    if let base = try probabilities.mutableElements(as: T.self).baseAddress, shape.keys > 0 {
      for row in 0..<shape.batch &* shape.heads &* shape.queries {
        functions.softmax(base + row &* shape.keys, count: shape.keys, sink: nil)
      }
    }
    probabilities = try converted(try modified(probabilities, by: probabilityModifier, precision, context), to: T.elementType, context)

    let y = try context.allocate(T.elementType, [shape.batch, shape.heads, shape.queries, shape.valueSize])
    defer { withExtendedLifetime(probabilities) {} }
    let weights = try probabilities.unsafeElements(as: T.self)
    if let target = try y.mutableElements(as: T.self).baseAddress, y.count > 0 {
      if let base = weights.baseAddress, let vBase = v.baseAddress, matrix > 0 {
        for unit in 0..<shape.batch &* shape.heads {
          try context.control.check()
          let kvUnit = unit / shape.heads &* shape.kvHeads &+ unit % shape.heads / group
          T.mix(
            base + unit &* matrix, stride: shape.keys, rows: shape.queries, keys: shape.keys,
            .rows(vBase + kvUnit &* shape.keys &* shape.valueSize, stride: shape.valueSize), width: shape.valueSize, into: target + unit &* shape.queries &* shape.valueSize, shape.valueSize, scratch: scratch)
        }
      } else {
        target.update(repeating: 0, count: y.count)
      }
    }
    return [.tensor(try converted(y, to: tensors[0].element, context))]
  }

  /// What the subgraph makes of a tensor of the same shape.
  private func modified(
    _ tensor: Tensor, by modifier: Int?, _ precision: ElementType, _ context: EagerContext
  ) throws(PinionError) -> Tensor {
    guard let modifier else { return tensor }
    let results = try context.run(subgraph: modifier, inputs: [.tensor(try converted(tensor, to: precision, context))])
    guard results.count == 1 else { throw .invalidModel("a modifier has \(results.count) outputs, expected 1") }
    let result = try results[0].asTensor()
    guard result.shape == tensor.shape else { throw .invalidShape("a modifier made \(result.type) of \(tensor.type)") }
    return result
  }

  private func converted(_ tensor: Tensor, to element: ElementType, _ context: EagerContext) throws(PinionError) -> Tensor {
    guard tensor.element != element else { return tensor }
    let convert = try conversion(from: tensor.element, to: element)
    let result = try context.allocate(TensorType(element, tensor.shape))
    convert(tensor.data, result.data, tensor.count)
    return result
  }
}
