import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Pieces of the input along an axis, of given extents or alike; of alike ones the last may be smaller.
package struct Split: CPUExecutable {
  package static let schema = Schema(
    "Split", since: 18, inputs: ["input: T", "split?: U"], outputs: ["outputs...: T"],
    types: ["T": .all, "U": [.indices, .float32, .float16, .float64]])
  package let axis: Int64
  package let outputCount: Int64?

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: 0)
    outputCount = try attributes.optionalInt("num_outputs")
  }

  /// Before opset 13 the extents were an attribute, in opset 1 also an input of the data's type; before opset 18 their number was that
  /// of the outputs, the unnamed ones included.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    if node.opset < 2, node.has(input: 1) {
      let type = AttributeValue.int(Int64(ElementType.int64.rawValue))
      node.setInput(1, .computed(NodeDraft(newest: Cast.schema, attributes: ["to": type], inputs: [node.inputs[1]])))
      node.attributes["split"] = nil
    }
    if node.opset < 13 { try node.moveInts("split", toInput: 1) }
    if !node.has(input: 1), node.attributes["num_outputs"] == nil { node.attributes["num_outputs"] = .int(Int64(node.outputs.count)) }
  }

  /// The extents of the pieces that the node names.
  private func extents(_ extent: Int, _ context: InferenceContext) throws(PinionError) -> [Int] {
    if let given = try context.optionalIntegers(1) {
      var extents: [Int] = []
      var sum = 0
      for piece in given {
        guard piece >= 0 else { throw .invalidShape("negative extent in split \(given)") }
        extents.append(try piece.converted())
        sum = try sum.adding(try piece.converted())
      }
      guard sum == extent else { throw .invalidShape("split \(given) does not add up to the extent \(extent)") }
      guard extents.count >= context.outputCount else {
        throw .invalidShape("split \(given) names fewer pieces than the \(context.outputCount) outputs")
      }
      return Array(extents.prefix(context.outputCount))
    }
    let count: Int = try (outputCount ?? Int64(context.outputCount)).converted()
    guard count > 0, count >= context.outputCount else {
      throw .invalidShape("num_outputs is \(count), expected at least the \(context.outputCount) outputs of the node")
    }
    let piece = extent / count &+ (extent % count > 0 ? 1 : 0)
    var rest = extent
    return (0..<context.outputCount).map { _ in
      let size = min(piece, rest)
      rest &-= size
      return size
    }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    let axis = try type.shape.normalized(axis: axis)
    var outputs: [TensorType] = []
    for extent in try extents(type.dims[axis], context) {
      var dims = type.dims
      dims[axis] = extent
      outputs.append(TensorType(type.element, try Shape(dims)))
    }
    return outputs
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0], axis = data.position(axis)
    let pieces = pieces(axis.flatMap { data.extent($0) }, context)
    return (0..<context.outputCount).map { Fact(data.element, data.dims(with: $0 < pieces.count ? pieces[$0] : nil, at: axis)) }
  }

  private func pieces(_ extent: Int?, _ context: FactContext) -> [Int?] {
    if context.has(1) { return context[1].extents ?? [] }
    guard let count = Int(exactly: outputCount ?? Int64(context.outputCount)), count > 0, let extent else { return [] }
    guard Symbols.isSymbol(extent) else {
      let piece = extent / count &+ (extent % count > 0 ? 1 : 0)
      return (0..<context.outputCount).map { min(piece, max(extent &- $0 &* piece, 0)) }
    }
    let piece = context.symbols.quotient(extent, roundedUpBy: count)
    // Of pieces that do not come out even only the first is known to be whole.
    let isEven = piece == context.symbols.quotient(extent, by: count)
    return [Int?](repeating: piece, count: isEven ? context.outputCount : 1)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let axis = try type.shape.normalized(axis: axis)
    let outer = type.shape.count(0..<axis), inner = type.shape.count(axis &+ 1..<type.rank)
    let source = type.dims[axis] &* inner
    var moves: [Move] = []
    var offset = 0
    for (index, output) in context.outputs.enumerated() {
      let run = output.dims[axis] &* inner
      let copy = StridedCopy(
        width: type.element.byteWidth, [.init(outer, from: source, to: run), .init(run, from: 1, to: 1)], fromOffset: offset)
      moves.append(Move(.input(0), output: index, copy))
      offset &+= run
    }
    return moveKernel(moves)
  }

  /// The pieces lie in the input where nothing is outside the axis.
  package func outputMemory(_ context: KernelContext) -> [OutputMemory] {
    guard let type = try? context.type(0), let axis = try? type.shape.normalized(axis: axis), type.shape.count(0..<axis) == 1 else {
      return []
    }
    let bytes = type.shape.count(axis &+ 1..<type.rank) &* type.element.byteWidth
    var start = 0
    return context.outputs.map { output in
      defer { start &+= output.dims[axis] }
      return .within(input: 0, offset: start &* bytes)
    }
  }
}
