import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Linear functions of the features, one for each target.
package struct LinearRegressor: CPUExecutable {
  package static let schema = Schema(
    "LinearRegressor", domain: "ai.onnx.ml", since: 1, inputs: ["X: indices|float32|float64"], outputs: ["Y: float32"])
  let scores: LinearScores
  let postTransform: PostTransform

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    postTransform = try attributes.choice("post_transform", default: .none)
    scores = try LinearScores(
      coefficients: try attributes.floats("coefficients", default: []), intercepts: try attributes.floats("intercepts", default: []),
      functions: try attributes.int("targets", default: 1, in: 1...Int64(Int32.max)))
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    [TensorType(.float32, try Shape([try FeatureRows(try context.type(0)).rows, scores.functions]))]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(.float32, [context.featureRows, scores.functions])] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let postTransform = postTransform
    let count = scores.functions
    return try scores.kernel(context, columns: scores.columns...scores.columns) { frame, values, line, rows in
      let output = frame.rawOutput(0).assumingMemoryBound(to: Float.self) + rows.lowerBound &* count
      guard postTransform != .none else { return output.update(from: values, count: rows.count &* count) }
      for row in 0..<rows.count {
        for index in 0..<count { line[index] = Double(values[row &* count &+ index]) }
        postTransform.apply(line, count)
        writeScores(line, count, to: frame.rawOutput(0), at: (rows.lowerBound &+ row) &* count, .float32)
      }
    }
  }
}
