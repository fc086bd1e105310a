import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's Inverse: square matrices [*, M, M] to those that multiply with them to the identity. A singular one gives infinities or NaN.
package struct Inverse: CPUExecutable, LikeFirstInput {
  package static let schema = Schema(
    "Inverse", domain: "com.microsoft", since: 1, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": [.float16, .bfloat16, .float32, .float64]])
  package static var computesHalfInFloat32: Bool { true }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rankAtLeast: 2)
    guard type.dims[type.rank - 1] == type.dims[type.rank - 2] else { throw .invalidShape("\(type) holds no square matrices") }
    return [type]
  }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int { productOperations(depth: outputs.first?.dims.last, outputs) }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .float32: return try kernel(Float.self, context)
    case .float64: return try kernel(Double.self, context)
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<T: RealElement>(_: T.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let size = type.dims[type.rank - 1], count = size &* size
    guard count > 0 else { return Kernel(stages: []) }
    // The matrix in double precision, and for each column the row that its pivot came from.
    let lane = try count.multiplied(by: 8).adding(try size.multiplied(by: 8))
    return .parallel(tasks: type.count / count, laneScratchBytes: lane) { (frame, task) throws(PinionError) in
      let a = frame.laneScratch.assumingMemoryBound(to: Double.self)
      let pivots = (frame.laneScratch + count &* 8).assumingMemoryBound(to: Int.self)
      let source = frame.input(0, as: T.self) + task &* count, target = frame.output(0, as: T.self) + task &* count
      try inPieces(of: Poll.interval, count, frame.control) { range in
        for index in range { a[index] = Double(source[index]) }
      }
      try invert(a, size, pivots, frame.control)
      try inPieces(of: Poll.interval, count, frame.control) { range in
        for index in range { target[index] = T(a[index]) }
      }
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}

/// Elimination in place with the largest pivot of each column.
private func invert(
  _ a: UnsafeMutablePointer<Double>, _ size: Int, _ pivots: UnsafeMutablePointer<Int>, _ control: RunControl
) throws(PinionError) {
  var poll = Poll(control)
  for step in 0..<size {
    try poll.count(size)
    var pivot = step
    for row in step..<size where abs(a[row &* size &+ step]) > abs(a[pivot &* size &+ step]) { pivot = row }
    pivots[step] = pivot
    let line = a + step &* size
    if pivot != step {
      let other = a + pivot &* size
      for column in 0..<size { (line[column], other[column]) = (other[column], line[column]) }
    }
    let factor = 1 / line[step]
    line[step] = 1
    for column in 0..<size { line[column] *= factor }
    for row in 0..<size where row != step {
      try poll.count(size / 2 &+ 1)
      let rest = a + row &* size, factor = rest[step]
      rest[step] = 0
      for column in 0..<size { rest[column] -= factor * line[column] }
    }
  }
  // Rows that changed places are columns of the inverse that do, the last ones first.
  for step in (0..<size).reversed() where pivots[step] != step {
    try poll.count(size)
    for row in 0..<size {
      let line = a + row &* size
      (line[step], line[pivots[step]]) = (line[pivots[step]], line[step])
    }
  }
}
