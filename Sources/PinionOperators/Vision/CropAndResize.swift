import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's CropAndResize: boxes of images, each brought to one size, with corners on corners; a number where a box leaves its image.
package struct CropAndResize: CPUExecutable {
  enum Mode: String, CaseIterable { case bilinear, nearest }

  package static let schema = Schema(
    "CropAndResize", domain: "com.microsoft", since: 1, inputs: ["X: T1", "rois: T1", "batch_indices: int32", "crop_size: int32"], outputs: ["Y: T1"],
    types: ["T1": [.float16, .bfloat16, .float32]])
  package static var computesHalfInFloat32: Bool { true }
  let mode: Mode
  let outside: Float

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    mode = try attributes.choice("mode", default: .bilinear)
    outside = try attributes.float("extrapolation_value", default: 0)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let x = try context.type(0, rank: 4), boxes = try context.type(1, rank: 2)
    guard boxes.dims[1] == 4 else { throw .invalidShape("input 'rois' is \(boxes), expected four coordinates for each box") }
    try context.check(2, dims: [boxes.dims[0]])
    let size = try context.integers(3)
    guard size.count == 2, size.allSatisfy({ $0 > 0 }) else { throw .invalidValue("crop_size is \(size), expected two positive numbers") }
    return [TensorType(x.element, try Shape([boxes.dims[0], x.dims[1], try size[0].converted(), try size[1].converted()]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let size = context[3].extents
    let known = size?.count == 2
    return [
      Fact(context[0].element, [context[1].extent(0) ?? context[2].extent(0), context[0].extent(1), known ? size?[0] : nil, known ? size?[1] : nil])
    ]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let x = try context.type(0), output = try context.outputType(0)
    guard x.element == .float32 else { throw context.unsupportedTypes() }
    let (images, channels, height, width) = (x.dims[0], x.dims[1], x.dims[2], x.dims[3])
    let (rows, columns) = (output.dims[2], output.dims[3])
    let isNearest = mode == .nearest, outside = outside
    // Each task is a row of all channels.
    return .parallel(tasks: output.dims[0] &* rows) { (frame, task) throws(PinionError) in
      let box = task / rows, row = task % rows
      let corners = frame.input(1, as: Float.self) + 4 &* box
      let image = Int(frame.input(2, as: Int32.self)[box])
      guard image >= 0, image < images else { throw .invalidValue("batch index \(image) is out of range for \(images) images") }
      func coordinate(_ first: Float, _ last: Float, _ place: Int, _ count: Int, _ extent: Int) -> Float {
        let span = Float(extent &- 1)
        guard count > 1 else { return 0.5 * (first + last) * span }
        return first * span + Float(place) * ((last - first) * span / Float(count &- 1))
      }
      let y = coordinate(corners[0], corners[2], row, rows, height)
      let isInside = y >= 0 && y <= Float(height &- 1)
      let top = isInside ? Int(y) : 0, bottom = min(top &+ 1, height &- 1), down = y - Float(top)
      let nearest = isInside ? Int(y.rounded()) : 0
      var poll = Poll(frame.control)
      for channel in 0..<channels {
        let plane = frame.input(0, as: Float.self) + (image &* channels &+ channel) &* height &* width
        let target = frame.output(0, as: Float.self) + ((box &* channels &+ channel) &* rows &+ row) &* columns
        for column in 0..<columns {
          try poll.count(4)
          let x = coordinate(corners[1], corners[3], column, columns, width)
          guard isInside, x >= 0, x <= Float(width &- 1) else {
            target[column] = outside
            continue
          }
          if isNearest {
            target[column] = plane[nearest &* width &+ Int(x.rounded())]
          } else {
            let left = Int(x), right = min(left &+ 1, width &- 1), along = x - Float(left)
            let upper = plane + top &* width, lower = plane + bottom &* width
            let above = upper[left] + (upper[right] - upper[left]) * along
            let below = lower[left] + (lower[right] - lower[left]) * along
            target[column] = above + (below - above) * down
          }
        }
      }
    }
  }
}
