import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The values of the input at the points of a grid whose coordinates go from -1 to 1, interpolated.
package struct GridSample: CPUExecutable {
  package static let schema = Schema(
    "GridSample", since: 22, inputs: ["X: T1", "grid: floats"], outputs: ["Y: T1"], types: ["T1": [.numbers, .complex, .bool, .string]])
  package static var computesHalfInFloat32: Bool { true }
  let mode: ResizeMode
  let padding: SamplePadding
  let alignsCorners: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    mode = try attributes.choice("mode", default: .linear)
    padding = try attributes.choice("padding_mode", default: .zeros)
    alignsCorners = try attributes.bool("align_corners")
  }

  /// Before opset 20 the modes had the names of the two-dimensional case.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 20 else { return }
    switch node.attributes["mode"] {
    case .string("bilinear"): node.attributes["mode"] = .string("linear")
    case .string("bicubic"): node.attributes["mode"] = .string("cubic")
    default: break
    }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rankAtLeast: 3), grid = try context.type(1, rank: type.rank)
    let spatial = type.rank &- 2
    guard grid.dims[0] == type.dims[0], grid.dims[grid.rank &- 1] == spatial, spatial <= 3 else {
      throw .invalidShape("grid is \(grid), expected \(spatial) coordinates for each point and the batch of \(type)")
    }
    guard type.count > 0 || grid.count == 0 else { throw .invalidShape("the input \(type) has no elements to sample") }
    return [TensorType(type.element, try Shape(Array(type.dims[..<2]) + Array(grid.dims[1...spatial])))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let x = context[0], grid = context[1]
    guard let rank = x.rank ?? grid.rank, rank > 2 else { return [Fact(element: x.element)] }
    return [Fact(x.element, [x.extent(0) ?? grid.extent(0), x.extent(1)] + (1..<(rank - 1)).map { grid.extent($0) })]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0), grid = try context.type(1)
    let spatial = type.rank &- 2
    let plane = type.shape.count(2..<type.rank)
    guard plane <= Int32.max else { throw .unsupported("planes of \(plane) elements are too large to sample") }
    guard try context.outputType(0).count > 0 else { return Kernel(stages: []) }
    guard grid.element == .float32 || grid.element == .float64 else { throw context.unsupportedTypes() }
    let extents = Array(type.dims[2...])
    if spatial == 2, mode == .linear, padding == .zeros, type.element == .float32, grid.element == .float32, canPair(extents) {
      return planeKernel(type, points: grid.shape.count(1..<grid.rank &- 1))
    }
    let strides = try Shape(extents).strides
    let sampler = PointSampler<Float>(extents: extents, strides: strides, mode: mode, padding: padding, alignsCorners: alignsCorners)
    let wideSampler = PointSampler<Double>(extents: extents, strides: strides, mode: mode, padding: padding, alignsCorners: alignsCorners)
    let channels = type.dims[1], points = grid.shape.count(1..<grid.rank &- 1), taps = sampler.taps
    let width = type.element.byteWidth
    let isNearest = mode == .nearest
    guard isNearest || type.element == .float32 || type.element == .float64 else { throw context.unsupportedTypes() }
    let isDouble = type.element == .float64 && !isNearest
    let gather = pk_resample(pk_isa_best(), isDouble ? PK_F64 : PK_F32).gather
    let gridIsDouble = grid.element == .float64
    // Places and weights in double precision; elsewhere the elements themselves are no more precise than single.
    let isWide = gridIsDouble && type.element == .float64
    let block = taps > 16 ? 64 : 256
    let blocks = (points &- 1) / block &+ 1
    // A lane's memory: indices, weights, the weights as doubles, and points that lie outside.
    let cells = block &* taps
    let zero = try zeroElement()
    return Kernel.parallel(
      tasks: type.dims[0] &* blocks, laneScratchBytes: cells &* 16 &+ block
    ) { frame, task in
      let sample = task / blocks
      let first = task % blocks &* block
      let count = min(block, points &- first)
      let weights64 = frame.laneScratch.bindMemory(to: Double.self, capacity: cells)
      let indices = (frame.laneScratch + cells &* 8).bindMemory(to: Int32.self, capacity: cells)
      let weights = (frame.laneScratch + cells &* 12).bindMemory(to: Float.self, capacity: cells)
      let isOutside = (frame.laneScratch + cells &* 16).bindMemory(to: Bool.self, capacity: block)
      var anyOutside = false
      func place<T: BinaryFloatingPoint & Sendable>(_ sampler: PointSampler<T>, _ weights: UnsafeMutablePointer<T>) {
        withUnsafeTemporaryAllocation(of: T.self, capacity: 4) { coordinates in
          guard let coordinates = coordinates.baseAddress else { return }
          for point in 0..<count {
            let start = (sample &* points &+ first &+ point) &* spatial
            for axis in 0..<spatial {
              // The grid names the innermost axis first.
              let place = start &+ spatial &- 1 &- axis
              let x = gridIsDouble ? T(frame.input(1, as: Double.self)[place]) : T(frame.input(1, as: Float.self)[place])
              coordinates[axis] = sampler.denormalized(x, axis: axis)
            }
            let isInside = sampler.sample(coordinates, indices: indices + point, weights: weights + point, step: count)
            isOutside[point] = !isInside
            anyOutside = anyOutside || !isInside
          }
        }
      }
      if isWide {
        place(wideSampler, weights64)
      } else {
        place(sampler, weights)
        if isDouble { for cell in 0..<count &* taps { weights64[cell] = Double(weights[cell]) } }
      }
      for channel in 0..<channels {
        let source = frame.rawInput(0) + (sample &* channels &+ channel) &* plane &* width
        let target = frame.rawOutput(0) + ((sample &* channels &+ channel) &* points &+ first) &* width
        if isNearest {
          pk_take(source, indices, width, target, count)
        } else {
          gather?(source, indices, isDouble ? UnsafeRawPointer(weights64) : UnsafeRawPointer(weights), taps, 1, target, count)
        }
        guard anyOutside else { continue }
        for point in 0..<count where isOutside[point] { copyRun(target + point &* width, zero.pointer, width) }
      }
    }
  }

  /// Planes in which neighbours are read in pairs.
  private func planeKernel(_ type: TensorType, points: Int) -> Kernel {
    let height = type.dims[2], width = type.dims[3], channels = type.dims[1]
    let kernels = pk_bilinear_of(pk_isa_best())
    let block = 256, blocks = (points &- 1) / block &+ 1
    let alignsCorners = alignsCorners
    return Kernel.parallel(tasks: type.dims[0] &* blocks, laneScratchBytes: (BilinearTaps.words &+ 2) &* block &* 4) { frame, task in
      let sample = task / blocks, first = task % blocks &* block
      let count = min(block, points &- first)
      let ys = frame.laneScratch.bindMemory(to: Float.self, capacity: block), xs = ys + block
      var taps = BilinearTaps.at(UnsafeMutableRawPointer(xs + block), capacity: block)
      let grid = frame.input(1, as: Float.self) + (sample &* points &+ first) &* 2
      kernels.denormalise(grid + 1, 2, Float(height), alignsCorners, ys, count)
      kernels.denormalise(grid, 2, Float(width), alignsCorners, xs, count)
      kernels.taps(ys, xs, count, height, width, &taps)
      for channel in sample &* channels..<(sample &+ 1) &* channels {
        let plane = frame.input(0, as: Float.self) + channel &* height &* width
        kernels.gather(plane, &taps, frame.output(0, as: Float.self) + (channel &* points &+ first), count)
      }
    }
  }
}

/// com.microsoft's GridSample, which came before ONNX's: planes alone, with ONNX's first names of the modes.
package struct MicrosoftGridSample: Operator {
  package static let schema = Schema(
    "GridSample", domain: "com.microsoft", since: 1, inputs: ["X: T1", "Grid: T1"], outputs: ["Y: T1"], types: ["T1": .floats])
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) { node.domain = "" }
  package init(_ attributes: inout AttributeReader) throws(PinionError) { _ = try GridSample(&attributes) }
}
