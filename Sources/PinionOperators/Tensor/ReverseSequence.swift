import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Each sequence of the batch reversed in its first sequence_lens elements.
package struct ReverseSequence: CPUExecutable, LikeFirstInput {
  package static let schema = Schema("ReverseSequence", since: 28, inputs: ["input: T", "sequence_lens: int64"], outputs: ["Y: T"], types: ["T": .all])
  let batchAxis: Int
  let timeAxis: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    batchAxis = try attributes.int("batch_axis", default: 1, in: 0...1)
    timeAxis = try attributes.int("time_axis", default: 0, in: 0...1)
    guard batchAxis != timeAxis else { throw .invalidModel("batch_axis and time_axis are both \(batchAxis)") }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rankAtLeast: 2), lengths = try context.type(1)
    guard lengths.dims == [type.dims[batchAxis]] else {
      throw .invalidShape("sequence_lens is \(lengths), expected int64[\(type.dims[batchAxis])]")
    }
    return [type]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let run = type.shape.count(2..<type.rank) &* type.element.byteWidth
    let columns = type.dims[1], times = type.dims[timeAxis], timeIsOuter = timeAxis == 0
    guard type.count > 0 else { return Kernel(stages: []) }
    return .ranges(type.dims[0] &* columns, grain: max((1 << 16) / run, 1)) { (frame, range) throws(PinionError) in
      let lengths = frame.input(1, as: Int64.self)
      for row in range {
        let outer = row / columns, inner = row % columns
        let time = timeIsOuter ? outer : inner, batch = timeIsOuter ? inner : outer
        let length = lengths[batch]
        guard length >= 0, length <= times else {
          throw .invalidValue("sequence_lens has \(length) for sample \(batch), expected 0 to \(times)")
        }
        let source = time < length ? Int(length) &- 1 &- time : time
        let from = timeIsOuter ? source &* columns &+ batch : batch &* columns &+ source
        copyRun(frame.rawOutput(0) + row &* run, frame.rawInput(0) + from &* run, run)
      }
    }
  }
}
