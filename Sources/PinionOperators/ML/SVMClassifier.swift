import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor


/// A support vector machine that classifies: one decision for each pair of classes, whose votes choose the label; with
/// Platt's parameters (`prob_a`, `prob_b`) the scores are probabilities. Without support vectors one linear function for each class.
package struct SVMClassifier: CPUExecutable {
  package static let schema = Schema(
    "SVMClassifier", domain: "ai.onnx.ml", since: 1, inputs: ["X: indices|float32|float64"], outputs: ["Y: int64|string", "Z: float32"])
  let kernel: SupportKernel
  let labels: ClassLabels
  let postTransform: PostTransform
  /// Rows of `columns`: the support vectors, or one function for each class.
  let vectors: Buffer
  let columns: Int
  /// For each class its support vectors; empty for linear functions.
  let vectorRanges: [Range<Int>]
  /// One row for each class but one, with a coefficient for each support vector.
  let coefficients: Buffer
  let rho: [Float]
  let platt: [(a: Double, b: Double)]
  let classes: Int
  /// Whether no coefficient of the linear functions is negative.
  let weightsArePositive: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    postTransform = try attributes.choice("post_transform", default: .none)
    let declaredKernel = try SupportKernel(&attributes)
    labels = try ClassLabels(&attributes, ints: "classlabels_ints")
    rho = try attributes.floats("rho", default: [])
    let counts = try attributes.ints("vectors_per_class", default: [])
    let values = try attributes.floats("support_vectors", default: [])
    let factors = try attributes.floats("coefficients")
    let probA = try attributes.floats("prob_a", default: [])
    let probB = try attributes.floats("prob_b", default: [])
    guard !labels.tensor.shape.dims.contains(0) else { throw .invalidModel("there are no class labels") }

    var ranges: [Range<Int>] = []
    var total = 0
    for count in counts {
      guard count >= 0, let end = Int(exactly: count).map({ total.addingReportingOverflow($0) }), !end.overflow else {
        throw .invalidModel("attribute 'vectors_per_class' has the entry \(count)")
      }
      ranges.append(total..<end.partialValue)
      total = end.partialValue
    }
    guard total > 0 else {
      kernel = .linear
      weightsArePositive = factors.allSatisfy { $0 >= 0 }
      classes = labels.count
      vectorRanges = []
      coefficients = try Allocator.system.buffer(floats: [])
      platt = []
      columns = factors.count / classes
      guard columns > 0, factors.count % classes == 0, !rho.isEmpty else {
        throw .invalidModel("\(factors.count) coefficients and \(rho.count) rho for \(classes) classes")
      }
      vectors = try Allocator.system.buffer(floats: factors)
      return
    }
    kernel = declaredKernel
    weightsArePositive = false
    classes = ranges.count
    vectorRanges = ranges
    coefficients = try Allocator.system.buffer(floats: factors)
    columns = values.count / total
    let pairs = try classes.multiplied(by: classes - 1) / 2
    let expectedFactors = try total.multiplied(by: classes - 1)
    guard classes == labels.count, classes > 1, columns > 0, values.count % total == 0, factors.count == expectedFactors,
      rho.count == pairs, probA.isEmpty || probA.count == pairs, probB.count == probA.count
    else {
      throw .invalidModel(
        "\(labels.count) labels, \(classes) classes with \(total) vectors, \(values.count) vector elements, \(factors.count) coefficients, "
          + "\(rho.count) rho, \(probA.count) prob_a and \(probB.count) prob_b do not fit together")
    }
    platt = zip(probA, probB).map { (Double($0), Double($1)) }
    vectors = try Allocator.system.buffer(floats: values)
  }

  private var vectorCount: Int { vectorRanges.last?.upperBound ?? classes }
  private var pairs: Int { classes &* (classes &- 1) / 2 }
  /// Columns of the scores.
  private var scoreCount: Int { vectorRanges.isEmpty || !platt.isEmpty || classes == 2 ? classes : pairs }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let rows = try FeatureRows(try context.type(0)).rows
    return [TensorType(labels.element, try Shape([rows])), TensorType(.float32, try Shape([rows, scoreCount]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [Fact(labels.element, [context.featureRows]), Fact(.float32, [context.featureRows, scoreCount])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let wantsScores = context.wants(output: 1)
    let room = try Room(classes: classes, pairs: pairs)
    @Sendable func write(_ best: Int, _ scores: UnsafeMutablePointer<Double>, _ frame: KernelFrame, _ row: Int) {
      labels.write(best, to: frame.rawOutput(0), row)
      if wantsScores { writeScores(scores, scoreCount, to: frame.rawOutput(1), at: row &* scoreCount, .float32) }
    }
    if vectorRanges.isEmpty {
      let cost = vectorCount &* columns
      return try rowKernel(context, columns: columns...columns, scoreCount: room.count, cost: cost) { [self] frame, x, scores, row in
        write(classifyLinearly(x, scores), scores, frame, row)
      }
    }
    return try kernel.rows(context, vectors: vectors, count: vectorCount, columns: columns, scoreCount: room.count) {
      [self] frame, values, scores, row in
      write(classify(values, scores, room), scores, frame, row)
    }
  }

  private func classifyLinearly(_ x: UnsafePointer<Float>, _ scores: UnsafeMutablePointer<Double>) -> Int {
    let table = vectors.pointer.assumingMemoryBound(to: Float.self)
    for index in 0..<classes { scores[index] = pk_dot_f32_in_f64(x, table + index &* columns, columns) + Double(rho[0]) }
    let best = largest(scores, classes)
    // Of two classes the second is taken where either score is high enough, as onnx's reference and onnxruntime have it.
    let isHigh = weightsArePositive ? scores[best] >= 0.5 : scores[best] > 0
    let label = classes == 2 && isHigh ? 1 : best
    postTransform.apply(scores, classes)
    return label
  }

  /// Parts of a lane's scratch memory, in doubles.
  private struct Room {
    let votes: Int
    let pairwise: Int
    let matrix: Int
    let count: Int

    init(classes: Int, pairs: Int) throws(PinionError) {
      let square = try classes.multiplied(by: classes)
      votes = max(pairs, classes)
      pairwise = try votes.adding(classes)
      matrix = try pairwise.adding(square)
      count = try matrix.adding(square).adding(classes)
    }
  }

  private func classify(_ kernels: UnsafePointer<Float>, _ scores: UnsafeMutablePointer<Double>, _ room: Room) -> Int {
    let factors = coefficients.pointer.assumingMemoryBound(to: Float.self)
    let votes = scores + room.votes
    let total = vectorCount
    votes.update(repeating: 0, count: classes)
    var pair = 0
    for i in 0..<classes {
      for j in stride(from: i + 1, to: classes, by: 1) {
        let own = vectorRanges[i], other = vectorRanges[j]
        // The coefficients of two classes have unlike signs, and their terms cancel.
        let sum =
          Double(rho[pair]) + pk_dot_f32_in_f64(factors + ((j &- 1) &* total &+ own.lowerBound), kernels + own.lowerBound, own.count)
          + pk_dot_f32_in_f64(factors + (i &* total &+ other.lowerBound), kernels + other.lowerBound, other.count)
        scores[pair] = sum
        votes[sum > 0 ? i : j] += 1
        pair &+= 1
      }
    }
    let best = largest(votes, classes)
    if !platt.isEmpty {
      estimateProbabilities(scores, pairwise: scores + room.pairwise, matrix: scores + room.matrix)
      postTransform.apply(scores, classes)
    } else if classes == 2 {
      let decision = scores[0]
      transformBinary(scores, postTransform)
      if postTransform == .none { scores[0] = -decision }
    } else {
      postTransform.apply(scores, pairs)
    }
    return best
  }

  /// Turns the pairs' decisions into a probability for each class: Platt's sigmoid for each pair, then the second method of Wu, Lin
  /// and Weng, "Probability estimates for multi-class classification by pairwise coupling" (2004), whose fixed point is iterated.
  /// - Parameters:
  ///   - pairwise: room for classes^2 numbers.
  ///   - matrix: room for classes^2 + classes numbers.
  private func estimateProbabilities(
    _ scores: UnsafeMutablePointer<Double>, pairwise r: UnsafeMutablePointer<Double>, matrix q: UnsafeMutablePointer<Double>
  ) {
    let n = classes
    var pair = 0
    for i in 0..<n {
      for j in stride(from: i + 1, to: n, by: 1) {
        let exponent = platt[pair].a * scores[pair] + platt[pair].b
        let p = min(max(PostTransform.logistic(-exponent), 1e-7), 1 - 1e-7)
        r[i &* n &+ j] = p
        r[j &* n &+ i] = 1 - p
        pair &+= 1
      }
    }
    for i in 0..<n {
      var diagonal = 0.0
      for j in 0..<n where j != i {
        diagonal += r[j &* n &+ i] * r[j &* n &+ i]
        q[i &* n &+ j] = -r[j &* n &+ i] * r[i &* n &+ j]
      }
      q[i &* n &+ i] = diagonal
      scores[i] = 1 / Double(n)
    }
    let qp = q + n &* n
    let tolerance = 0.005 / Double(n)
    for _ in 0..<max(100, n) {
      var pQp = 0.0
      for i in 0..<n {
        var sum = 0.0
        for j in 0..<n { sum += q[i &* n &+ j] * scores[j] }
        qp[i] = sum
        pQp += scores[i] * sum
      }
      var worst = 0.0
      for i in 0..<n { worst = max(worst, abs(qp[i] - pQp)) }
      if worst < tolerance { break }
      for i in 0..<n {
        let step = (pQp - qp[i]) / q[i &* n &+ i]
        scores[i] += step
        pQp = (pQp + step * (step * q[i &* n &+ i] + 2 * qp[i])) / (1 + step) / (1 + step)
        for j in 0..<n {
          qp[j] = (qp[j] + step * q[i &* n &+ j]) / (1 + step)
          scores[j] /= 1 + step
        }
      }
    }
  }
}
