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
    switch try context.type(0).element {
    case .float32: try kernel(Float.self, context)
    case .float64: try kernel(Double.self, context)
    case .int8: try kernel(Int8.self, context)
    case .int16: try kernel(Int16.self, context)
    case .int32: try kernel(Int32.self, context)
    case .int64: try kernel(Int64.self, context)
    case .uint8: try kernel(UInt8.self, context)
    case .uint16: try kernel(UInt16.self, context)
    case .uint32: try kernel(UInt32.self, context)
    case .uint64: try kernel(UInt64.self, context)
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<T: ReducibleElement>(_: T.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let output = try context.outputType(0)
    let sides = try sides(context.inference)
    guard let inner = sides.last, output.count > 0 else { return Kernel(stages: []) }
    let outer = Array(sides.dropLast())
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
        let inside = low..<max(low, high)
        for row in 0..<places / inner.places {
          var start = 0, step = inner.extent, isInside = true
          var restOfBlock = element / inner.block, restOfRow = row, axis = outer.count &- 1
          while axis >= 0 {
            let side = outer[axis]
            let index = restOfRow % side.places &* side.stride &+ restOfBlock % side.block &* side.dilation &- side.pad
            isInside = isInside && index >= 0 && index < side.extent
            start &+= index &* step
            step &*= side.extent
            restOfRow /= side.places
            restOfBlock /= side.block
            axis &-= 1
          }
          guard isInside else { continue }
          let from = line + row &* inner.places, to = image + (start &+ shift)
          if inner.stride == 1 {
            for place in inside { to[place] = T.reduce(.add, to[place], from[place]) }
          } else {
            for place in inside { to[place &* inner.stride] = T.reduce(.add, to[place &* inner.stride], from[place]) }
          }
        }
      }
    }
  }
}
