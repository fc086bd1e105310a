import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The input with elements added before and after along its axes, or taken off where a pad is negative.
public struct Pad: CPUExecutable {
  public static let schema = Schema("Pad", since: 25, inputs: ["data", "pads", "constant_value?", "axes?"], outputs: ["output"])
  enum Mode: String, CaseIterable { case constant, reflect, edge, wrap }
  private static let floatValue = "float value"
  let mode: Mode
  /// The constant of the forms before opset 11, where it was an attribute.
  private let value: Float?

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    mode = try attributes.choice("mode", default: .constant)
    value = try attributes.optionalFloat(Pad.floatValue)
  }

  public static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 11 else { return }
    if node.opset < 2 { try node.moveInts("paddings", toInput: 1) }
    try node.moveInts("pads", toInput: 1)
    node.attributes[floatValue] = node.attributes.removeValue(forKey: "value")
  }

  /// The pads of one axis.
  private struct Margin {
    var before = 0
    var after = 0
    let extent: Int
    /// Not negative; checked by `margins`.
    var padded: Int { extent &+ before &+ after }
    /// The elements of the output that are the input's own.
    var kept: Range<Int> {
      let first = min(max(before, 0), padded)
      return first..<min(max(extent &+ before, first), padded)
    }

    /// The element of the input that lies at an element of the output.
    func source(_ index: Int, _ mode: Mode) -> Int {
      let first = max(-before, 0)
      let count = extent &- first &- max(-after, 0)
      let position = index &- max(before, 0)
      switch mode {
      case .constant, .edge: return first &+ min(max(position, 0), count &- 1)
      case .wrap:
        let rest = position % count
        return first &+ (rest < 0 ? rest &+ count : rest)
      case .reflect:
        guard count > 1 else { return first }
        let period = 2 &* (count &- 1)
        let rest = abs(position % period)
        return first &+ (rest < count ? rest : period &- rest)
      }
    }
  }

  private func margins(_ context: InferenceContext) throws(PinionError) -> [Margin] {
    let shape = try context.type(0).shape
    let pads = try context.integers(1)
    let axes = try context.optionalIntegers(3).map { (axes) throws(PinionError) in try shape.normalized(axes: axes) }
      ?? Array(shape.dims.indices)
    guard pads.count == 2 &* axes.count else {
      throw .invalidShape("\(pads.count) pads for \(axes.count) axes of shape \(shape), expected two for each")
    }
    var margins = shape.dims.map { Margin(extent: $0) }
    for (index, axis) in axes.enumerated() {
      let before: Int = try pads[index].converted(), after: Int = try pads[index &+ axes.count].converted()
      let padded = try shape[axis].adding(before).adding(after)
      guard padded >= 0, before > .min, after > .min else {
        throw .invalidShape("pads \(before) and \(after) leave nothing of axis \(axis) of shape \(shape)")
      }
      margins[axis] = Margin(before: before, after: after, extent: shape[axis])
      if mode != .constant, padded > 0 {
        guard padded <= Int32.max else { throw .invalidShape("pads \(before) and \(after) make axis \(axis) too long") }
        let left = try shape[axis].subtracting(max(-before, 0)).subtracting(max(-after, 0))
        guard left > 0 else { throw .invalidShape("axis \(axis) of shape \(shape) has nothing to fill the pads \(before) and \(after) with") }
      }
    }
    return margins
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    if let constant = context.optionalType(2), mode == .constant {
      guard constant.element == type.element, constant.count == 1 else {
        throw .invalidShape("constant_value is \(constant), expected one element of type \(type.element)")
      }
    }
    return [TensorType(type.element, try Shape(try margins(context).map(\.padded)))]
  }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let margins = try margins(context.inference)
    return mode == .constant ? try constantKernel(margins, context) : try repeatingKernel(margins, context)
  }

  private func filling(_ context: KernelContext) throws(PinionError) -> Move.Source {
    if context.has(2) { return .input(2) }
    let zero = try zeroElement()
    let element = try context.type(0).element
    if var value, value != 0 { try conversion(from: .float32, to: element)(&value, zero.pointer, 1) }
    return .constant(zero)
  }

  /// The input's elements are one move; for each axis, what lies before and after them within the earlier axes is one more.
  private func constantKernel(_ margins: [Margin], _ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0), output = try context.outputType(0)
    let filling = try filling(context)
    let from = type.shape.strides, to = output.shape.strides, width = type.element.byteWidth
    var ranges = margins.map { 0..<$0.padded }
    func slab(_ source: Move.Source, copies: Bool) -> Move {
      var offset = 0, start = 0
      for (axis, range) in ranges.enumerated() {
        offset &+= range.lowerBound &* to[axis]
        start &+= copies ? (range.lowerBound &- margins[axis].before) &* from[axis] : 0
      }
      let axes = ranges.indices.map { StridedCopy.Axis(ranges[$0].count, from: copies ? from[$0] : 0, to: to[$0]) }
      return Move(source, StridedCopy(width: width, axes, fromOffset: start, toOffset: offset))
    }
    var moves: [Move] = []
    for (axis, margin) in margins.enumerated() {
      ranges[axis] = 0..<margin.kept.lowerBound
      moves.append(slab(filling, copies: false))
      ranges[axis] = margin.kept.upperBound..<margin.padded
      moves.append(slab(filling, copies: false))
      ranges[axis] = margin.kept
    }
    moves.append(slab(.input(0), copies: true))
    return moveKernel(moves)
  }

  private func repeatingKernel(_ margins: [Margin], _ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    guard try context.outputType(0).count > 0 else { return Kernel(stages: []) }
    let mode = mode
    let tables = margins.map { margin in
      margin.before == 0 && margin.after == 0
        ? nil : (0..<margin.padded).map { Int32(truncatingIfNeeded: margin.source($0, mode)) }
    }
    return TableGather(width: type.element.byteWidth, dims: type.dims, tables: tables).kernel()
  }
}
