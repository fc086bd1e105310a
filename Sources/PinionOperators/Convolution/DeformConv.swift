import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A convolution that samples its input at places moved by offsets, one for each place and element of the kernel.
package struct DeformConv: CPUExecutable {
  package static let schema = Schema(
    "DeformConv", since: 22, inputs: ["X: T", "W: T", "offset: T", "B?: T", "mask?: T"], outputs: ["Y: T"], types: ["T": .floats])
  package static var computesHalfInFloat32: Bool { true }
  let group: Int
  let offsetGroup: Int
  let kernelShape: [Int64]?
  let strides: [Int64]?
  let pads: [Int64]?
  let dilations: [Int64]?

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    group = try attributes.int("group", default: 1, in: 1...(1 << 20))
    offsetGroup = try attributes.int("offset_group", default: 1, in: 1...(1 << 20))
    kernelShape = try attributes.optionalInts("kernel_shape")
    strides = try attributes.optionalInts("strides")
    pads = try attributes.optionalInts("pads")
    dilations = try attributes.optionalInts("dilations")
  }

  private struct Side: Sendable {
    let kernel: Int
    let stride: Int
    let dilation: Int
    let pad: Int
    let count: Int
  }

  private func sides(_ context: InferenceContext) throws(PinionError) -> [Side] {
    let x = try context.type(0, rank: 3...5), w = try context.type(1, rank: x.rank)
    let rank = x.rank &- 2
    let strides = strides ?? [Int64](repeating: 1, count: rank), dilations = dilations ?? [Int64](repeating: 1, count: rank)
    let pads = pads ?? [Int64](repeating: 0, count: 2 &* rank)
    guard strides.count == rank, dilations.count == rank, pads.count == 2 &* rank,
      kernelShape.map({ $0.elementsEqual(w.dims[2...].map(Int64.init)) }) ?? true
    else { throw .invalidShape("kernel_shape, strides, pads or dilations do not fit W of type \(w)") }
    var sides: [Side] = []
    for axis in 0..<rank {
      let kernel = Int64(w.dims[axis &+ 2]), extent = Int64(x.dims[axis &+ 2])
      let numbers = [kernel, strides[axis], dilations[axis], pads[axis] &+ 1, pads[axis &+ rank] &+ 1, extent &+ 1]
      guard numbers.allSatisfy({ (1..<1 << 31).contains($0) }) else {
        throw .invalidShape("axis \(axis) has a kernel, stride, dilation or pad out of range")
      }
      let room = extent &+ pads[axis] &+ pads[axis &+ rank] &- dilations[axis] &* (kernel &- 1) &- 1
      guard room >= 0 else { throw .invalidShape("the kernel is larger than the input along axis \(axis)") }
      sides.append(
        Side(
          kernel: Int(kernel), stride: Int(strides[axis]), dilation: Int(dilations[axis]), pad: Int(pads[axis]),
          count: Int(room / strides[axis]) &+ 1))
    }
    return sides
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let x = try context.type(0), w = try context.type(1), offset = try context.type(2)
    let sides = try sides(context)
    let places = sides.map(\.count)
    let cells = try Shape(sides.map(\.kernel)).count
    guard x.dims[1] == (try w.dims[1].multiplied(by: group)), w.dims[0] % group == 0, x.dims[1] % offsetGroup == 0 else {
      throw .invalidShape("X is \(x) and W \(w), which do not make \(group) groups and \(offsetGroup) groups of offsets")
    }
    let moved = try cells.multiplied(by: offsetGroup)
    guard offset.dims == [x.dims[0], try moved.multiplied(by: sides.count)] + places else {
      throw .invalidShape("offset is \(offset), expected \([x.dims[0], moved * sides.count] + places)")
    }
    if let bias = context.optionalType(3), bias.dims != [w.dims[0]] { throw .invalidShape("B is \(bias), expected \(w.dims[0]) elements") }
    if let mask = context.optionalType(4), mask.dims != [x.dims[0], moved] + places {
      throw .invalidShape("mask is \(mask), expected \([x.dims[0], moved] + places)")
    }
    return [TensorType(x.element, try Shape([x.dims[0], w.dims[0]] + places))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let x = context[0], w = context[1], element = context.element(of: 0..<3)
    // An offset is given for each place of the result.
    guard let rank = x.rank ?? w.rank ?? context[2].rank, rank > 2 else { return [Fact(element: element)] }
    return [Fact(element, [x.extent(0), w.extent(0)] + (2..<rank).map { context[2].extent($0) })]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let x = try context.type(0), w = try context.type(1), output = try context.outputType(0)
    guard x.element == .float32 else { throw context.unsupportedTypes() }
    guard output.count > 0, x.count > 0 else { throw .invalidShape("DeformConv of an empty tensor") }
    let sides = try sides(context.inference)
    let spatial = sides.count
    let extents = Array(x.dims[2...])
    let plane = x.shape.count(2..<x.rank)
    guard plane <= Int32.max else { throw .unsupported("planes of \(plane) elements are too large to sample") }
    let sampler = PointSampler<Float>(
      extents: extents, strides: try Shape(extents).strides, mode: .linear, padding: .zeros, alignsCorners: true)
    let taps = sampler.taps
    let cells = sides.reduce(1) { $0 &* $1.kernel }
    let places = output.shape.count(2..<output.rank)
    let channels = x.dims[1], groupChannels = w.dims[1], filters = w.dims[0], groupFilters = filters / group
    let offsetChannels = channels / offsetGroup
    let depth = groupChannels &* cells
    let isa = pk_isa_best()
    let gather = pk_resample(isa, PK_F32).gather, pairs = pk_bilinear_of(isa), readsPairs = canPair(extents)
    let block = 64, blocks = (places &- 1) / block &+ 1
    let hasBias = context.has(3), hasMask = context.has(4)
    let offsetGroup = offsetGroup, group = group
    // A lane's memory: samples for each channel and element of the kernel, as the panels of a product; its scratch; then the
    // coordinates and taps of a panel's points.
    let panel = pk_sgemm_panel_cols(isa), rows = try channels.multiplied(by: cells)
    @Sendable func product(columns: Int) -> pk_sgemm {
      var g = pk_sgemm()
      (g.m, g.n, g.k) = (groupFilters, columns, depth)
      (g.lda, g.ldc, g.packed_b_depth) = (depth, places, rows)
      g.alpha = 1
      return g
    }
    // Filters of about a millisecond.
    let part = min(groupFilters, 256), scratchBytes = packedScratch(isa, product(columns: block), rows: part)
    guard scratchBytes >= 0 else { throw .outOfMemory(bytes: scratchBytes) }
    let scratchOffset = try rows.multiplied(by: block &* 4)
    let pointsOffset = try scratchOffset.adding(scratchBytes)
    let pointBytes = panel &* 4 &* (spatial &+ 1 &+ 2 &* taps &+ BilinearTaps.words)
    return .parallel(tasks: x.dims[0] &* blocks, laneScratchBytes: try pointsOffset.adding(pointBytes)) {
      (frame, task) throws(PinionError) in
      var poll = Poll(frame.control)
      let sample = task / blocks, first = task % blocks &* block
      let count = min(block, places &- first)
      let matrix = frame.laneScratch.bindMemory(to: Float.self, capacity: rows &* block)
      let points = (frame.laneScratch + pointsOffset).bindMemory(to: Float.self, capacity: panel &* (spatial &+ 1))
      let memory = UnsafeMutableRawPointer(points + panel &* (spatial &+ 1))
      var flat = BilinearTaps.at(memory, capacity: panel)
      let indices = (memory + BilinearTaps.words &* panel &* 4).bindMemory(to: Int32.self, capacity: panel &* taps)
      let weights = UnsafeMutableRawPointer(indices + panel &* taps).bindMemory(to: Float.self, capacity: panel &* taps)
      let isOutside = UnsafeMutableRawPointer(points + panel &* spatial).bindMemory(to: Bool.self, capacity: panel)
      let offsets = frame.input(2, as: Float.self)
      for map in 0..<offsetGroup &* cells {
        let mapIndex: Int = sample &* offsetGroup &* cells &+ map
        let mapOffsets: UnsafePointer<Float> = offsets + mapIndex &* spatial &* places
        let cell = map % cells, firstChannel = map / cells &* offsetChannels
        for start in stride(from: 0, to: count, by: panel) {
          let width = min(panel, count &- start)
          for index in 0..<width {
            var restOfPlace = first &+ start &+ index, restOfCell = cell, axis = spatial &- 1
            while axis >= 0 {
              let side = sides[axis]
              let from: Int = restOfPlace % side.count &* side.stride &+ restOfCell % side.kernel &* side.dilation &- side.pad
              let offset: Float = mapOffsets[axis &* places &+ first &+ start &+ index]
              points[readsPairs ? axis &* panel &+ index : index &* spatial &+ axis] = Float(from) + offset
              restOfPlace /= side.count
              restOfCell /= side.kernel
              axis &-= 1
            }
          }
          if readsPairs {
            pairs.taps(points, points + panel, width, extents[0], extents[1], &flat)
          } else {
            for index in 0..<width {
              isOutside[index] = !sampler.sample(points + index &* spatial, indices: indices + index, weights: weights + index, step: width)
            }
          }
          if hasMask {
            let mask = frame.input(4, as: Float.self) + (mapIndex &* places &+ first &+ start)
            let factors: UnsafeMutablePointer<Float> = readsPairs ? flat.weights : weights
            for tap in 0..<taps { for index in 0..<width { factors[tap &* width &+ index] *= mask[index] } }
          }
          for channel in firstChannel..<firstChannel &+ offsetChannels {
            try poll.count(width &* taps / 4 &+ 4)
            let source: UnsafePointer<Float> = frame.input(0, as: Float.self) + (sample &* channels &+ channel) &* plane
            let target: UnsafeMutablePointer<Float> = matrix + (start &* rows &+ (channel &* cells &+ cell) &* panel)
            if readsPairs {
              pairs.gather(source, &flat, target, width)
            } else {
              gather?(source, indices, weights, taps, 1, target, width)
              for index in 0..<width where isOutside[index] { target[index] = 0 }
            }
          }
        }
      }
      for index in 0..<group {
        var g = product(columns: count)
        g.a = frame.input(1, as: Float.self) + index &* groupFilters &* depth
        g.packed_b = UnsafePointer(matrix + index &* depth &* panel)
        g.c = frame.output(0, as: Float.self) + ((sample &* filters &+ index &* groupFilters) &* places &+ first)
        if hasBias { g.epilogue.row_bias = frame.input(3, as: Float.self) + index &* groupFilters }
        for filter in stride(from: 0, to: groupFilters, by: part) {
          let end = min(filter &+ part, groupFilters)
          try poll.count((end &- filter) &* (depth &+ 1) &* (count / 8 &+ 1))
          pk_sgemm_block(isa, &g, filter, end, 0, count, frame.laneScratch + scratchOffset)
        }
      }
    }
  }

  /// The scratch bytes of some rows of a product with panels of columns; negative where they do not fit.
  private func packedScratch(_ isa: pk_isa, _ product: pk_sgemm, rows: Int) -> Int {
    var g = product
    // Any address says that B is packed.
    return withUnsafePointer(to: 0) { (any: UnsafePointer<Float>) in
      g.packed_b = any
      return pk_sgemm_scratch_bytes(isa, &g, rows, g.n)
    }
  }
}
