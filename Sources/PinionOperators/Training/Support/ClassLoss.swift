import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// How the losses of all samples become the output.
enum LossReduction: String, CaseIterable, Sendable { case none, sum, mean }

/// The negative log-likelihood of the classes that samples belong to: log-probabilities [N, C, d1, ...], classes [N, d1, ...].
struct ClassLoss: Sendable {
  let reduction: LossReduction
  let ignored: Int64?

  init(_ attributes: inout AttributeReader) throws(PinionError) {
    reduction = try attributes.choice("reduction", default: .mean)
    ignored = try attributes.optionalInt("ignore_index")
  }

  /// The loss's type for scores in input 0, classes in input 1 and weights in input 2.
  func infer(_ context: InferenceContext) throws(PinionError) -> TensorType {
    let scores = try context.type(0, rankAtLeast: 2), labels = try context.type(1)
    guard labels.dims == [scores.dims[0]] + scores.dims[2...] else {
      throw .invalidShape("classes are \(labels), which does not fit scores \(scores)")
    }
    if let weights = context.optionalType(2), weights.dims != [scores.dims[1]] {
      throw .invalidShape("weights are \(weights), expected shape [\(scores.dims[1])]")
    }
    return TensorType(scores.element, reduction == .none ? labels.shape : .scalar)
  }

  func facts(_ context: FactContext) -> Fact { Fact(context[0].element, reduction == .none ? context[1].dims : []) }

  /// Stages that compute the loss into output 0.
  /// - Parameter source: where the log-probabilities lie.
  /// - Parameter scratch: byte offset of two Doubles for each part in the scratch memory, see `scratchBytes`.
  func stages<T: RealElement>(
    _ context: KernelContext, _ type: T.Type, source: OperandPlace, scratch: Int
  ) throws(PinionError) -> [Kernel.Stage] {
    let lines = AxisLines(try context.type(0).shape, axis: 1)
    let classes = lines.extent, inner = lines.inner, samples = lines.outer &* inner
    let isWide = try context.type(1).element == .int64, hasWeights = context.has(2)
    let ignored = ignored, reduction = reduction
    let part = ClassLoss.part
    let partial = Kernel.Stage.ranges(samples, grain: part) { (frame, range) throws(PinionError) in
      let scores = source.pointer(frame, T.self)
      var total = 0.0, weightTotal = 0.0
      for sample in range {
        let label = isWide ? frame.input(1, as: Int64.self)[sample] : Int64(frame.input(1, as: Int32.self)[sample])
        var loss = 0.0
        if label != ignored {
          guard label >= 0, label < Int64(classes) else {
            throw .invalidValue("class \(label) of sample \(sample) is out of range for \(classes) classes")
          }
          let weight = hasWeights ? Double(frame.input(2, as: T.self)[Int(label)]) : 1
          let index = (sample / inner &* classes &+ Int(label)) &* inner &+ sample % inner
          loss = -Double(scores[index]) * weight
          weightTotal += weight
        }
        if reduction == .none { frame.output(0, as: T.self)[sample] = T(loss) }
        total += loss
      }
      let sums = (frame.scratch + scratch).assumingMemoryBound(to: Double.self) + range.lowerBound / part &* 2
      sums[0] = total
      sums[1] = weightTotal
    }
    guard reduction != .none else { return [partial] }
    let parts = partial.tasks
    let combine = Kernel.Stage(tasks: 1) { frame, _ in
      let sums = (frame.scratch + scratch).assumingMemoryBound(to: Double.self)
      var total = 0.0, weightTotal = 0.0
      for index in 0..<parts {
        total += sums[2 &* index]
        weightTotal += sums[2 &* index &+ 1]
      }
      frame.output(0, as: T.self)[0] = T(reduction == .sum ? total : total / weightTotal)
    }
    return [partial, combine]
  }

  private static let part = 8192

  func scratchBytes(_ context: KernelContext) throws(PinionError) -> Int {
    (try context.type(1).count / ClassLoss.part &+ 1) &* 2 &* MemoryLayout<Double>.stride
  }
}
