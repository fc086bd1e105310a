import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// What the pools over sliding windows share.
struct PoolForm: Sendable {
  let attributes: WindowAttributes
  let roundsUp: Bool

  init(_ attributes: inout AttributeReader) throws(PinionError) {
    self.attributes = try WindowAttributes(&attributes)
    roundsUp = try attributes.bool("ceil_mode")
    guard self.attributes.kernel != nil else { throw .invalidModel("attribute 'kernel_shape' is missing") }
  }

  /// The window over an input [N, C, extents...].
  func window(_ x: TensorType) throws(PinionError) -> Window {
    guard x.rank >= 3 else { throw .invalidShape("input 'X' is \(x), expected [N,C,extents...]") }
    let window = try attributes.window(input: Array(x.dims[2...]))
    return try attributes.sliding(window, roundsUp: roundsUp && attributes.autoPad == .notSet)
  }

  func infer(_ context: InferenceContext) throws(PinionError) -> TensorType {
    let x = try context.type(0)
    return TensorType(x.element, try Shape(Array(x.dims.prefix(2)) + window(x).output))
  }

  func facts(_ context: FactContext, isChannelsLast: Bool = false) -> Fact {
    let x = context[0]
    guard let rank = x.rank ?? attributes.kernel.map({ $0.count + 2 }), rank > 2 else { return Fact(element: x.element) }
    let start = isChannelsLast ? 1 : 2
    let extents = attributes.slidingExtents(
      (start..<(start + rank - 2)).map { x.extent($0) }, roundsUp: roundsUp && attributes.autoPad == .notSet, context.symbols)
    return Fact(x.element, isChannelsLast ? [x.extent(0)] + extents + [x.extent(-1)] : [x.extent(0), x.extent(1)] + extents)
  }

  func makeKernel(_ function: PoolFunction, _ context: KernelContext) throws(PinionError) -> Kernel {
    let x = try context.type(0)
    return try poolKernel(function, planes: x.shape.count(0..<2), try window(x), context)
  }
}

/// What the pools over all spatial axes share.
enum GlobalPool {
  static func infer(_ context: InferenceContext) throws(PinionError) -> TensorType {
    let x = try context.type(0, rankAtLeast: 2)
    guard x.shape.count(2..<x.rank) > 0 else { throw .invalidShape("input 'X' is \(x), which has nothing to pool") }
    return TensorType(x.element, try Shape(x.dims.enumerated().map { $0.offset < 2 ? $0.element : 1 }))
  }

  static func facts(_ context: FactContext, isChannelsLast: Bool = false) -> Fact {
    guard let dims = context[0].dims else { return Fact(element: context[0].element) }
    let channels = isChannelsLast ? dims.count - 1 : 1
    return Fact(context[0].element, dims.enumerated().map { $0.offset == 0 || $0.offset == channels ? $0.element : 1 })
  }

  static func makeKernel(_ function: PoolFunction, _ context: KernelContext) throws(PinionError) -> Kernel {
    let x = try context.type(0)
    return try globalPoolKernel(function, planes: x.shape.count(0..<2), count: x.shape.count(2..<x.rank), context)
  }
}

extension NodeDraft {
  /// The order of a norm, which opset 1 wrote as a FLOAT.
  mutating func adaptNormOrder() throws(PinionError) {
    guard case .float(let p)? = attributes["p"] else { return }
    guard let order = Int64(exactly: p) else { throw .unsupported("a norm of order \(p)") }
    attributes["p"] = .int(order)
  }
}
