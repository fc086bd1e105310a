import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The determinants of square matrices: [*, M, M] to [*].
package struct Det: CPUExecutable {
  package static let schema = Schema("Det", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  package static var computesHalfInFloat32: Bool { true }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rankAtLeast: 2)
    guard type.dims[type.rank - 1] == type.dims[type.rank - 2] else { throw .invalidShape("\(type) holds no square matrices") }
    return [TensorType(type.element, try Shape(Array(type.dims.dropLast(2))))]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(context[0].element, context[0].dims.map { $0.dropLast(2) })] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let size = type.dims[type.rank - 1], matrices = try context.outputType(0).count
    let scratch = try size.multiplied(by: size).multiplied(by: 8)
    switch type.element {
    case .float32:
      return .parallel(tasks: matrices, laneScratchBytes: scratch) { (frame, task) throws(PinionError) in
        let work = frame.laneScratch.assumingMemoryBound(to: Double.self), source = frame.input(0, as: Float.self)
        try inPieces(of: Poll.interval, size &* size, frame.control) { range in
          for index in range { work[index] = Double(source[task &* size &* size &+ index]) }
        }
        frame.output(0, as: Float.self)[task] = Float(try determinant(work, size, frame.control))
      }
    case .float64:
      return .parallel(tasks: matrices, laneScratchBytes: scratch) { (frame, task) throws(PinionError) in
        let work = frame.laneScratch.assumingMemoryBound(to: Double.self), source = frame.input(0, as: Double.self)
        try inPieces(of: Poll.interval, size &* size, frame.control) { range in
          for index in range { work[index] = source[task &* size &* size &+ index] }
        }
        frame.output(0, as: Double.self)[task] = try determinant(work, size, frame.control)
      }
    default: throw context.unsupportedTypes()
    }
  }
}

/// Elimination with the largest pivot of each column; destroys the matrix.
private func determinant(_ a: UnsafeMutablePointer<Double>, _ size: Int, _ control: RunControl) throws(PinionError) -> Double {
  var result = 1.0
  var poll = Poll(control)
  for column in 0..<size {
    var pivot = column
    for row in column..<size where abs(a[row &* size &+ column]) > abs(a[pivot &* size &+ column]) { pivot = row }
    let value = a[pivot &* size &+ column]
    result *= pivot == column ? value : -value
    if value == 0 { return result }
    if pivot != column {
      for index in column..<size {
        let kept = a[pivot &* size &+ index]
        a[pivot &* size &+ index] = a[column &* size &+ index]
        a[column &* size &+ index] = kept
      }
    }
    for row in (column &+ 1)..<max(size, column &+ 1) {
      try poll.count((size &- column) / 2 &+ 1)
      let factor = a[row &* size &+ column] / value
      for index in column..<size { a[row &* size &+ index] -= factor * a[column &* size &+ index] }
    }
  }
  return result
}
