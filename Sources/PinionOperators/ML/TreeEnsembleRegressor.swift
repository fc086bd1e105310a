import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Decision trees whose leaves add up to `n_targets` numbers for each row; float32 whatever the input.
package struct TreeEnsembleRegressor: CPUExecutable {
  package static let schema = Schema(
    "TreeEnsembleRegressor", domain: "ai.onnx.ml", since: 3, inputs: ["X: indices|float32|float64"], outputs: ["Y: float32"])
  let source: TreeSource
  let baseValues: [Double]
  let postTransform: PostTransform

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    postTransform = try attributes.choice("post_transform", default: .none)
    let targets = try attributes.int("n_targets", default: 1, in: 1...Int64(Int32.max))
    let base = try NumberList(&attributes, "base_values")
    baseValues = base.values
    guard baseValues.isEmpty || baseValues.count == targets else {
      throw .invalidModel("\(baseValues.count) base values for \(targets) targets")
    }
    source = try TreeSource.read(
      &attributes, leaf: "target", targets: targets, aggregate: try attributes.choice("aggregate_function", default: .sum))
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    [TensorType(.float32, try Shape([try FeatureRows(try context.type(0)).rows, source.targets]))]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(.float32, [context.featureRows, source.targets])] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let targets = source.targets
    let postTransform = postTransform
    let baseValues = baseValues
    return try forestKernel(source, context) { frame, rows, scores in
      for row in 0..<rows.count {
        let line = scores + row &* targets
        for (index, base) in baseValues.enumerated() { line[index] += base }
        postTransform.apply(line, targets)
      }
      writeScores(scores, rows.count &* targets, to: frame.rawOutput(0), at: rows.lowerBound &* targets, .float32)
    }
  }
}
