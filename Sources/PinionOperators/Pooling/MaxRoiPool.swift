import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The maxima of regions of the input in a grid of bins.
package struct MaxRoiPool: CPUExecutable {
  package static let schema = Schema("MaxRoiPool", since: 22, inputs: ["X: T", "rois: T"], outputs: ["Y: T"], types: ["T": .floats])
  package static var computesHalfInFloat32: Bool { true }
  let height: Int
  let width: Int
  let spatialScale: Float

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    let shape = try attributes.ints("pooled_shape")
    guard shape.count == 2, shape.allSatisfy({ (1...(1 << 20)).contains($0) }) else {
      throw .invalidModel("pooled_shape is \(shape), expected a height and a width")
    }
    height = Int(shape[0])
    width = Int(shape[1])
    spatialScale = try attributes.float("spatial_scale", default: 1)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rank: 4), regions = try context.type(1, rank: 2)
    guard regions.dims[1] == 5, regions.element == type.element else {
      throw .invalidShape("rois are \(regions), expected \(type.element)[regions,5]")
    }
    return [TensorType(type.element, try Shape([regions.dims[0], type.dims[1], height, width]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [Fact(context[0].element, [context[1].extent(0), context[0].extent(1), height, width])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .float32: try kernel(Float.self, context)
    case .float64: try kernel(Double.self, context)
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<T: BinaryFloatingPoint & Element & SendableMetatype>(_: T.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0), output = try context.outputType(0)
    let channels = type.dims[1], rows = type.dims[2], cols = type.dims[3]
    let height = height, width = width, scale = T(spatialScale)
    /// The elements of a bin along an axis: first and last element of the region are inside it.
    @Sendable func bin(_ index: Int, of bins: Int, _ low: T, _ high: T, extent: Int) -> Range<Int> {
      let start = (low * scale).rounded(), end = (high * scale).rounded()
      guard start.magnitude < 1e9, end.magnitude < 1e9 else { return 0..<0 }
      let size = max(end - start + 1, 1) / T(bins)
      let first = min(max(Int(saturating: (T(index) * size).rounded(.down)) &+ Int(saturating: start), 0), extent)
      let last = min(max(Int(saturating: (T(index &+ 1) * size).rounded(.up)) &+ Int(saturating: start), first), extent)
      return first..<last
    }
    let bytes = try width.multiplied(by: MemoryLayout<Range<Int>>.stride)
    return .ranges(output.dims[0] &* channels, grain: max(1024 / (height &* width), 1), laneScratchBytes: bytes) {
      (frame, range) throws(PinionError) in
      // The bins along a row are the same for all rows and channels of a region.
      let bins = frame.laneScratch.bindMemory(to: Range<Int>.self, capacity: width)
      for map in range {
        let region = frame.input(1, as: T.self) + map / channels &* 5
        guard region[0] >= 0, region[0] < T(type.dims[0]) else { throw .invalidValue("a region is in sample \(region[0])") }
        let plane = frame.input(0, as: T.self) + (Int(saturating: region[0]) &* channels &+ map % channels) &* rows &* cols
        let target = frame.output(0, as: T.self) + map &* height &* width
        if map == range.lowerBound || map % channels == 0 {
          for col in 0..<width { bins[col] = bin(col, of: width, region[1], region[3], extent: cols) }
        }
        for row in 0..<height {
          try frame.control.check()
          let ys = bin(row, of: height, region[2], region[4], extent: rows)
          for col in 0..<width {
            let xs = bins[col]
            var greatest: T = ys.isEmpty || xs.isEmpty ? 0 : -.infinity
            for y in ys { for x in xs { greatest = max(greatest, plane[y &* cols &+ x]) } }
            target[row &* width &+ col] = greatest
          }
        }
      }
    }
  }
}
