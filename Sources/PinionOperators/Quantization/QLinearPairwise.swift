import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A + B of quantized tensors with broadcasting.
package struct QLinearAdd: QLinearPairwise {
  package static let schema = qLinearPairwiseSchema("QLinearAdd")
  static var multiplies: Bool { false }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// A * B of quantized tensors with broadcasting.
package struct QLinearMul: QLinearPairwise {
  package static let schema = qLinearPairwiseSchema("QLinearMul")
  static var multiplies: Bool { true }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

private func qLinearPairwiseSchema(_ name: String) -> Schema {
  Schema(
    name, domain: "com.microsoft", since: 1,
    inputs: [
      "A: T", "A_scale: float32", "A_zero_point?: T", "B: T", "B_scale: float32", "B_zero_point?: T", "C_scale: float32", "C_zero_point?: T",
    ], outputs: ["C: T"], types: ["T": .bytes])
}

/// An operator on two tensors of bytes, each with one scale and zero point: inputs 0 and 3, and the result's at 6.
protocol QLinearPairwise: CPUExecutable {
  static var multiplies: Bool { get }
}

extension QLinearPairwise {
  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    for index in [1, 2, 4, 5, 6, 7] {
      guard let type = context.optionalType(index), type.count != 1 else { continue }
      throw .invalidShape("input '\(Self.schema.inputName(index))' is \(type), expected one element")
    }
    let a = try context.type(0), b = try context.type(3)
    return [TensorType(a.element, try .broadcast([a.shape, b.shape]))]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(context[0].element, context.broadcast([0, 3]))] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type: pk_type
    switch try context.type(0).element {
    case .uint8: type = PK_U8
    case .int8: type = PK_I8
    default: throw context.unsupportedTypes()
    }
    let output = try context.outputType(0)
    let broadcast = Broadcast([try context.type(0).shape, try context.type(3).shape], to: output.shape)
    let hasA = context.has(2), hasB = context.has(5), hasC = context.has(7)
    let isa = pk_isa_best(), multiplies = Self.multiplies
    return .ranges(output.count, grain: elementwiseGrain) { frame, range in
      func scale(_ index: Int) -> Float { frame.input(index, as: Float.self)[0] }
      func zero(_ index: Int, _ isPresent: Bool) -> Float {
        guard isPresent else { return 0 }
        return type == PK_U8 ? Float(frame.input(index, as: UInt8.self)[0]) : Float(frame.input(index, as: Int8.self)[0])
      }
      var pair = pk_pairwise_int8()
      pair.a_walks = broadcast.walks[0]
      pair.b_walks = broadcast.walks[1]
      pair.zero_a = zero(2, hasA)
      pair.zero_b = zero(5, hasB)
      // The zero point is rounded with the rest: so does the runtime these operators stem from.
      let zeroC = zero(7, hasC)
      if multiplies {
        pair.factor_a = scale(1) * scale(4) / scale(6)
        pair.offset = zeroC
      } else {
        pair.factor_a = scale(1) / scale(6)
        pair.factor_b = scale(4) / scale(6)
        pair.offset = zeroC - (pair.factor_a * pair.zero_a + pair.factor_b * pair.zero_b)
      }
      let a = frame.rawInput(0), b = frame.rawInput(3), c = frame.rawOutput(0)
      broadcast.forEachRun(in: range) { at, start, count in
        if multiplies {
          _ = pk_multiply_int8(isa, type, &pair, a + at[0], b + at[1], c + start, count)
        } else {
          _ = pk_add_int8(isa, type, &pair, a + at[0], b + at[1], c + start, count)
        }
      }
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: inputsLikeOutput([0, 3], context))] }
}

/// Rounds multiples of a scale to bytes around a zero point.
struct Quantization<T: FixedWidthInteger> {
  let low: Float
  let high: Float
  let zeroPoint: Int32

  init(zeroPoint: Float) {
    self.zeroPoint = Int32(saturating: zeroPoint)
    low = Float(T.min) - zeroPoint
    high = Float(T.max) - zeroPoint
  }

  @inline(__always) func callAsFunction(_ value: Float) -> T {
    let held = value > low ? (value < high ? value : high) : low
    // The sum's last place is 1, so that adding rounds to the nearest integer, ties to even, which its low bits then hold.
    let integer = Int32(bitPattern: (held + 0x1.8p23).bitPattern) &- 0x4b40_0000
    return T(truncatingIfNeeded: integer &+ zeroPoint)
  }
}
