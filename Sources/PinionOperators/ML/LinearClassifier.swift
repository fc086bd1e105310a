import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A linear function of the features for each class; gives the best class's label and the transformed scores.
///
/// One function decides between two labels: the second where it is above 0.
package struct LinearClassifier: CPUExecutable {
  package static let schema = Schema(
    "LinearClassifier", domain: "ai.onnx.ml", since: 1, inputs: ["X: indices|float32|float64"], outputs: ["Y: int64|string", "Z: float32"])
  let scores: LinearScores
  let labels: ClassLabels
  let postTransform: PostTransform

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    postTransform = try attributes.choice("post_transform", default: .none)
    labels = try ClassLabels(&attributes, ints: "classlabels_ints")
    attributes.ignore("multi_class")
    let intercepts = try attributes.floats("intercepts", default: [])
    let coefficients = try attributes.floats("coefficients")
    scores = try LinearScores(
      coefficients: coefficients, intercepts: intercepts, functions: intercepts.isEmpty ? max(labels.count, 1) : intercepts.count)
  }

  /// Whether one function's score stands for two classes.
  private var isBinary: Bool { scores.functions == 1 && labels.count == 2 }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let rows = try FeatureRows(try context.type(0)).rows
    return [
      TensorType(labels.element, try Shape([rows])),
      TensorType(.float32, try Shape([rows, isBinary ? 2 : scores.functions])),
    ]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let rows = context.featureRows
    return [Fact(labels.element, [rows]), Fact(.float32, [rows, isBinary ? 2 : scores.functions])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let wantsScores = context.wants(output: 1)
    let functions = scores.functions
    let count = isBinary ? 2 : functions
    let softmax = pk_softmax_kernel(pk_isa_best(), PK_F32)
    return try scores.kernel(context, columns: 0...scores.columns) { [self] frame, values, line, rows in
      for row in 0..<rows.count {
        let best = isBinary ? (values[row] > 0 ? 1 : 0) : largest(values + row &* functions, functions)
        labels.write(best, to: frame.rawOutput(0), rows.lowerBound &+ row)
      }
      guard wantsScores else { return }
      let output = frame.rawOutput(1).assumingMemoryBound(to: Float.self) + rows.lowerBound &* count
      if postTransform == .none, !isBinary { return output.update(from: values, count: rows.count &* count) }
      if postTransform == .softmax, !isBinary, let softmax {
        return softmax(values, output, rows.count, functions, 1, 1)
      }
      for row in 0..<rows.count {
        for index in 0..<functions { line[index] = Double(values[row &* functions &+ index]) }
        if isBinary { transformBinary(line, postTransform) } else { postTransform.apply(line, count) }
        for index in 0..<count { output[row &* count &+ index] = Float(line[index]) }
      }
    }
  }
}

/// Makes two classes' scores of one, as onnxruntime does: ai.onnx.ml does not say how.
func transformBinary(_ scores: UnsafeMutablePointer<Double>, _ postTransform: PostTransform) {
  let score = scores[0]
  scores[1] = score
  scores[0] = postTransform == .logistic ? -score : 1 - score
  if postTransform == .logistic || postTransform == .probit { postTransform.apply(scores, 2) }
}
