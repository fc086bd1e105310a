import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Decision trees whose leaves add up to a score for each class; gives the best class's label and all scores.
///
/// Where two classes have leaves for one of them only, the trees give one number, from which the other class's score follows.
package struct TreeEnsembleClassifier: CPUExecutable {
  package static let schema = Schema(
    "TreeEnsembleClassifier", domain: "ai.onnx.ml", since: 3, inputs: ["X: indices|float32|float64"], outputs: ["Y: int64|string", "Z: float32"])
  let source: TreeSource
  let labels: ClassLabels
  let baseValues: [Double]
  let postTransform: PostTransform
  /// The class that all leaves name, of two.
  let onlyClass: Int?
  let weightsArePositive: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    postTransform = try attributes.choice("post_transform", default: .none)
    labels = try ClassLabels(&attributes, ints: "classlabels_int64s")
    guard labels.count > 0 else { throw .invalidModel("there are no class labels") }
    baseValues = try NumberList(&attributes, "base_values").values
    guard baseValues.count <= max(labels.count, 2) else {
      throw .invalidModel("\(baseValues.count) base values for \(labels.count) classes")
    }
    source = try TreeSource.read(&attributes, leaf: "class", targets: labels.count, aggregate: .sum)
    let named = source.targetsThatLeavesName
    onlyClass = labels.count == 2 && named.count == 1 ? named.first : nil
    weightsArePositive = source.weights.allSatisfy { $0.weight >= 0 }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let rows = try FeatureRows(try context.type(0)).rows
    return [
      TensorType(labels.element, try Shape([rows])), TensorType(.float32, try Shape([rows, labels.count])),
    ]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [Fact(labels.element, [context.featureRows]), Fact(.float32, [context.featureRows, labels.count])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let count = labels.count
    let wantsScores = context.wants(output: 1)
    return try forestKernel(source, context) { [self] frame, rows, scores in
      for row in 0..<rows.count {
        let line = scores + row &* count
        labels.write(classify(line), to: frame.rawOutput(0), rows.lowerBound &+ row)
      }
      guard wantsScores else { return }
      writeScores(scores, rows.count &* count, to: frame.rawOutput(1), at: rows.lowerBound &* count, .float32)
    }
  }

  /// Adds base values, transforms the scores in place and returns the class.
  private func classify(_ scores: UnsafeMutablePointer<Double>) -> Int {
    let count = labels.count
    guard let onlyClass else {
      for (index, base) in baseValues.enumerated() where index < count { scores[index] += base }
      let best = largest(scores, count)
      postTransform.apply(scores, count)
      return best
    }
    return classifyByOneScore(scores, onlyClass)
  }

  /// ai.onnx.ml leaves open how one number becomes two scores; this is what onnxruntime, for which such models are exported, does.
  private func classifyByOneScore(_ scores: UnsafeMutablePointer<Double>, _ onlyClass: Int) -> Int {
    let base = onlyClass == 0 ? baseValues.first : baseValues.count == 2 ? baseValues[1] : nil
    let score = scores[onlyClass] + (base ?? 0)
    scores[onlyClass] = score
    if onlyClass == 1 || baseValues.count == 2 {
      postTransform.apply(scores, 2)
    } else if postTransform == .logistic || postTransform == .probit {
      scores[1] = score
      scores[0] = postTransform == .logistic ? -score : 1 - score
      postTransform.apply(scores, 2)
    } else {
      scores[1] = score
      scores[0] = weightsArePositive ? 1 - score : -score
    }
    // Compared as what the output holds: leaves that share a score of a half between the classes, 0.1 five times say, add up to a little more.
    return Float(score) > (weightsArePositive ? 0.5 : 0) ? 1 : 0
  }
}
