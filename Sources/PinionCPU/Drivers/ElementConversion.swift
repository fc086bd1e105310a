import CKernels
import PinionBase
import PinionTensor

/// The conversion of numbers between any two element types but strings, with the meaning of ONNX's Cast.
public struct ElementConversion: Sendable {
  private enum Plan {
    case copy(width: Int)
    case native(pk_convert_fn)
    /// A table of float32 for the source's codes, then a conversion.
    case decode([Float], pk_convert_fn?)
    /// A conversion to float64, then an encoding.
    case encode(pk_convert_fn?, NarrowFloat)
    case recode([UInt8])
    /// A conversion to int8 or wider, of which the low bits are kept.
    case narrow(pk_convert_fn, stagingWidth: Int, Narrow)
    case widenComplex, narrowComplex
  }

  private struct Narrow {
    let bits: UInt8
    let isSigned: Bool

    init?(_ type: ElementType) {
      switch type {
      case .int4: (bits, isSigned) = (4, true)
      case .uint4: (bits, isSigned) = (4, false)
      case .int2: (bits, isSigned) = (2, true)
      case .uint2: (bits, isSigned) = (2, false)
      default: return nil
      }
    }

    @inline(__always) func callAsFunction(_ value: UInt8) -> UInt8 {
      let shift = 8 &- bits
      let high = value &<< shift
      return isSigned ? UInt8(bitPattern: Int8(bitPattern: high) &>> Int8(bitPattern: shift)) : high &>> shift
    }
  }

  private let plan: Plan
  private let saturate: Bool
  private let rounding: NarrowFloat.Rounding
  private let sourceWidth: Int
  private let targetWidth: Int

  /// - Parameters:
  ///   - saturate: for narrow floats, whether numbers out of range become the largest one.
  ///   - rounding: for float8e8m0.
  /// - Throws: `.unsupported` where one type is string, or one is complex and the other is not.
  public init(
    from source: ElementType, to target: ElementType, saturate: Bool = true, rounding: NarrowFloat.Rounding = .up
  ) throws(PinionError) {
    self.saturate = saturate
    self.rounding = rounding
    sourceWidth = source.byteWidth
    targetWidth = target.byteWidth
    guard source != .string, target != .string else { throw .unsupported("no conversion from \(source) to \(target)") }
    if source == target {
      plan = .copy(width: source.byteWidth)
    } else if source == .complex64 || source == .complex128 || target == .complex64 || target == .complex128 {
      guard (source == .complex64 || source == .complex128) && (target == .complex64 || target == .complex128) else {
        throw .unsupported("no conversion from \(source) to \(target)")
      }
      plan = source == .complex64 ? .widenComplex : .narrowComplex
    } else if let narrowSource = NarrowFloat(source) {
      let table = narrowSource.table
      if let narrowTarget = NarrowFloat(target) {
        plan = .recode(table.map { narrowTarget.encode(Double($0), saturate: saturate, rounding: rounding) })
      } else if let narrow = Narrow(target) {
        plan = .recode(table.map { narrow(UInt8(truncatingIfNeeded: Int32(exactly: $0.rounded(.towardZero)) ?? 0)) })
      } else {
        plan = .decode(table, target == .float32 ? nil : try conversion(from: .float32, to: target))
      }
    } else if let narrowTarget = NarrowFloat(target) {
      plan = .encode(source == .float64 ? nil : try conversion(from: source.storage, to: .float64), narrowTarget)
    } else if let narrow = Narrow(target) {
      // Floats go through int32, from which the low bits are taken; integers drop theirs right away.
      let staging: ElementType = source.isFloatingPoint ? .int32 : .uint8
      plan = .narrow(try conversion(from: source.storage, to: staging), stagingWidth: staging.byteWidth, narrow)
    } else {
      plan = source.storage == target ? .copy(width: source.byteWidth) : .native(try conversion(from: source.storage, to: target))
    }
  }

  /// Converts `count` elements; the two memories do not overlap.
  public func callAsFunction(_ x: UnsafeRawPointer, _ y: UnsafeMutableRawPointer, _ count: Int) {
    switch plan {
    case .copy(let width): y.copyMemory(from: x, byteCount: count &* width)
    case .native(let convert): convert(x, y, count)
    case .recode(let table):
      let source = x.assumingMemoryBound(to: UInt8.self), target = y.assumingMemoryBound(to: UInt8.self)
      for index in 0..<count { target[index] = table[Int(source[index])] }
    case .decode(let table, nil):
      let source = x.assumingMemoryBound(to: UInt8.self), target = y.assumingMemoryBound(to: Float.self)
      for index in 0..<count { target[index] = table[Int(source[index])] }
    case .decode(let table, let convert?):
      inStrips(of: 4, count) { staging, start, length in
        let source = x.assumingMemoryBound(to: UInt8.self), strip = staging.assumingMemoryBound(to: Float.self)
        for index in 0..<length { strip[index] = table[Int(source[start &+ index])] }
        convert(strip, y + start &* targetWidth, length)
      }
    case .encode(let convert, let format):
      inStrips(of: 8, count) { staging, start, length in
        let strip = staging.assumingMemoryBound(to: Double.self), target = y.assumingMemoryBound(to: UInt8.self)
        if let convert {
          convert(x + start &* sourceWidth, strip, length)
        } else {
          staging.copyMemory(from: x + start &* sourceWidth, byteCount: length &* 8)
        }
        for index in 0..<length { target[start &+ index] = format.encode(strip[index], saturate: saturate, rounding: rounding) }
      }
    case .narrow(let convert, let width, let narrow):
      inStrips(of: width, count) { staging, start, length in
        convert(x + start &* sourceWidth, staging, length)
        let bytes = staging.assumingMemoryBound(to: UInt8.self), target = y.assumingMemoryBound(to: UInt8.self)
        for index in 0..<length { target[start &+ index] = narrow(bytes[index &* width]) }
      }
    case .widenComplex:
      let from = x.assumingMemoryBound(to: Float.self), to = y.assumingMemoryBound(to: Double.self)
      for index in 0..<2 &* count { to[index] = Double(from[index]) }
    case .narrowComplex:
      let from = x.assumingMemoryBound(to: Double.self), to = y.assumingMemoryBound(to: Float.self)
      for index in 0..<2 &* count { to[index] = Float(from[index]) }
    }
  }

  @inline(__always)
  private func inStrips(of width: Int, _ count: Int, _ body: (UnsafeMutableRawPointer, _ start: Int, _ length: Int) -> Void) {
    // Small enough that the temporary memory is the stack's.
    let strip = 1024 / width
    withUnsafeTemporaryAllocation(byteCount: 1024, alignment: 64) { memory in
      guard let staging = memory.baseAddress else { return }
      var start = 0
      while start < count {
        let length = min(strip, count &- start)
        body(staging, start, length)
        start &+= length
      }
    }
  }
}

extension ElementType {
  /// The type whose bytes hold the elements: narrow integers lie in whole bytes with their sign.
  fileprivate var storage: ElementType {
    switch self {
    case .int4, .int2: .int8
    case .uint4, .uint2: .uint8
    default: self
    }
  }
}
