import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The input with elements added before and after along its axes, or taken off where a pad is negative.
package struct Pad: CPUExecutable {
  package static let schema = Schema(
    "Pad", since: 25, inputs: ["data: T", "pads: indices", "constant_value?: T", "axes?: indices"], outputs: ["output: T"], types: ["T": .all])
  private static let floatValue = "float value"
  let mode: PadMode
  /// The constant of the forms before opset 11, where it was an attribute.
  private let value: Float?

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    mode = try attributes.choice("mode", default: .constant)
    value = try attributes.optionalFloat(Pad.floatValue)
  }

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 11 else { return }
    if node.opset < 2 { try node.moveInts("paddings", toInput: 1) }
    try node.moveInts("pads", toInput: 1)
    node.attributes[floatValue] = node.attributes.removeValue(forKey: "value")
  }

  private func margins(_ context: InferenceContext) throws(PinionError) -> [PadMargin] {
    let shape = try context.type(0).shape
    let pads = try context.integers(1)
    let axes = try context.optionalIntegers(3).map { (axes) throws(PinionError) in try shape.normalized(axes: axes) }
      ?? Array(shape.dims.indices)
    guard pads.count == 2 &* axes.count else {
      throw .invalidShape("\(pads.count) pads for \(axes.count) axes of shape \(shape), expected two for each")
    }
    var margins = shape.dims.map { PadMargin(extent: $0) }
    for (index, axis) in axes.enumerated() {
      let before: Int = try pads[index].converted(), after: Int = try pads[index &+ axes.count].converted()
      let padded = try shape[axis].adding(before).adding(after)
      guard padded >= 0, before > .min, after > .min else {
        throw .invalidShape("pads \(before) and \(after) leave nothing of axis \(axis) of shape \(shape)")
      }
      margins[axis] = PadMargin(before: before, after: after, extent: shape[axis])
      if mode != .constant, padded > 0 {
        guard padded <= Int32.max else { throw .invalidShape("pads \(before) and \(after) make axis \(axis) too long") }
        let left = try shape[axis].subtracting(max(-before, 0)).subtracting(max(-after, 0))
        guard left > 0 else { throw .invalidShape("axis \(axis) of shape \(shape) has nothing to fill the pads \(before) and \(after) with") }
      }
    }
    return margins
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    if let constant = context.optionalType(2), mode == .constant {
      guard constant.element == type.element, constant.count == 1 else {
        throw .invalidShape("constant_value is \(constant), expected one element of type \(type.element)")
      }
    }
    return [TensorType(type.element, try Shape(try margins(context).map(\.padded)))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0]
    guard var dims = data.dims, let pads = context[1].values else { return [Fact(data.element, data.openDims)] }
    guard let axes = context.has(3) ? context[3].values : dims.indices.map({ Int64($0) }), pads.count == 2 &* axes.count else {
      return [Fact(data.element, data.openDims)]
    }
    for (index, axis) in axes.enumerated() {
      guard let axis, let position = Fact.position(axis, rank: dims.count) else { return [Fact(data.element, data.openDims)] }
      dims[position] = padded(dims[position], pads[index], pads[index &+ axes.count], context.symbols)
    }
    return [Fact(data.element, dims)]
  }

  private func padded(_ extent: Int?, _ before: Int64?, _ after: Int64?, _ symbols: Symbols) -> Int? {
    guard let before, let after else { return nil }
    let pads = [Int(before), Int(after)].filter { $0 != 0 }
    if pads.allSatisfy(Symbols.isExtent) { return symbols.sum(of: [extent] + pads) }
    // Pads that take off may leave less than there was before them.
    guard pads.allSatisfy({ $0.magnitude < 1 << 46 }) else { return nil }
    return symbols.extent(extent, plus: pads.reduce(0, &+))
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let margins = try margins(context.inference)
    return mode == .constant
      ? try constantPadKernel(margins, filling: try filling(context), context) : try repeatingKernel(margins, context)
  }

  private func filling(_ context: KernelContext) throws(PinionError) -> Move.Source {
    if context.has(2) { return .input(2) }
    let zero = try zeroElement()
    let element = try context.type(0).element
    if var value, value != 0 { try conversion(from: .float32, to: element)(&value, zero.pointer, 1) }
    return .constant(zero)
  }

  private func repeatingKernel(_ margins: [PadMargin], _ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    guard try context.outputType(0).count > 0 else { return Kernel(stages: []) }
    let mode = mode
    var tables: [KernelTable<Int32>?] = []
    for margin in margins {
      guard margin.before != 0 || margin.after != 0 else {
        tables.append(nil)
        continue
      }
      let table: KernelTable<Int32> = try context.table(count: margin.padded)
      try inPieces(of: Poll.interval, margin.padded, context.control) { range in
        for index in range { table[index] = Int32(truncatingIfNeeded: margin.source(index, mode)) }
      }
      tables.append(table)
    }
    return try TableGather(width: type.element.byteWidth, dims: type.dims, tables: tables, context).kernel()
  }
}

/// com.microsoft's Pad, whose pads may be a matrix of one row.
package struct MicrosoftPad: Operator {
  package static let schema = Schema(
    "Pad", domain: "com.microsoft", since: 1, inputs: ["data: T", "pads: int64", "value?: T"], outputs: ["output: T"], types: ["T": .floats])
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { node.domain = "" }
  package init(_ attributes: inout AttributeReader) throws(PinionError) { _ = try Pad(&attributes) }
}
