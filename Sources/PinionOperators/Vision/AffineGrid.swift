import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The points of a regular grid moved by an affine map for each sample.
package struct AffineGrid: CPUExecutable {
  package static let schema = Schema("AffineGrid", since: 20, inputs: ["theta: T1", "size: indices"], outputs: ["grid: T1"], types: ["T1": .floats])
  package static var computesHalfInFloat32: Bool { true }
  let alignsCorners: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) { alignsCorners = try attributes.bool("align_corners") }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let theta = try context.type(0, rank: 3)
    let size = try context.integers(1)
    guard size.count == 4 || size.count == 5 else { throw .invalidShape("size has \(size.count) elements, expected 4 or 5") }
    let spatial = size.count &- 2
    guard theta.dims == [theta.dims[0], spatial, spatial &+ 1], Int64(theta.dims[0]) == size[0] else {
      throw .invalidShape("theta is \(theta), expected [\(size[0]),\(spatial),\(spatial + 1)]")
    }
    var dims = [theta.dims[0]]
    for extent in size[2...] { dims.append(try extent.converted()) }
    return [TensorType(theta.element, try Shape(dims + [spatial]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    guard let size = context[1].extents, size.count > 3 else { return [Fact(element: context[0].element)] }
    return [Fact(context[0].element, [context[0].extent(0) ?? size[0]] + size[2...] + [size.count - 2])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .float32: try kernel(Float.self, context)
    case .float64: try kernel(Double.self, context)
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<T: BinaryFloatingPoint & Element>(_: T.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let output = try context.outputType(0)
    let extents = Array(output.dims.dropFirst().dropLast())
    let spatial = extents.count
    let points = output.shape.count(1..<output.rank &- 1)
    // The coordinates along each axis, innermost first, as column 0 goes with that one.
    func coordinate(_ index: Int, _ extent: Int) -> Double {
      guard alignsCorners else { return (2 * Double(index) + 1) / Double(extent) - 1 }
      return extent == 1 ? -1 : 2 * Double(index) / Double(extent &- 1) - 1
    }
    var coordinates: [KernelTable<Double>] = []
    for extent in extents.reversed() {
      let table: KernelTable<Double> = try context.table(count: extent)
      try inPieces(of: Poll.interval, extent, context.control) { range in
        for index in range { table[index] = coordinate(index, extent) }
      }
      coordinates.append(table)
    }
    let axes = coordinates, inner = coordinates.first?.count ?? 1
    return .ranges(output.count / spatial, grain: 1 << 12) { frame, range in
      let target = frame.output(0, as: T.self)
      var point = range.lowerBound
      while point < range.upperBound {
        let theta = frame.input(0, as: T.self) + point / points &* spatial &* (spatial &+ 1)
        let first = point % inner, end = min(point &+ inner &- first, range.upperBound)
        // The outer coordinates are the same along the row, and so is what they add.
        func start(_ line: UnsafePointer<T>) -> Double {
          var sum = Double(line[spatial]), outer = point % points / inner
          for column in 1..<spatial {
            sum += Double(line[column]) * axes[column][outer % axes[column].count]
            outer /= axes[column].count
          }
          return sum
        }
        let xs = axes[0].base + first
        if spatial == 2 {
          let (x0, y0) = (start(theta), start(theta + 3)), (x1, y1) = (Double(theta[0]), Double(theta[3]))
          let pairs = target + point &* 2
          for place in 0..<end &- point {
            pairs[2 &* place] = T(x0 + x1 * xs[place])
            pairs[2 &* place &+ 1] = T(y0 + y1 * xs[place])
          }
        } else {
          for row in 0..<spatial {
            let line = theta + row &* (spatial &+ 1)
            let shift = start(line), factor = Double(line[0])
            for place in 0..<end &- point { target[(point &+ place) &* spatial &+ row] = T(shift + factor * xs[place]) }
          }
        }
        point = end
      }
    }
  }
}
