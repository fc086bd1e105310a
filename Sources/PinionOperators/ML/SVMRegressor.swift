import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A support vector machine for regression, or for telling members of one class (1) from others (-1).
package struct SVMRegressor: CPUExecutable {
  package static let schema = Schema("SVMRegressor", domain: "ai.onnx.ml", since: 1, inputs: ["X: indices|float32|float64"], outputs: ["Y: float32"])
  let kernel: SupportKernel
  let vectors: Buffer
  let vectorCount: Int
  let columns: Int
  let coefficients: Buffer
  let rho: Double
  let isOneClass: Bool
  let postTransform: PostTransform

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    postTransform = try attributes.choice("post_transform", default: .none)
    isOneClass = try attributes.bool("one_class")
    let declaredKernel = try SupportKernel(&attributes)
    rho = Double(try attributes.floats("rho", default: []).first ?? 0)
    let supports = try attributes.int("n_supports", default: 0, in: 0...Int64(Int32.max))
    let values = try attributes.floats("support_vectors", default: [])
    let factors = try attributes.floats("coefficients")
    if supports == 0 {
      // A linear function: the coefficients are the only vector.
      kernel = .linear
      vectorCount = 1
      columns = factors.count
      coefficients = try Allocator.system.buffer(floats: [1])
      vectors = try Allocator.system.buffer(floats: factors)
    } else {
      guard values.count % supports == 0, factors.count == supports else {
        throw .invalidModel("\(values.count) support vector elements and \(factors.count) coefficients for \(supports) vectors")
      }
      kernel = declaredKernel
      vectorCount = supports
      columns = values.count / supports
      coefficients = try Allocator.system.buffer(floats: factors)
      vectors = try Allocator.system.buffer(floats: values)
    }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    [TensorType(.float32, try Shape([try FeatureRows(try context.type(0)).rows, 1]))]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(.float32, [context.featureRows, 1])] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try kernel.rows(context, vectors: vectors, count: vectorCount, columns: columns, scoreCount: 1) {
      [self] frame, values, score, row in
      let sum = rho + pk_dot_f32_in_f64(coefficients.pointer.assumingMemoryBound(to: Float.self), values, vectorCount)
      score[0] = sum
      if isOneClass { score[0] = sum > 0 ? 1 : -1 } else { postTransform.apply(score, 1) }
      writeScores(score, 1, to: frame.rawOutput(0), at: row, .float32)
    }
  }
}
