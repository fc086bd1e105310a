import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The same bits read as another type of the same width.
package struct BitCast: CPUExecutable {
  package static let schema = Schema(
    "BitCast", since: 26, inputs: ["input: U"], outputs: ["output: U1"],
    types: ["U": [.numbers, .narrowFloats, .narrowIntegers, .complex, .bool], "U1": [.numbers, .narrowFloats, .narrowIntegers, .complex, .bool]])
  let to: ElementType

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    to = try attributes.elementType("to")
    guard to != .string else { throw .invalidModel("attribute 'to' names string, which has no bit pattern") }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    guard type.element != .string, type.element.bitWidth == to.bitWidth else {
      throw .invalidShape("\(type) has elements of \(type.element.bitWidth) bits, expected the \(to.bitWidth) of \(to)")
    }
    return [TensorType(to, type.shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [context.like(0, element: to)] }

  /// In memory narrow integers carry their sign through a whole byte, which the same bits of another type do not.
  private func signMatters(_ type: TensorType) -> Bool { to.bitWidth < 8 && type.element != to }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    guard signMatters(type) else { return try copyKernel(context) }
    let shift = UInt8(8 - to.bitWidth)
    let isSigned = to.isSignedInteger
    return .ranges(type.count, grain: elementwiseGrain) { frame, range in
      let source = frame.input(0, as: UInt8.self), target = frame.output(0, as: UInt8.self)
      for index in range {
        let high = source[index] &<< shift
        target[index] = isSigned ? UInt8(bitPattern: Int8(bitPattern: high) &>> Int8(bitPattern: shift)) : high &>> shift
      }
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] {
    guard let type = context.optionalType(0), !signMatters(type) else { return [] }
    return [.within(input: 0, offset: 0)]
  }
}
