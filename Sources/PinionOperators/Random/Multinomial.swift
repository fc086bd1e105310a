import Glibc
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Samples of class numbers, [batch, sample_size], from unnormalised log probabilities [batch, classes].
package struct Multinomial: CPUExecutable {
  package static let schema = Schema("Multinomial", since: 22, inputs: ["input: floats"], outputs: ["output: indices"])
  package static var isDeterministic: Bool { false }
  package static var computesHalfInFloat32: Bool { true }
  let element: ElementType
  let sampleSize: Int
  let seed: Seed

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.elementType("dtype", default: .int32)
    guard element == .int32 || element == .int64 else { throw .invalidModel("attribute 'dtype' is \(element), expected int32 or int64") }
    sampleSize = try attributes.int("sample_size", default: 1, in: 0...(1 << 31))
    seed = try Seed(&attributes)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rank: 2)
    guard type.dims[1] > 0 || type.dims[0] == 0 || sampleSize == 0 else { throw .invalidShape("\(type) has no classes to sample") }
    return [TensorType(element, try Shape([type.dims[0], sampleSize]))]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(element, [context[0].extent(0), sampleSize])] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let classes = type.dims[1], samples = sampleSize, isWide = element == .int64
    guard type.element == .float32 || type.element == .float64 else { throw context.unsupportedTypes() }
    let isDouble = type.element == .float64
    let draw = Kernel.Stage(tasks: samples == 0 ? 0 : type.dims[0]) { (frame, row) throws(PinionError) in
      var poll = Poll(frame.control)
      let source = Seed.source(frame), sums = frame.laneScratch.assumingMemoryBound(to: Double.self)
      let single = frame.input(0, as: Float.self) + (isDouble ? 0 : row &* classes)
      let double = frame.input(0, as: Double.self) + (isDouble ? row &* classes : 0)
      var largest = -Double.infinity
      for index in 0..<classes {
        try poll.count()
        sums[index] = isDouble ? double[index] : Double(single[index])
        largest = max(largest, sums[index])
      }
      var total = 0.0
      for index in 0..<classes {
        try poll.count(4)
        total += exp(sums[index] - largest)
        sums[index] = total
      }
      for sample in 0..<samples {
        try poll.count(16)
        let position = row &* samples &+ sample
        let point = source.uniform(position) * total
        var low = 0, high = classes &- 1
        while low < high {
          let middle = (low &+ high) / 2
          if sums[middle] > point { high = middle } else { low = middle &+ 1 }
        }
        if isWide {
          frame.output(0, as: Int64.self)[position] = Int64(low)
        } else {
          frame.output(0, as: Int32.self)[position] = Int32(truncatingIfNeeded: low)
        }
      }
    }
    return Kernel(stages: [seed.stage, draw], scratchBytes: Seed.scratchBytes, laneScratchBytes: try classes.multiplied(by: 8))
  }
}
