import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// 1 with the probability that each input element gives, else 0.
package struct Bernoulli: CPUExecutable {
  package static let schema = Schema("Bernoulli", since: 22, inputs: ["input: floats"], outputs: ["output: numbers|bool"])
  package static var isDeterministic: Bool { false }
  let element: ElementType?
  let seed: Seed

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.optionalElementType("dtype")
    seed = try Seed(&attributes)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    return [TensorType(element ?? type.element, type.shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [context.like(0, element: element)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let input = try context.type(0), output = try context.outputType(0)
    let widen = try ElementConversion(from: input.element, to: .float64)
    let narrow = try ElementConversion(from: .float64, to: output.element)
    let inputWidth = input.element.byteWidth, outputWidth = output.element.byteWidth
    let strip = 512
    let draw = Kernel.Stage.ranges(input.count, grain: 4096) { frame, range in
      let source = Seed.source(frame), numbers = frame.laneScratch.assumingMemoryBound(to: Double.self)
      var start = range.lowerBound
      while start < range.upperBound {
        let count = min(strip, range.upperBound &- start)
        widen(frame.rawInput(0) + start &* inputWidth, numbers, count)
        for index in 0..<count { numbers[index] = source.uniform(start &+ index) < numbers[index] ? 1 : 0 }
        narrow(numbers, frame.rawOutput(0) + start &* outputWidth, count)
        start &+= count
      }
    }
    return Kernel(stages: [seed.stage, draw], scratchBytes: Seed.scratchBytes, laneScratchBytes: strip * 8)
  }
}
