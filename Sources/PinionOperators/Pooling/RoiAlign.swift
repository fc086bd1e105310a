import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Regions of the input pooled to one size from points that are interpolated.
package struct RoiAlign: CPUExecutable {
  package static let schema = Schema(
    "RoiAlign", since: 22, inputs: ["X: T1", "rois: T1", "batch_indices: indices"], outputs: ["Y: T1"], types: ["T1": .floats])
  package static var computesHalfInFloat32: Bool { true }
  enum Mode: String, CaseIterable { case avg, max }
  enum Coordinates: String, CaseIterable { case halfPixel = "half_pixel", outputHalfPixel = "output_half_pixel" }
  let mode: Mode
  let coordinates: Coordinates
  let height: Int
  let width: Int
  let samplingRatio: Int
  let spatialScale: Float

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    mode = try attributes.choice("mode", default: .avg)
    coordinates = try attributes.choice("coordinate_transformation_mode", default: .halfPixel)
    height = try attributes.int("output_height", default: 1, in: 1...(1 << 20))
    width = try attributes.int("output_width", default: 1, in: 1...(1 << 20))
    samplingRatio = try attributes.int("sampling_ratio", default: 0, in: 0...(1 << 10))
    spatialScale = try attributes.float("spatial_scale", default: 1)
  }

  /// Before opset 16 the input's coordinates were not shifted.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    if node.opset < 16 { node.attributes["coordinate_transformation_mode"] = .string(Coordinates.outputHalfPixel.rawValue) }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rank: 4), regions = try context.type(1, rank: 2), samples = try context.type(2)
    guard regions.dims[1] == 4, regions.element == type.element, samples.dims == [regions.dims[0]] else {
      throw .invalidShape("rois are \(regions) and batch_indices \(samples), expected \(type.element)[regions,4] and int64[regions]")
    }
    return [TensorType(type.element, try Shape([regions.dims[0], type.dims[1], height, width]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [Fact(context[0].element, [context[1].extent(0) ?? context[2].extent(0), context[0].extent(1), height, width])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let isWide = try context.type(2).element == .int64
    let element = try context.type(0).element
    if element == .float32 { return isWide ? try tapsKernel(Int64.self, context) : try tapsKernel(Int32.self, context) }
    return switch element {
    case .float32: isWide ? try kernel(Float.self, Int64.self, context) : try kernel(Float.self, Int32.self, context)
    case .float64: isWide ? try kernel(Double.self, Int64.self, context) : try kernel(Double.self, Int32.self, context)
    default: throw context.unsupportedTypes()
    }
  }

  /// One axis of a region: where its bins start and how many points each has.
  private struct Side<T: BinaryFloatingPoint> {
    let start: T
    let bin: T
    let points: Int

    init(_ low: T, _ high: T, bins: Int, op: RoiAlign) throws(PinionError) {
      let offset: T = op.coordinates == .halfPixel ? 0.5 : 0
      start = low * T(op.spatialScale) - offset
      var length = high * T(op.spatialScale) - offset - start
      if op.coordinates == .outputHalfPixel { length = Swift.max(length, 1) }
      bin = length / T(bins)
      guard start.isFinite, bin.isFinite, bin < 65536 else { throw .invalidValue("a region from \(low) to \(high) is too large") }
      points = op.samplingRatio > 0 ? op.samplingRatio : Swift.max(Int(saturating: bin.rounded(.up)), 0)
    }

    func position(_ index: Int, point: Int) -> T { start + T(index) * bin + (T(point) + 0.5) * bin / T(points) }
  }

  private func kernel<T: BinaryFloatingPoint & Element, Index: IndexElement>(
    _: T.Type, _: Index.Type, _ context: KernelContext
  ) throws(PinionError) -> Kernel {
    let type = try context.type(0), output = try context.outputType(0)
    let channels = type.dims[1], rows = type.dims[2], cols = type.dims[3]
    let op = self
    guard output.count > 0 else { return Kernel(stages: []) }
    guard rows > 0, cols > 0 else { throw .invalidShape("the input \(type) has no elements to sample") }
    return .ranges(output.dims[0] &* channels, grain: Swift.max(256 / (height &* width), 1)) { (frame, range) throws(PinionError) in
      var poll = Poll(frame.control)
      for map in range {
        let region = map / channels
        let corners = frame.input(1, as: T.self) + region &* 4
        let sample = Int(truncatingIfNeeded: frame.input(2, as: Index.self)[region])
        guard sample >= 0, sample < type.dims[0] else { throw indexError(sample, type.dims[0]) }
        let x = try Side(corners[0], corners[2], bins: op.width, op: op)
        let y = try Side(corners[1], corners[3], bins: op.height, op: op)
        let plane = frame.input(0, as: T.self) + (sample &* channels &+ map % channels) &* rows &* cols
        let target = frame.output(0, as: T.self) + map &* op.height &* op.width
        for row in 0..<op.height {
          for col in 0..<op.width {
            target[row &* op.width &+ col] = try op.pool(plane, rows, cols, y, x, row, col, &poll)
          }
        }
      }
    }
  }

  /// The points of a region and their taps are the same for all channels, and found once.
  private func tapsKernel<Index: IndexElement>(_: Index.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0), output = try context.outputType(0)
    let channels = type.dims[1], rows = type.dims[2], cols = type.dims[3]
    let plane = rows &* cols, bins = height &* width
    let op = self
    guard output.count > 0 else { return Kernel(stages: []) }
    if let kernel = try channelsLastKernel(Index.self, context) { return kernel.named("channels last") }
    guard rows > 0, cols > 0, plane <= Int32.max else { throw .invalidShape("the planes of the input \(type) are empty or too large") }
    let kernels = pk_resample(pk_isa_best(), PK_F32), isMean = mode == .avg
    let gather = isMean ? kernels.gather : kernels.gather_max
    let capacity = 256, channelBlock = 64
    let channelBlocks = (channels &- 1) / channelBlock &+ 1
    // A lane's memory: the bin of each point, indices and weights of its four taps, its value.
    return .parallel(tasks: output.dims[0] &* channelBlocks, laneScratchBytes: capacity &* 44) { (frame, task) throws(PinionError) in
      let region = task / channelBlocks, firstChannel = task % channelBlocks &* channelBlock
      let taken = firstChannel..<Swift.min(firstChannel &+ channelBlock, channels)
      let corners = frame.input(1, as: Float.self) + region &* 4
      let sample = Int(truncatingIfNeeded: frame.input(2, as: Index.self)[region])
      guard sample >= 0, sample < type.dims[0] else { throw indexError(sample, type.dims[0]) }
      let x = try Side(corners[0], corners[2], bins: op.width, op: op)
      let y = try Side(corners[1], corners[3], bins: op.height, op: op)
      let bin = frame.laneScratch.bindMemory(to: Int.self, capacity: capacity)
      let indices = (frame.laneScratch + capacity &* 8).bindMemory(to: Int32.self, capacity: 4 &* capacity)
      let weights = (frame.laneScratch + capacity &* 24).bindMemory(to: Float.self, capacity: 4 &* capacity)
      let values = (frame.laneScratch + capacity &* 40).bindMemory(to: Float.self, capacity: capacity)
      let source: UnsafePointer<Float> = frame.input(0, as: Float.self) + sample &* channels &* plane
      let target: UnsafeMutablePointer<Float> = frame.output(0, as: Float.self) + region &* channels &* bins
      let pointsInBin = x.points &* y.points
      // The greatest of no points is 0.
      let empty: Float = isMean || pointsInBin == 0 ? 0 : -.infinity
      for place in taken.lowerBound &* bins..<taken.upperBound &* bins { target[place] = empty }
      let scale = isMean ? 1 / Float(Swift.max(pointsInBin, 1)) : 1
      var first = 0
      while first < bins &* pointsInBin {
        try frame.control.check()
        let count = Swift.min(capacity, bins &* pointsInBin &- first)
        for index in 0..<count {
          let place = (first &+ index) / pointsInBin, point = (first &+ index) % pointsInBin
          let isInside = op.taps(
            y.position(place / op.width, point: point / x.points), x.position(place % op.width, point: point % x.points), rows, cols,
            scale, indices + index, weights + index, step: count)
          bin[index] = isInside || !isMean ? place : -1
          // A point outside is 0 among those of which the greatest is sought.
          if !isInside { for tap in 0..<4 { weights[index &+ tap &* count] = 0 } }
        }
        for channel in taken {
          gather?(source + channel &* plane, indices, weights, 4, 1, values, count)
          let sums = target + channel &* bins
          if isMean {
            for index in 0..<count where bin[index] >= 0 { sums[bin[index]] += values[index] }
          } else {
            for index in 0..<count {
              let value = values[index]
              if value > sums[bin[index]] || value.isNaN { sums[bin[index]] = value }
            }
          }
        }
        first &+= count
      }
    }
  }

  /// Pooling of a fixed number of points over an image with its channels last: a tap is then a row of all channels. Nil where
  /// regions see too little to pay for the transpose, or a task would be long.
  private func channelsLastKernel<Index: IndexElement>(_: Index.Type, _ context: KernelContext) throws(PinionError) -> Kernel? {
    let type = try context.type(0), output = try context.outputType(0)
    let (images, channels, rows, cols) = (type.dims[0], type.dims[1], type.dims[2], type.dims[3])
    let bins = height &* width, points = samplingRatio &* samplingRatio, taps = points &* 4
    guard 1...4 ~= samplingRatio, bins <= 1024, 8...8192 ~= channels, bins &* taps &* channels <= 1 << 24, rows > 0, cols > 0 else { return nil }
    let plane = rows &* cols
    let sights = output.dims[0].multipliedReportingOverflow(by: bins &* taps)
    guard !sights.overflow, sights.partialValue / 2 >= type.count / channels, plane < Int32.max else { return nil }
    // Behind each image is a row of zeros, which stands for what lies outside.
    let image = (plane &+ 1) &* channels
    let scratchBytes = try images.multiplied(by: image).multiplied(by: 4)
    let op = self, scale = mode == .avg ? 1 / Float(points) : 1, kernels = pk_resample(pk_isa_best(), PK_F32)
    guard let gather = mode == .avg ? kernels.gather : kernels.gather_max else { return nil }
    let indexBytes = bins &* taps &* 4, valueBytes = bins &* channels &* 4
    let turn = StridedCopy(width: 4, [.init(plane, from: 1, to: channels), .init(channels, from: plane, to: 1)])
    let turnBack = StridedCopy(width: 4, [.init(channels, from: 1, to: bins), .init(bins, from: channels, to: 1)])

    let turning = Kernel.Stage.ranges(images &* turn.units, grain: 8) { frame, range in
      for index in range {
        let sample = index / turn.units, unit = index % turn.units
        let target = frame.scratch + sample &* image &* 4
        turn.run(unit..<unit &+ 1, from: frame.input(0, as: Float.self) + sample &* channels &* plane, to: target)
        guard unit == 0 else { continue }
        let zeros = (target + plane &* channels &* 4).assumingMemoryBound(to: Float.self)
        for channel in 0..<channels { zeros[channel] = 0 }
      }
    }
    let pooling = Kernel.Stage(tasks: output.dims[0]) { (frame, region) throws(PinionError) in
      let corners = frame.input(1, as: Float.self) + region &* 4
      let sample = Int(truncatingIfNeeded: frame.input(2, as: Index.self)[region])
      guard sample >= 0, sample < images else { throw indexError(sample, images) }
      let x = try Side(corners[0], corners[2], bins: op.width, op: op)
      let y = try Side(corners[1], corners[3], bins: op.height, op: op)
      let indices = frame.laneScratch.bindMemory(to: Int32.self, capacity: bins &* taps)
      let weights = (frame.laneScratch + indexBytes).bindMemory(to: Float.self, capacity: bins &* taps)
      let values = frame.laneScratch + indexBytes &* 2
      for bin in 0..<bins {
        for point in 0..<points {
          let place = bin &+ point &* 4 &* bins
          let isInside = op.taps(
            y.position(bin / op.width, point: point / op.samplingRatio), x.position(bin % op.width, point: point % op.samplingRatio), rows, cols, scale,
            indices + place, weights + place, step: bins)
          guard !isInside else { continue }
          for tap in 0..<4 {
            indices[place &+ tap &* bins] = Int32(truncatingIfNeeded: plane)
            weights[place &+ tap &* bins] = 0
          }
        }
      }
      gather(frame.scratch + sample &* image &* 4, indices, weights, taps, channels, values, bins)
      turnBack.run(0..<turnBack.units, from: values, to: frame.output(0, as: Float.self) + region &* channels &* bins)
    }
    return Kernel(stages: [turning, pooling], scratchBytes: scratchBytes, laneScratchBytes: indexBytes &* 2 &+ valueBytes)
  }

  /// Writes the four elements around a point and their weights; false for a point outside.
  @inline(__always)
  private func taps(
    _ y: Float, _ x: Float, _ rows: Int, _ cols: Int, _ scale: Float, _ indices: UnsafeMutablePointer<Int32>,
    _ weights: UnsafeMutablePointer<Float>, step: Int
  ) -> Bool {
    let isInside = y >= -1 && y <= Float(rows) && x >= -1 && x <= Float(cols)
    let row = isInside ? Swift.min(Swift.max(y, 0), Float(rows &- 1)) : 0
    let col = isInside ? Swift.min(Swift.max(x, 0), Float(cols &- 1)) : 0
    let top = Int(saturating: row), left = Int(saturating: col)
    let bottom = Swift.min(top &+ 1, rows &- 1), right = Swift.min(left &+ 1, cols &- 1)
    let down = row - Float(top), across = col - Float(left)
    indices[0] = Int32(truncatingIfNeeded: top &* cols &+ left)
    indices[step] = Int32(truncatingIfNeeded: top &* cols &+ right)
    indices[2 &* step] = Int32(truncatingIfNeeded: bottom &* cols &+ left)
    indices[3 &* step] = Int32(truncatingIfNeeded: bottom &* cols &+ right)
    weights[0] = (1 - down) * (1 - across) * scale
    weights[step] = (1 - down) * across * scale
    weights[2 &* step] = down * (1 - across) * scale
    weights[3 &* step] = down * across * scale
    return isInside
  }

  /// The value of one bin.
  @inline(__always)
  private func pool<T: BinaryFloatingPoint>(
    _ plane: UnsafePointer<T>, _ rows: Int, _ cols: Int, _ ySide: Side<T>, _ xSide: Side<T>, _ row: Int, _ col: Int,
    _ poll: inout Poll
  ) throws(PinionError) -> T {
    var sum: T = 0
    var greatest: T?
    for yPoint in 0..<ySide.points {
      try poll.count(8 &* xSide.points &+ 8)
      for xPoint in 0..<xSide.points {
        var y = ySide.position(row, point: yPoint), x = xSide.position(col, point: xPoint)
        guard y >= -1, y <= T(rows), x >= -1, x <= T(cols) else {
          greatest = Swift.max(greatest ?? 0, 0)
          continue
        }
        y = Swift.min(Swift.max(y, 0), T(rows &- 1))
        x = Swift.min(Swift.max(x, 0), T(cols &- 1))
        let top = Int(saturating: y), left = Int(saturating: x)
        let bottom = Swift.min(top &+ 1, rows &- 1), right = Swift.min(left &+ 1, cols &- 1)
        let down = y - T(top), across = x - T(left)
        let a = (1 - down) * (1 - across) * plane[top &* cols &+ left]
        let b = (1 - down) * across * plane[top &* cols &+ right]
        let c = down * (1 - across) * plane[bottom &* cols &+ left]
        let d = down * across * plane[bottom &* cols &+ right]
        sum += a + b + c + d
        let most = Swift.max(Swift.max(a, b), Swift.max(c, d))
        greatest = Swift.max(greatest ?? most, most)
      }
    }
    switch mode {
    case .avg: return sum / T(Swift.max(ySide.points &* xSide.points, 1))
    case .max: return greatest ?? 0
    }
  }
}
