import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// A convolution followed by what scales or shifts its channels (BatchNormalization, Mul, Div, Add and Sub of constants) takes that
/// into its weights and bias. A Gemm followed by BatchNormalization does as well.
struct ChannelAffine: Rule {
  let anchors: [any Operator.Type] = [BatchNormalization.self, Mul.self, Div.self, Add.self, Sub.self]

  /// `scale * y + shift` for each channel; nil stands for 1 and 0.
  private struct Affine {
    var scale: [Double]?
    var shift: [Double]?
  }

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    let source = editor.kind(index) == BatchNormalization.self ? editor.input(index, 0) : editor.constantAndOther(index)?.other
    guard let source, let producer = editor.soleProducer(source, Conv.self, ConvTranspose.self, Gemm.self),
      let weights = editor.constant(editor.input(producer, 1)), weights.element == .float32
    else { return false }
    let bias = editor.constant(editor.input(producer, 2))
    guard bias != nil || editor.input(producer, 2) == nil, let layout = ChannelLayout(editor[producer].op, weights),
      bias.map({ layout.bias($0) != nil }) ?? true,
      let affine = editor.kind(index) == BatchNormalization.self
        ? normalization(index, editor, channels: layout.channels) : broadcast(index, editor, layout),
      affine.scale?.allSatisfy(isModestFactor) ?? true
    else { return false }
    var node = editor[producer]
    if let scale = affine.scale {
      guard let scaled = try context.folding.constant(weights.type, allocator: context.allocator),
        let elements = try context.folding.source(weights)
      else { return false }
      try layout.scale(elements, by: scale, into: scaled, context.control)
      node.inputs[1] = editor.addConstant(scaled)
    }
    let old = layout.bias(bias)
    if affine.shift != nil || old != nil {
      var sums = [Float](repeating: 0, count: layout.channels)
      for channel in sums.indices {
        sums[channel] = Float((old?[channel] ?? 0) * (affine.scale?[channel] ?? 1) + (affine.shift?[channel] ?? 0))
      }
      while node.inputs.count < 3 { node.inputs.append(nil) }
      node.inputs[2] = editor.addConstant(try Tensor(vector: sums))
      node.formalInputCount = node.inputs.count
      node.attributes["beta"] = nil
    }
    var replacement = try Node(
      type(of: node.op), name: node.name, attributes: node.attributes, inputs: node.inputs,
      outputs: editor.outputs(of: index))
    replacement.opset = node.opset
    editor.replace(index, with: replacement)
    return true
  }

  private func normalization(_ index: Int, _ editor: GraphEditor, channels: Int) -> Affine? {
    channelFactors(index, editor, channels: channels).map { Affine(scale: $0.scale, shift: $0.shift) }
  }

  private func broadcast(_ index: Int, _ editor: GraphEditor, _ layout: ChannelLayout) -> Affine? {
    guard let (constant, slot, _) = editor.constantAndOther(index), let numbers = layout.perChannel(constant) else { return nil }
    switch editor.kind(index) {
    case Mul.self: return Affine(scale: numbers)
    case Div.self: return slot == 1 && !numbers.contains(0) ? Affine(scale: numbers.map { 1 / $0 }) : nil
    case Add.self: return Affine(shift: numbers)
    case Sub.self where slot == 1: return Affine(shift: numbers.map { -$0 })
    case Sub.self: return Affine(scale: [Double](repeating: -1, count: layout.channels), shift: numbers)
    default: return nil
    }
  }
}

/// What a BatchNormalization of constant statistics multiplies each channel by and adds.
func channelFactors(_ index: Int, _ editor: GraphEditor, channels: Int) -> (scale: [Double], shift: [Double])? {
  let node = editor[index]
  guard let op = node.op as? BatchNormalization, node.outputs.count == 1, !op.isTraining, op.isSpatial,
    let scale = editor.constant(editor.input(index, 1))?.numbers, let shift = editor.constant(editor.input(index, 2))?.numbers,
    let mean = editor.constant(editor.input(index, 3))?.numbers, let variance = editor.constant(editor.input(index, 4))?.numbers,
    [scale, shift, mean, variance].allSatisfy({ $0.count == channels })
  else { return nil }
  let epsilon = Double(op.epsilon)
  let factors = (0..<channels).map { scale[$0] / (variance[$0] + epsilon).squareRoot() }
  return (factors, (0..<channels).map { shift[$0] - mean[$0] * factors[$0] })
}

/// Where the output channels are in the weights of a convolution or product.
private struct ChannelLayout {
  let channels: Int
  /// The rank of the result.
  let rank: Int
  /// The weights are [outer, channels of a group, inner], with as many groups as divide `outer`.
  private let outer: Int
  private let inner: Int
  private let groups: Int
  private let biasFactor: Double

  init?(_ op: any Operator, _ weights: Tensor) {
    rank = weights.shape.rank
    let dims = weights.shape.dims
    guard weights.count > 0 else { return nil }
    switch op {
    case is Conv where rank > 2:
      (outer, channels, inner, groups, biasFactor) = (1, dims[0], weights.shape.count(1..<rank), 1, 1)
    case let op as ConvTranspose where rank > 2 && dims[0] % op.groups == 0 && dims[1] < 1 << 31 && op.groups < 1 << 31:
      (outer, channels, inner, groups, biasFactor) = (dims[0], dims[1] &* op.groups, weights.shape.count(2..<rank), op.groups, 1)
    case let op as Gemm where rank == 2:
      (outer, channels, inner) = op.form.transposition.b ? (1, dims[0], dims[1]) : (dims[0], dims[1], 1)
      (groups, biasFactor) = (1, Double(op.form.beta))
    default: return nil
    }
  }

  /// - Parameter weights: elements in memory.
  func scale(_ weights: Tensor, by scale: [Double], into result: Tensor, _ control: RunControl) throws(PinionError) {
    defer { withExtendedLifetime(weights) {} }
    let source = weights.data.assumingMemoryBound(to: Float.self), target = result.data.assumingMemoryBound(to: Float.self)
    let perGroup = channels / groups, rowsPerGroup = outer / groups
    var position = 0
    var poll = Poll(control)
    for row in 0..<outer {
      for channel in 0..<perGroup {
        let factor = scale[(row / max(rowsPerGroup, 1)) &* perGroup &+ channel]
        try poll.count(inner &+ 4)
        for _ in 0..<inner {
          target[position] = Float(Double(source[position]) * factor)
          position &+= 1
        }
      }
    }
  }

  /// A constant that is the same for all elements of a channel.
  func perChannel(_ constant: Tensor) -> [Double]? {
    let dims = constant.shape.dims
    guard dims.count <= rank, let numbers = constant.numbers else { return nil }
    if numbers.count == 1 { return [Double](repeating: numbers[0], count: channels) }
    // The channel axis is the second of the result.
    let axis = dims.count - (rank - 1)
    guard axis >= 0, numbers.count == channels, dims[axis] == channels else { return nil }
    return numbers
  }

  /// The bias there is, for each channel: a vector, or for Gemm whatever broadcasts.
  func bias(_ constant: Tensor?) -> [Double]? {
    guard let constant, let numbers = rank > 2 ? constant.numbers : perChannel(constant), numbers.count == channels else { return nil }
    return biasFactor == 1 ? numbers : numbers.map { $0 * biasFactor }
  }
}

/// Conv(X) + Z, where Z has the shape of the result.
struct ConvResidual: Rule {
  let anchors: [any Operator.Type] = [Add.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    var best: (conv: Int, residual: ValueID)?
    for slot in 0..<2 {
      guard let value = editor.input(index, slot), let conv = editor.soleProducer(value, Conv.self, FusedConv.self),
        editor.op(conv, FusedConv.self)?.activation.isNone ?? true, editor.inputs(of: conv).count < 4, let residual = editor.other(index, than: value),
        editor.constant(residual) == nil, editor.isFusible(conv)
      else { continue }
      // Of two convolutions the later one, when the other's result is there already.
      if conv > best?.conv ?? -1 { best = (conv, residual) }
    }
    guard let best, hasSameShape(best.conv, best.residual, index, &editor) else { return false }
    var inputs = editor[best.conv].inputs
    while inputs.count < 3 { inputs.append(nil) }
    inputs.append(best.residual)
    let node = try Node(
      FusedConv.self, name: editor[best.conv].name, attributes: editor[best.conv].attributes, inputs: inputs,
      outputs: editor.outputs(of: index))
    editor.replace(index, with: node)
    return true
  }

  private func hasSameShape(_ conv: Int, _ residual: ValueID, _ index: Int, _ editor: inout GraphEditor) -> Bool {
    guard let output = editor.outputs(of: conv).first, let a = editor.fact(output, at: index).dims,
      let b = editor.fact(residual, at: index).dims
    else { return false }
    return a == b && !a.contains(nil)
  }
}
