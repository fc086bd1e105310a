import PinionTensor

/// The layout of an 8- or 4-bit floating-point type, and how numbers round into it.
public struct NarrowFloat: Sendable {
  /// How an exponent-only number (float8e8m0) is chosen between two powers of two.
  public enum Rounding: String, Sendable, CaseIterable {
    case up, down, nearest
  }

  private enum Special {
    /// The highest exponent holds infinity and NaN, as in IEEE 754.
    case ieee
    /// The highest code is NaN; there is no infinity.
    case finite
    /// The code of negative zero is NaN; there is neither that nor infinity.
    case unsignedZero
    /// Neither infinity nor NaN.
    case none
  }

  private let mantissaBits: Int
  private let bias: Int
  private let special: Special
  private let maximum: Int
  private let signBit: Int
  /// float8e8m0: a power of two without sign.
  private let isExponent: Bool

  /// - Returns: nil for types that are not narrow floats.
  public init?(_ type: ElementType) {
    switch type {
    case .float8e4m3fn: (mantissaBits, bias, special, maximum, signBit, isExponent) = (3, 7, .finite, 0x7e, 0x80, false)
    case .float8e4m3fnuz: (mantissaBits, bias, special, maximum, signBit, isExponent) = (3, 8, .unsignedZero, 0x7f, 0x80, false)
    case .float8e5m2: (mantissaBits, bias, special, maximum, signBit, isExponent) = (2, 15, .ieee, 0x7b, 0x80, false)
    case .float8e5m2fnuz: (mantissaBits, bias, special, maximum, signBit, isExponent) = (2, 16, .unsignedZero, 0x7f, 0x80, false)
    case .float4e2m1: (mantissaBits, bias, special, maximum, signBit, isExponent) = (1, 1, .none, 0x07, 0x08, false)
    case .float8e8m0: (mantissaBits, bias, special, maximum, signBit, isExponent) = (0, 127, .finite, 0xfe, 0x100, true)
    default: return nil
    }
  }

  private var notANumber: Int {
    switch special {
    case .ieee: 0x7e
    case .finite: isExponent ? 0xff : 0x7f
    case .unsignedZero: 0x80
    case .none: signBit
    }
  }

  /// The number that a code stands for.
  public func decode(_ code: UInt8) -> Float {
    if isExponent { return code == 0xff ? .nan : Float(sign: .plus, exponent: Int(code) - bias, significand: 1) }
    let bits = Int(code) & (2 * signBit - 1)
    if special == .unsignedZero, bits == 0x80 { return .nan }
    let sign: FloatingPointSign = bits & signBit != 0 ? .minus : .plus
    let magnitude = bits & (signBit - 1)
    if special != .none, magnitude > maximum {
      return special == .ieee && magnitude == maximum + 1 ? Float(signOf: sign == .minus ? -1 : 1, magnitudeOf: .infinity) : .nan
    }
    let exponent = magnitude >> mantissaBits
    let fraction = magnitude & (1 << mantissaBits - 1)
    let significand = exponent == 0 ? fraction : fraction | 1 << mantissaBits
    return Float(sign: sign, exponent: max(exponent, 1) - bias - mantissaBits, significand: Float(significand))
  }

  /// All 256 codes decoded.
  public var table: [Float] { (0...255).map { decode(UInt8(truncatingIfNeeded: $0)) } }

  /// The code of the number nearest to `x`, ties to even.
  /// - Parameters:
  ///   - saturate: whether what is too large becomes the largest number instead of infinity or NaN.
  ///   - rounding: for float8e8m0 only.
  public func encode(_ x: Double, saturate: Bool = true, rounding: Rounding = .up) -> UInt8 {
    UInt8(truncatingIfNeeded: isExponent ? exponentCode(x, saturate, rounding) : code(x, saturate))
  }

  private func code(_ x: Double, _ saturate: Bool) -> Int {
    let sign = x.sign == .minus ? signBit : 0
    if x.isNaN { return special == .unsignedZero || special == .none ? notANumber : notANumber | sign }
    let magnitude = x.magnitude
    let least = 1 - bias
    var code = maximum + 1
    if magnitude == 0 {
      code = 0
    } else if magnitude.isFinite {
      let exponent = max(Int(magnitude.exponent), least)
      if exponent - least <= 0xff {
        let units = (magnitude * Double(sign: .plus, exponent: mantissaBits - exponent, significand: 1)).rounded(.toNearestOrEven)
        code = (exponent - least) << mantissaBits + Int(units)
      }
    }
    if code > maximum {
      if saturate || special == .none { return maximum | sign }
      return special == .unsignedZero ? notANumber : (special == .ieee ? maximum + 1 : notANumber) | sign
    }
    return code == 0 && special == .unsignedZero ? 0 : code | sign
  }

  private func exponentCode(_ x: Double, _ saturate: Bool, _ rounding: Rounding) -> Int {
    if x.isNaN { return notANumber }
    let magnitude = x.magnitude
    guard magnitude.isFinite else { return saturate ? maximum : notANumber }
    guard magnitude > 0 else { return saturate ? 0 : notANumber }
    var code = Int(magnitude.exponent) + bias
    switch rounding {
    case .down: break
    case .up: if magnitude.significand > 1 { code += 1 }
    case .nearest: if magnitude.significand >= 1.5 { code += 1 }
    }
    if code > maximum { return saturate ? maximum : notANumber }
    if code < 0 { return saturate ? 0 : notANumber }
    return code
  }
}
