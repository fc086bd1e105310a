import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The gradient of a convolution with respect to its input, used as an operator: each input element adds a scaled window
/// of the weights to the output.
package struct ConvTranspose: CPUExecutable {
  package static let schema = Schema("ConvTranspose", since: 22, inputs: ["X: T", "W: T", "B?: T"], outputs: ["Y: T"], types: ["T": .floats])
  package static var computesHalfInFloat32: Bool { true }
  let window: WindowAttributes
  package let groups: Int
  let outputPadding: [Int64]?
  let outputShape: [Int64]?

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    window = try WindowAttributes(&attributes)
    groups = try attributes.int("group", default: 1, in: 1...Int64(Window.limit))
    outputPadding = try attributes.optionalInts("output_padding")
    outputShape = try attributes.optionalInts("output_shape")
  }

  private func shape(_ x: TensorType, _ w: TensorType) throws(PinionError) -> ConvolutionShape {
    guard x.rank >= 3, w.rank == x.rank else {
      throw .invalidShape("input \(x) with weights \(w), expected [N,C,extents...] and [C,M/group,extents...] of one rank, at least 3")
    }
    let channels = x.dims[1], rank = x.rank - 2
    guard channels == w.dims[0], channels % groups == 0, channels > 0 else {
      throw .invalidShape("input \(x) and weights \(w) do not make \(groups) groups")
    }
    var window = try self.window.window(input: Array(x.dims[2...]), weights: Array(w.dims[2...]), mayBeEmpty: true)
    (window.padBefore, window.padAfter) = try self.window.explicitPads(rank)
    let extra = try bounded("output_padding", outputPadding, rank) ?? [Int](repeating: 0, count: rank)
    // Some exporters name all extents of the result.
    let named = outputShape.map { $0.count == rank + 2 ? Array($0.dropFirst(2)) : $0 }
    let wanted = try bounded("output_shape", named, rank)
    for axis in 0..<rank {
      let span = try (window.input[axis] &- 1).multiplied(by: window.stride[axis]).adding(window.reach[axis]).adding(extra[axis])
      let autoPad = self.window.autoPad
      let isSame = autoPad == .sameUpper || autoPad == .sameLower
      var target = wanted?[axis]
      if target == nil, isSame { target = try window.input[axis].multiplied(by: window.stride[axis]) }
      if let target {
        let total = max(span &- target, 0)
        window.padBefore[axis] = autoPad == .sameUpper ? total / 2 : total &- total / 2
        window.padAfter[axis] = total &- window.padBefore[axis]
        window.output[axis] = target
      } else {
        window.output[axis] = span &- window.padBefore[axis] &- window.padAfter[axis]
      }
      guard window.output[axis] > 0 else { throw .invalidShape("axis \(axis) of the result has extent \(window.output[axis])") }
    }
    return ConvolutionShape(images: x.dims[0], groups: groups, channels: channels / groups, outputs: w.dims[1], window: window)
  }

  private func bounded(_ name: String, _ values: [Int64]?, _ rank: Int) throws(PinionError) -> [Int]? {
    guard let values else { return nil }
    guard values.count == rank else { throw .invalidShape("attribute '\(name)' has \(values.count) elements, expected \(rank)") }
    for value in values where value < 0 || value >= Int64(Window.limit) {
      throw .invalidModel("attribute '\(name)' is \(values), expected no negative numbers")
    }
    return values.map { Int($0) }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let x = try context.type(0)
    let shape = try shape(x, try context.type(1))
    let outputs = try shape.outputs.multiplied(by: groups)
    if let bias = context.optionalType(2), bias.dims != [outputs] {
      throw .invalidShape("bias \(bias), expected a number for each of the \(outputs) output channels")
    }
    return [TensorType(x.element, try Shape([shape.images, outputs] + shape.window.output))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let x = context[0], w = context[1], element = context.element(of: 0..<2)
    guard let rank = x.rank ?? w.rank, rank > 2 else { return [Fact(element: element)] }
    let outputs = context.symbols.product(of: [w.extent(1), groups])
    let extents = (0..<(rank - 2)).map { spatialExtent($0, rank - 2, x.extent($0 + 2), w.known($0 + 2), context.symbols) }
    return [Fact(element, [x.extent(0), outputs] + extents)]
  }

  /// What follows for an axis of the image.
  private func spatialExtent(_ axis: Int, _ rank: Int, _ extent: Int?, _ kernel: Int?, _ symbols: Symbols) -> Int? {
    func number(_ list: [Int64]?, default value: Int) -> Int? {
      guard let list else { return value }
      guard list.count == rank, list[axis] >= 0, list[axis] < Int64(Window.limit) else { return nil }
      return Int(list[axis])
    }
    guard let stride = number(window.strides, default: 1), let dilation = number(window.dilations, default: 1),
      let extra = number(outputPadding, default: 0), let pads = try? window.explicitPads(rank)
    else { return nil }
    if let outputShape {
      let named = outputShape.count == rank + 2 ? Array(outputShape.dropFirst(2)) : outputShape
      return named.count == rank ? Int(exactly: named[axis]) : nil
    }
    if window.autoPad == .sameUpper || window.autoPad == .sameLower { return symbols.product(of: [extent, stride]) }
    guard let kernel, kernel > 0, kernel < Window.limit else { return nil }
    let others = (kernel &- 1).multipliedReportingOverflow(by: dilation)
    guard !others.overflow, others.partialValue < 1 << 40 else { return nil }
    return symbols.extent(
      symbols.product(of: [extent, stride]), plus: others.partialValue &+ 1 &+ extra &- stride &- pads.before[axis] &- pads.after[axis])
  }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    guard let x = inputs.first ?? nil, inputs.count > 1, let weights = inputs[1], let channels = weights.dims.first, channels > 0 else { return 0 }
    return 2 &* x.count &* (weights.count / channels)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let x = try context.type(0)
    let shape = try shape(x, try context.type(1))
    let operands = ConvolutionOperands(bias: context.has(2) ? 2 : nil)
    switch x.element {
    case .float32: return try floatTransposedConvolutionKernel(shape, operands, context)
    case .float64: return try directConvolutionKernel(shape, operands, Double.self, isTransposed: true, context)
    default: throw context.unsupportedTypes()
    }
  }
}
