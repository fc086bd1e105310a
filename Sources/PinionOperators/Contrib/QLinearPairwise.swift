import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A + B of quantized tensors with broadcasting.
public struct QLinearAdd: QLinearPairwise {
  public static let schema = qLinearPairwiseSchema("QLinearAdd")
  static var multiplies: Bool { false }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// A * B of quantized tensors with broadcasting.
public struct QLinearMul: QLinearPairwise {
  public static let schema = qLinearPairwiseSchema("QLinearMul")
  static var multiplies: Bool { true }
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}
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
  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    for index in [1, 2, 4, 5, 6, 7] {
      guard let type = context.optionalType(index), type.count != 1 else { continue }
      throw .invalidShape("input '\(Self.schema.inputName(index))' is \(type), expected one element")
    }
    let a = try context.type(0), b = try context.type(3)
    return [TensorType(a.element, try .broadcast([a.shape, b.shape]))]
  }

  public func facts(_ context: FactContext) -> [Fact] { [Fact(context[0].element, context.broadcast([0, 3]))] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .uint8: try kernel(UInt8.self, context)
    case .int8: try kernel(Int8.self, context)
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<T: FixedWidthInteger & Element>(_: T.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let output = try context.outputType(0)
    let broadcast = Broadcast([try context.type(0).shape, try context.type(3).shape], to: output.shape)
    let hasA = context.has(2), hasB = context.has(5), hasC = context.has(7)
    let aStep = broadcast.walks[0] ? 1 : 0, bStep = broadcast.walks[1] ? 1 : 0
    return .ranges(output.count, grain: elementwiseGrain) { frame, range in
      func scale(_ index: Int) -> Float { frame.input(index, as: Float.self)[0] }
      func zero(_ index: Int, _ isPresent: Bool) -> Float { isPresent ? Float(frame.input(index, as: T.self)[0]) : 0 }
      let zeroA = zero(2, hasA), zeroB = zero(5, hasB), zeroC = zero(7, hasC)
      // The zero point is rounded with the rest, and each multiply-add rounds once: so does the runtime these operators stem from.
      let quantize = Quantization<T>(zeroPoint: 0)
      let factorA = Self.multiplies ? scale(1) * scale(4) / scale(6) : scale(1) / scale(6), factorB = scale(4) / scale(6)
      let offset = Double(zeroC - (factorA * zeroA + factorB * zeroB))
      let wideA = Double(factorA), wideB = Double(factorB)
      let a = frame.input(0, as: T.self), b = frame.input(3, as: T.self), c = frame.output(0, as: T.self)
      broadcast.forEachRun(in: range) { at, start, count in
        let x = a + at[0], y = b + at[1], z = c + start
        if Self.multiplies {
          for index in 0..<count {
            z[index] = quantize((Float(x[index &* aStep]) - zeroA) * (Float(y[index &* bStep]) - zeroB) * factorA + zeroC)
          }
        } else if aStep == 1 && bStep == 1 {
          for index in 0..<count { z[index] = quantize(sum(x[index], y[index], wideA, wideB, offset)) }
        } else {
          for index in 0..<count { z[index] = quantize(sum(x[index &* aStep], y[index &* bStep], wideA, wideB, offset)) }
        }
      }
    }
  }

  public func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: inputsLikeOutput([0, 3], context))] }
}

/// `a * factorA + (b * factorB + offset)` with float32 results of exact products.
@inline(__always)
private func sum<T: FixedWidthInteger>(_ a: T, _ b: T, _ factorA: Double, _ factorB: Double, _ offset: Double) -> Float {
  Float(Double(a) * factorA + Double(Float(Double(b) * factorB + offset)))
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
