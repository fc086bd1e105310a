import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The determinants of square matrices: [*, M, M] to [*].
public struct Det: CPUExecutable {
  public static let schema = Schema("Det", since: 22, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  public static var computesHalfInFloat32: Bool { true }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rankAtLeast: 2)
    guard type.dims[type.rank - 1] == type.dims[type.rank - 2] else { throw .invalidShape("\(type) holds no square matrices") }
    return [TensorType(type.element, try Shape(Array(type.dims.dropLast(2))))]
  }

  public func facts(_ context: FactContext) -> [Fact] { [Fact(context[0].element, context[0].dims.map { $0.dropLast(2) })] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let size = type.dims[type.rank - 1], matrices = try context.outputType(0).count
    let scratch = size &* size &* 8
    switch type.element {
    case .float32:
      return .parallel(tasks: matrices, laneScratchBytes: scratch) { frame, task in
        let work = frame.laneScratch.assumingMemoryBound(to: Double.self), source = frame.input(0, as: Float.self)
        for index in 0..<(size &* size) { work[index] = Double(source[task &* size &* size &+ index]) }
        frame.output(0, as: Float.self)[task] = Float(determinant(work, size))
      }
    case .float64:
      return .parallel(tasks: matrices, laneScratchBytes: scratch) { frame, task in
        let work = frame.laneScratch.assumingMemoryBound(to: Double.self), source = frame.input(0, as: Double.self)
        for index in 0..<(size &* size) { work[index] = source[task &* size &* size &+ index] }
        frame.output(0, as: Double.self)[task] = determinant(work, size)
      }
    default: throw context.unsupportedTypes()
    }
  }
}

/// Elimination with the largest pivot of each column; destroys the matrix.
private func determinant(_ a: UnsafeMutablePointer<Double>, _ size: Int) -> Double {
  var result = 1.0
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
      let factor = a[row &* size &+ column] / value
      for index in column..<size { a[row &* size &+ index] -= factor * a[column &* size &+ index] }
    }
  }
  return result
}
