import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Columns of blocks added up at their places in an image.
package struct Col2Im: CPUExecutable {
  package static let schema = Schema(
    "Col2Im", since: 18, inputs: ["input: T", "image_shape: indices", "block_shape: indices"], outputs: ["output: T"],
    types: ["T": [.numbers, .complex, .bool, .string]])
  package static var computesHalfInFloat32: Bool { true }
  let strides: [Int64]?
  let pads: [Int64]?
  let dilations: [Int64]?

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    strides = try attributes.optionalInts("strides")
    pads = try attributes.optionalInts("pads")
    dilations = try attributes.optionalInts("dilations")
  }

  /// One axis of the image.
  private struct Side: Sendable {
    let extent: Int
    let block: Int
    let stride: Int
    let dilation: Int
    let pad: Int
    /// Blocks along the axis.
    let places: Int
  }

  private func sides(_ context: InferenceContext) throws(PinionError) -> [Side] {
    let image = try context.integers(1), block = try context.integers(2)
    let rank = image.count
    let strides = strides ?? [Int64](repeating: 1, count: rank), dilations = dilations ?? [Int64](repeating: 1, count: rank)
    let pads = pads ?? [Int64](repeating: 0, count: 2 &* rank)
    guard rank > 0, block.count == rank, strides.count == rank, dilations.count == rank, pads.count == 2 &* rank else {
      throw .invalidShape("image_shape, block_shape, strides, pads and dilations are of different rank")
    }
    var sides: [Side] = []
    for axis in 0..<rank {
      let numbers = [image[axis], block[axis], strides[axis], dilations[axis], pads[axis] &+ 1, pads[axis &+ rank] &+ 1]
      guard numbers.allSatisfy({ (1..<1 << 31).contains($0) }) else {
        throw .invalidShape("axis \(axis) has a block, stride, dilation, pad or extent out of range")
      }
      let reach = dilations[axis] &* (block[axis] &- 1) &+ 1
      let room = image[axis] &+ pads[axis] &+ pads[axis &+ rank] &- reach
      guard room >= 0 else { throw .invalidShape("the block is larger than the image along axis \(axis)") }
      sides.append(
        Side(
          extent: Int(image[axis]), block: Int(block[axis]), stride: Int(strides[axis]), dilation: Int(dilations[axis]),
          pad: Int(pads[axis]), places: Int(room / strides[axis]) &+ 1))
    }
    return sides
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rank: 3)
    let sides = try sides(context)
    let block = try Shape(sides.map(\.block)).count, places = try Shape(sides.map(\.places)).count
    guard type.dims[1] % block == 0, type.dims[2] == places else {
      throw .invalidShape("\(type) does not hold \(places) blocks of \(block) elements")
    }
    return [TensorType(type.element, try Shape([type.dims[0], type.dims[1] / block] + sides.map(\.extent)))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let x = context[0]
    guard let image = context[1].extents else { return [Fact(element: x.element)] }
    let block = context[2].single == nil && context[2].values?.count == 1 ? nil : context[2].extents.flatMap { context.symbols.product(of: $0) }
    let channels = block.flatMap { block in block > 0 ? context.symbols.quotient(x.extent(1), by: block) : nil }
    return [Fact(x.element, [x.extent(0), channels] + image)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    if let move = try move(type, try sides(context.inference)) { return move }
    switch type.element {
    case .float32: return try kernel(Float.self, context)
    case .float64: return try kernel(Double.self, context)
    case .int8: return try kernel(Int8.self, context)
    case .int16: return try kernel(Int16.self, context)
    case .int32: return try kernel(Int32.self, context)
    case .int64: return try kernel(Int64.self, context)
    case .uint8: return try kernel(UInt8.self, context)
    case .uint16: return try kernel(UInt16.self, context)
    case .uint32: return try kernel(UInt32.self, context)
    case .uint64: return try kernel(UInt64.self, context)
    default: throw context.unsupportedTypes()
    }
  }

  /// The kernel for blocks that lie side by side and fill the image, in which nothing is added: elements only move.
  private func move(_ type: TensorType, _ sides: [Side]) throws(PinionError) -> Kernel? {
    guard type.element.kernelType != nil, type.element != .bool,
      sides.allSatisfy({
        $0.stride == $0.block && ($0.dilation == 1 || $0.block == 1) && $0.pad == 0 && $0.extent == $0.places &* $0.block
      })
    else { return nil }
    let places = sides.reduce(1) { $0 &* $1.places }, block = sides.reduce(1) { $0 &* $1.block }
    var dims = [type.dims[0], type.dims[1] / block], from = [type.dims[1] &* places, block &* places]
    var placeStep = places, blockStep = block &* places
    for side in sides {
      placeStep /= side.places
      blockStep /= side.block
      dims += [side.places, side.block]
      from += [placeStep, blockStep]
    }
    return moveKernel(try StridedCopy(width: type.element.byteWidth, dims: dims, from: from))
  }

  private func kernel<T: ReducibleElement>(_: T.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let output = try context.outputType(0)
    let sides = try sides(context.inference)
    guard let inner = sides.last, output.count > 0 else { return Kernel(stages: []) }
    guard let kernelType = output.element.kernelType, let add = pk_binary_kernel(pk_isa_best(), PK_BINARY_ADD, kernelType) else {
      throw context.unsupportedTypes()
    }
    // An image of one axis is one of a single row.
    let rows = sides.count > 1 ? sides[sides.count &- 2] : Side(extent: 1, block: 1, stride: 1, dilation: 1, pad: 0, places: 1)
    let outer = Array(sides.dropLast(2))
    let block = sides.reduce(1) { $0 &* $1.block }, places = sides.reduce(1) { $0 &* $1.places }
    let plane = output.shape.count(2..<output.rank)
    return .parallel(tasks: output.dims[0] &* output.dims[1]) { (frame, task) throws(PinionError) in
      let image = frame.output(0, as: T.self) + task &* plane
      UnsafeMutableRawPointer(image).initializeMemory(as: UInt8.self, repeating: 0, count: plane &* MemoryLayout<T>.stride)
      for element in 0..<block {
        try frame.control.check()
        let line = frame.input(0, as: T.self) + (task &* block &+ element) &* places
        let shift = element % inner.block &* inner.dilation &- inner.pad
        // The places whose elements fall into the image along the innermost axis.
        let low = min(shift >= 0 ? 0 : (inner.stride &- 1 &- shift) / inner.stride, inner.places)
        let high = shift >= inner.extent ? 0 : min((inner.extent &- 1 &- shift) / inner.stride &+ 1, inner.places)
        guard low < high else { continue }
        let rowShift = element / inner.block % rows.block &* rows.dilation &- rows.pad
        let outerElement = element / inner.block / rows.block
        for stack in 0..<places / (inner.places &* rows.places) {
          var start = 0, step = rows.extent &* inner.extent, isInside = true
          var restOfBlock = outerElement, restOfStack = stack, axis = outer.count &- 1
          while axis >= 0 {
            let side = outer[axis]
            let index = restOfStack % side.places &* side.stride &+ restOfBlock % side.block &* side.dilation &- side.pad
            isInside = isInside && index >= 0 && index < side.extent
            start &+= index &* step
            step &*= side.extent
            restOfStack /= side.places
            restOfBlock /= side.block
            axis &-= 1
          }
          guard isInside else { continue }
          for row in 0..<rows.places {
            let index = row &* rows.stride &+ rowShift
            guard index >= 0, index < rows.extent else { continue }
            let from = line + (stack &* rows.places &+ row) &* inner.places
            let to = image + (start &+ index &* inner.extent &+ shift)
            if inner.stride == 1 {
              add(to + low, from + low, to + low, high &- low, 0)
            } else {
              for place in low..<high { to[place &* inner.stride] = T.reduce(.add, to[place &* inner.stride], from[place]) }
            }
          }
        }
      }
    }
  }
}
