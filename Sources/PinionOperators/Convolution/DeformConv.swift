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
    let sampler = PointSampler(
      extents: extents, strides: try Shape(extents).strides, mode: .linear, padding: .zeros, alignsCorners: true)
    let taps = sampler.taps
    let cells = sides.reduce(1) { $0 &* $1.kernel }
    let places = output.shape.count(2..<output.rank)
    let channels = x.dims[1], groupChannels = w.dims[1], filters = w.dims[0], groupFilters = filters / group
    let offsetChannels = channels / offsetGroup
    let depth = groupChannels &* cells
    let kernels = pk_resample(pk_isa_best(), PK_F32)
    let block = 64, blocks = (places &- 1) / block &+ 1
    let hasBias = context.has(3), hasMask = context.has(4)
    let offsetGroup = offsetGroup, group = group
    // A lane's memory: a matrix with a row of samples for each channel and element of the kernel, pointers to the rows of one
    // group, then the taps of one row of samples.
    let pointersOffset = channels &* cells &* block &* 4
    let tapsOffset = pointersOffset &+ depth &* 8
    let zero = try zeroElement()
    return .parallel(tasks: x.dims[0] &* blocks, laneScratchBytes: tapsOffset &+ block &* taps &* 8 &+ block) {
      (frame, task) throws(PinionError) in
      var poll = Poll(frame.control)
      let sample = task / blocks, first = task % blocks &* block
      let count = min(block, places &- first)
      let matrix = frame.laneScratch.bindMemory(to: Float.self, capacity: channels &* cells &* block)
      let rows = (frame.laneScratch + pointersOffset).bindMemory(to: UnsafeRawPointer?.self, capacity: depth)
      let indices = (frame.laneScratch + tapsOffset).bindMemory(to: Int32.self, capacity: block &* taps)
      let weights = (frame.laneScratch + tapsOffset + block &* taps &* 4).bindMemory(to: Float.self, capacity: block &* taps)
      let flagsOffset: Int = tapsOffset &+ block &* taps &* 8
      let isOutside = (frame.laneScratch + flagsOffset).bindMemory(to: Bool.self, capacity: block)
      let offsets = frame.input(2, as: Float.self)
      for map in 0..<offsetGroup &* cells {
        let mapIndex: Int = sample &* offsetGroup &* cells &+ map
        let mapOffsets: UnsafePointer<Float> = offsets + mapIndex &* spatial &* places
        let cell = map % cells
        withUnsafeTemporaryAllocation(of: Float.self, capacity: 4) { point in
          guard let point = point.baseAddress else { return }
          for index in 0..<count {
            var restOfPlace = first &+ index, restOfCell = cell, axis = spatial &- 1
            while axis >= 0 {
              let side = sides[axis]
              let start: Int = restOfPlace % side.count &* side.stride &+ restOfCell % side.kernel &* side.dilation &- side.pad
              let offset: Float = mapOffsets[axis &* places &+ first &+ index]
              point[axis] = Float(start) + offset
              restOfPlace /= side.count
              restOfCell /= side.kernel
              axis &-= 1
            }
            isOutside[index] = !sampler.sample(point, indices: indices + index, weights: weights + index, step: count)
          }
        }
        if hasMask {
          let mask = frame.input(4, as: Float.self) + (mapIndex &* places &+ first)
          for tap in 0..<taps { for index in 0..<count { weights[tap &* count &+ index] *= mask[index] } }
        }
        let firstChannel = map / cells &* offsetChannels
        for channel in firstChannel..<firstChannel &+ offsetChannels {
          try poll.count(count &* taps / 4 &+ 4)
          let source: UnsafePointer<Float> = frame.input(0, as: Float.self) + (sample &* channels &+ channel) &* plane
          let target: UnsafeMutablePointer<Float> = matrix + (channel &* cells &+ cell) &* block
          kernels.gather(source, indices, weights, taps, 1, target, count)
          for index in 0..<count where isOutside[index] { target[index] = 0 }
        }
      }
      for part in 0..<group {
        for row in 0..<depth { rows[row] = UnsafeRawPointer(matrix + (part &* depth &+ row) &* block) }
        for filter in part &* groupFilters..<(part &+ 1) &* groupFilters {
          try poll.count((depth &+ 1) &* (count / 8 &+ 1))
          let start: Int = (sample &* filters &+ filter) &* places &+ first
          let target: UnsafeMutablePointer<Float> = frame.output(0, as: Float.self) + start
          if depth > 0 {
            kernels.blend(rows, frame.input(1, as: Float.self) + filter &* depth, depth, target, count)
          } else {
            pk_fill(target, zero.pointer, 4, count)
          }
          guard hasBias else { continue }
          let bias = frame.input(3, as: Float.self)[filter]
          for index in 0..<count { target[index] += bias }
        }
      }
    }
  }
}
