import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The distances between all rows of A and all rows of B, or their squares, as skl2onnx writes them for neighbours and Gaussian processes.
package struct CDist: CPUExecutable {
  package static let schema = Schema(
    "CDist", domain: "com.microsoft", since: 1, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": [.float32, .float64]])
  enum Metric: String, CaseIterable {
    case euclidean = "euclidean"
    case squared = "sqeuclidean"
  }
  let metric: Metric

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    metric = try attributes.choice("metric", default: .squared)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let a = try context.type(0)
    let b = try context.type(1)
    guard a.rank == 2, b.rank == 2, a.dims[1] == b.dims[1] else {
      throw .invalidShape("inputs are \(a) and \(b), expected matrices with rows of one length")
    }
    return [TensorType(a.element, try Shape([a.dims[0], b.dims[0]]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [Fact(context.element(of: 0..<2), [context[0].extent(0), context[1].extent(0)])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .float32: return try kernel(context, Float.self) { pk_square_distance_f32($0, $1, $2) }
    default: return try kernel(context, Double.self, CDist.squaredDistance)
    }
  }

  private func kernel<T: Element & BinaryFloatingPoint>(
    _ context: KernelContext, _: T.Type, _ square: @escaping @Sendable (UnsafePointer<T>, UnsafePointer<T>, Int) -> T
  ) throws(PinionError) -> Kernel {
    let a = try context.type(0)
    let count = try context.type(1).dims[0]
    let (rows, columns) = (a.dims[0], a.dims[1])
    let takesRoot = metric == .euclidean
    let poll = max(1, 1_000_000 / max(columns, 1))
    let pieces = max(1, (count &+ poll &- 1) / poll)
    return .ranges(try rows.multiplied(by: pieces), grain: max(1, 1_000_000 / max(count &* columns, 1))) { frame, range in
      let x = UnsafePointer(frame.input(0, as: T.self))
      let y = UnsafePointer(frame.input(1, as: T.self))
      let result = frame.output(0, as: T.self)
      for index in range {
        let row = index / pieces
        let start = index % pieces &* poll
        for other in start..<max(start, min(start &+ poll, count)) {
          let distance = square(x + row &* columns, y + other &* columns, columns)
          result[row &* count &+ other] = takesRoot ? distance.squareRoot() : distance
        }
      }
    }
  }

  private static func squaredDistance(_ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int) -> Double {
    var sum = 0.0
    for index in 0..<count { sum += (a[index] - b[index]) * (a[index] - b[index]) }
    return sum
  }
}
