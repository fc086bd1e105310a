import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// What Conv, its integer and quantised relatives and its fused form share.
struct ConvForm: Sendable {
  let window: WindowAttributes
  let groups: Int

  init(_ attributes: inout AttributeReader) throws(PinionError) {
    window = try WindowAttributes(&attributes)
    groups = try attributes.int("group", default: 1, in: 1...Int64(Window.limit))
  }

  /// The sizes for an input [N, C, extents...] and weights [M, C / group, kernel...].
  /// - Parameter mayBeEmpty: whether an extent may be 0.
  func shape(_ x: TensorType, _ w: TensorType, mayBeEmpty: Bool = false) throws(PinionError) -> ConvolutionShape {
    guard x.rank >= 3, w.rank == x.rank else {
      throw .invalidShape("input \(x) with weights \(w), expected [N,C,extents...] and [M,C/group,extents...] of one rank, at least 3")
    }
    let channels = w.dims[1], outputs = w.dims[0]
    guard outputs % groups == 0, x.dims[1] % groups == 0, x.dims[1] / groups == channels, channels > 0 else {
      throw .invalidShape("input \(x) and weights \(w) do not make \(groups) groups")
    }
    let window = try window.sliding(try window.window(input: Array(x.dims[2...]), weights: Array(w.dims[2...]), mayBeEmpty: mayBeEmpty))
    return ConvolutionShape(images: x.dims[0], groups: groups, channels: channels, outputs: outputs / groups, window: window)
  }

  /// The type of the result, for a bias of the given type if there is one.
  func infer(_ x: TensorType, _ w: TensorType, bias: TensorType?, element: ElementType, mayBeEmpty: Bool = false) throws(PinionError) -> TensorType {
    if let bias, bias.shape.dims != [w.dims.first ?? 0] {
      throw .invalidShape("bias \(bias), expected a number for each of the \(w.dims.first ?? 0) output channels")
    }
    let shape = try shape(x, w, mayBeEmpty: mayBeEmpty)
    return TensorType(element, try Shape([x.dims[0], w.dims[0]] + shape.window.output))
  }

  func facts(x: Fact, w: Fact, element: ElementType?, isChannelsLast: Bool = false, _ symbols: Symbols) -> Fact {
    guard let rank = x.rank ?? w.rank, rank > 2 else { return Fact(element: element) }
    let start = isChannelsLast ? 1 : 2
    let extents = window.slidingExtents(
      (start..<(start + rank - 2)).map { x.extent($0) }, weights: (2..<rank).map { w.known($0) }, symbols)
    return Fact(element, isChannelsLast ? [x.extent(0)] + extents + [w.extent(0)] : [x.extent(0), w.extent(0)] + extents)
  }
}
