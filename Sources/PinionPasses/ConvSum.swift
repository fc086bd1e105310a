import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// Add of two convolutions of one tensor, as networks have them that are trained with several branches: the convolution with the sum of
/// both kernels. A smaller kernel is the larger one with zeros around it, BatchNormalization of the tensor a kernel of one tap.
struct ConvSum: Rule {
  let anchors: [any Operator.Type] = [Add.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let first = editor.soleProducer(editor.input(index, 0), Conv.self, BatchNormalization.self),
      let second = editor.soleProducer(editor.input(index, 1), Conv.self, BatchNormalization.self), first != second,
      let source = editor.input(first, 0), source == editor.input(second, 0)
    else { return false }
    for (wide, narrow) in [(first, second), (second, first)] {
      guard let kernel = Branch(wide, editor), let part = Branch(narrow, editor) ?? identity(narrow, beside: kernel, editor),
        let offset = kernel.place(of: part), let sum = try kernel.sum(with: part, at: offset, context)
      else { continue }
      var node = editor[wide]
      node.inputs = [source, editor.addConstant(sum)]
      if kernel.bias != nil || part.bias != nil {
        var sums = [Float](repeating: 0, count: kernel.dims[0])
        for channel in sums.indices { sums[channel] = Float((kernel.bias?[channel] ?? 0) + (part.bias?[channel] ?? 0)) }
        node.inputs.append(editor.addConstant(try Tensor(vector: sums)))
      }
      node.formalInputCount = node.inputs.count
      var replacement = try Node(
        Conv.self, name: node.name, attributes: node.attributes, inputs: node.inputs, outputs: editor[index].outputs)
      replacement.opset = node.opset
      editor.replace(index, with: replacement)
      return true
    }
    return false
  }

  /// BatchNormalization as a kernel of one tap for each channel, which stands where the other's windows are centred.
  private func identity(_ index: Int, beside kernel: Branch, _ editor: GraphEditor) -> Branch? {
    let channels = kernel.dims[0]
    guard editor.kind(index) == BatchNormalization.self, kernel.dims[1] &* kernel.groups == channels,
      let factors = channelFactors(index, editor, channels: channels), factors.scale.allSatisfy(isModestFactor)
    else { return nil }
    return Branch(identityOf: factors.scale, shift: factors.shift, beside: kernel)
  }
}

/// A convolution of constant weights, or what can be taken for one.
private struct Branch {
  /// Outputs, channels of a group, taps of each axis.
  let dims: [Int]
  let groups: Int
  let strides, dilations, before, after: [Int]
  let bias: [Double]?
  /// nil for a kernel of one tap that only has the factors of each channel itself.
  let weights: Tensor?
  let factors: [Double]

  /// nil where the node is no convolution of float32 whose padding is written down.
  init?(_ index: Int, _ editor: GraphEditor) {
    guard editor.kind(index) == Conv.self, let weights = editor.constant(editor.input(index, 1)), weights.element == .float32,
      weights.shape.rank > 2, weights.count > 0
    else { return nil }
    let attributes = editor[index].attributes, axes = weights.shape.rank - 2
    if case .string(let padding)? = attributes["auto_pad"], padding != "NOTSET" { return nil }
    func numbers(_ name: String, _ count: Int, _ missing: Int) -> [Int]? {
      guard let attribute = attributes[name] else { return [Int](repeating: missing, count: count) }
      guard case .ints(let values) = attribute, values.count == count, values.allSatisfy({ (0...1 << 31).contains($0) }) else { return nil }
      return values.map(Int.init)
    }
    guard let strides = numbers("strides", axes, 1), let dilations = numbers("dilations", axes, 1), let pads = numbers("pads", 2 * axes, 0)
    else { return nil }
    dims = weights.shape.dims
    groups = if case .int(let count)? = attributes["group"] { Int(count) } else { 1 }
    (self.strides, self.dilations) = (strides, dilations)
    (before, after) = (Array(pads[..<axes]), Array(pads[axes...]))
    if let input = editor.input(index, 2) {
      guard let numbers = editor.constant(input)?.numbers, numbers.count == dims[0] else { return nil }
      bias = numbers
    } else {
      bias = nil
    }
    (self.weights, factors) = (weights, [])
  }

  init(identityOf factors: [Double], shift: [Double], beside kernel: Branch) {
    let none = [Int](repeating: 0, count: kernel.strides.count), one = none.map { _ in 1 }
    dims = Array(kernel.dims[..<2]) + one
    (groups, strides, dilations, before, after) = (kernel.groups, one, one, none, none)
    (bias, weights, self.factors) = (shift, nil, factors)
  }

  /// The tap of this kernel on each axis at which the other, which is no larger, reads what its first tap reads; nil where there is none.
  func place(of part: Branch) -> [Int]? {
    guard part.dims.count == dims.count, part.dims[..<2] == dims[..<2], part.groups == groups, part.strides == strides else { return nil }
    var place: [Int] = []
    for axis in strides.indices {
      let taps = dims[axis + 2], inner = part.dims[axis + 2], step = dilations[axis]
      guard inner <= taps, inner == 1 || part.dilations[axis] == step, step > 0 else { return nil }
      let distance = before[axis] - part.before[axis]
      guard distance >= 0, distance % step == 0, distance / step <= taps - inner,
        after[axis] - part.after[axis] == (taps - inner) * step - distance
      else { return nil }
      place.append(distance / step)
    }
    return place
  }

  /// Weights of this kernel and, from the tap `place` on, of the other; nil where they do not fit.
  func sum(with part: Branch, at place: [Int], _ context: PassContext) throws(PinionError) -> Tensor? {
    guard let weights else { throw .unsupported("the kernel has no weights") }
    guard let result = try context.folding.constant(weights.type, allocator: context.allocator) else { return nil }
    guard let own = try context.folding.source(weights) else { return nil }
    defer { withExtendedLifetime(own) {} }
    let target = try result.mutableElements(as: Float.self)
    let source = try own.unsafeElements(as: Float.self)
    try inPieces(of: 1 << 18, weights.count, context.control) { range in
      for position in range { target[position] = source[position] }
    }
    var poll = Poll(context.control)
    let axes = Array(dims[2...]), inner = Array(part.dims[2...]), taps = axes.reduce(1, *), kernels = dims[0] * dims[1]
    var offsets: [Int] = []
    for tap in 0..<inner.reduce(1, *) {
      var rest = tap, offset = 0, stride = 1
      for axis in axes.indices.reversed() {
        offset += (place[axis] + rest % inner[axis]) * stride
        rest /= inner[axis]
        stride *= axes[axis]
      }
      offsets.append(offset)
    }
    guard let other = part.weights else {
      for (output, factor) in part.factors.enumerated() {
        try poll.count()
        let kernel = output * dims[1] + output % dims[1]
        target[kernel * taps + offsets[0]] = Float(Double(target[kernel * taps + offsets[0]]) + factor)
      }
      return result
    }
    guard let resident = try context.folding.source(other) else { return nil }
    defer { withExtendedLifetime(resident) {} }
    let added = try resident.unsafeElements(as: Float.self)
    for kernel in 0..<kernels {
      try poll.count(offsets.count)
      for (tap, offset) in offsets.enumerated() { target[kernel * taps + offset] += added[kernel * offsets.count + tap] }
    }
    return result
  }
}
