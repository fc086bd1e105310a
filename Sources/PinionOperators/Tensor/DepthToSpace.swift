import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The order in which blocks are laid into the channels: depth first, or column and row within each channel first.
enum BlockOrder: String, CaseIterable { case dcr = "DCR", crd = "CRD" }

/// Blocks of channels laid out as squares in height and width.
package struct DepthToSpace: CPUExecutable {
  package static let schema = Schema("DepthToSpace", since: 28, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .all])
  let side: Int
  let order: BlockOrder

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    side = try attributes.int("blocksize", in: 1...(1 << 20))
    order = try attributes.choice("mode", default: .dcr)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rank: 4)
    let area = side &* side
    guard type.dims[1] % area == 0 else { throw .invalidShape("\(type) has no multiple of \(area) channels") }
    return [
      TensorType(
        type.element,
        try Shape([
          type.dims[0], type.dims[1] / area, try type.dims[2].multiplied(by: side), try type.dims[3].multiplied(by: side),
        ]))
    ]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let x = context[0], symbols = context.symbols
    return [
      Fact(
        x.element,
        [x.extent(0), symbols.quotient(x.extent(1), by: side &* side)] + (2...3).map { symbols.product(of: [x.extent($0), side]) })
    ]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let depth = type.dims[1] / (side &* side), height = type.dims[2], cols = type.dims[3]
    let plane = height &* cols
    // Elements of the input between neighbouring output channels, rows of a block and columns of a block.
    let (channel, row, col) =
      order == .dcr ? (plane, side &* depth &* plane, depth &* plane) : (side &* side &* plane, side &* plane, plane)
    return moveKernel(
      try StridedCopy(
        width: type.element.byteWidth, dims: [type.dims[0], depth, height, side, cols, side],
        from: [type.dims[1] &* plane, channel, cols, row, 1, col]))
  }
}

/// Squares in height and width laid out as blocks of channels.
package struct SpaceToDepth: CPUExecutable {
  package static let schema = Schema("SpaceToDepth", since: 28, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .all])
  let side: Int
  let order: BlockOrder

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    side = try attributes.int("blocksize", in: 1...(1 << 20))
    order = try attributes.choice("mode", default: .dcr)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rank: 4)
    guard type.dims[2] % side == 0, type.dims[3] % side == 0 else {
      throw .invalidShape("height and width of \(type) are no multiples of \(side)")
    }
    let channels = try type.dims[1].multiplied(by: side &* side)
    return [TensorType(type.element, try Shape([type.dims[0], channels, type.dims[2] / side, type.dims[3] / side]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let x = context[0], symbols = context.symbols
    return [
      Fact(
        x.element,
        [x.extent(0), symbols.product(of: [x.extent(1), side &* side])] + (2...3).map { symbols.quotient(x.extent($0), by: side) })
    ]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let depth = type.dims[1], height = type.dims[2] / side, width = type.dims[3] / side
    let line = type.dims[3], plane = type.dims[2] &* line
    let inside = [side &* line, side]
    let (dims, from) =
      order == .dcr
      ? ([type.dims[0], side, side, depth, height, width], [depth &* plane, line, 1, plane] + inside)
      : ([type.dims[0], depth, side, side, height, width], [depth &* plane, plane, line, 1] + inside)
    return moveKernel(try StridedCopy(width: type.element.byteWidth, dims: dims, from: from))
  }
}
