import PinionBase
import Testing

@Suite struct FloatToIntegerTests {
  @Test func insideTheRangeTheFractionIsCutOff() {
    #expect(Int(saturating: 2.9 as Double) == 2)
    #expect(Int(saturating: -2.9 as Float) == -2)
    #expect(UInt8(saturating: 254.9 as Float) == 254)
    #expect(Int8(saturating: -127.9 as Float) == -127)
    #expect(UInt8(saturating: -0.9 as Float) == 0)
    #expect(Int64(saturating: 9_007_199_254_740_993.0) == 9_007_199_254_740_992)
  }

  @Test func outsideTheRangeTheNearestEndIsTaken() {
    #expect(UInt8(saturating: 255 as Float) == 255)
    #expect(UInt8(saturating: 256 as Float) == 255)
    #expect(UInt8(saturating: -1 as Float) == 0)
    #expect(Int8(saturating: 1e30 as Float) == 127)
    #expect(Int8(saturating: -1e30 as Double) == -128)
    // 2^31 - 1 and 2^63 - 1 are no float32; the number above them is the first that does not fit.
    #expect(Int32(saturating: 2_147_483_648 as Float) == .max)
    #expect(Int32(saturating: 2_147_483_520 as Float) == 2_147_483_520)
    #expect(Int64(saturating: 0x1p63 as Float) == .max)
    #expect(Int64(saturating: -0x1p63 as Float) == .min)
    #expect(UInt64(saturating: 0x1p64 as Double) == .max)
    #expect(Int(saturating: Double.infinity) == .max)
    #expect(Int(saturating: -Float.infinity) == .min)
    #expect(Int64(saturating: Float16.infinity) == .max)
  }

  @Test func notANumberIsZero() {
    #expect(Int(saturating: Double.nan) == 0)
    #expect(UInt8(saturating: Float.nan) == 0)
    #expect(Int32(saturating: -Float.signalingNaN) == 0)
  }

  /// Swift's own spelling means the same wherever PinionBase is imported (and the compiler says what to write instead).
  @available(*, deprecated) @Test func plainConversionsDoNotTrap() {
    let huge: Float = 1e30, nan = Double.nan
    #expect(Int(huge) == .max && Int8(huge) == .max && Int16(huge) == .max && Int32(huge) == .max && Int64(huge) == .max)
    #expect(UInt(huge) == .max && UInt8(huge) == .max && UInt16(huge) == .max && UInt32(huge) == .max && UInt64(huge) == .max)
    #expect(Int(nan) == 0 && Int8(nan) == 0 && Int16(nan) == 0 && Int32(nan) == 0 && Int64(nan) == 0)
    #expect(UInt(nan) == 0 && UInt8(nan) == 0 && UInt16(nan) == 0 && UInt32(nan) == 0 && UInt64(nan) == 0)
    func generic<T: BinaryFloatingPoint>(_ value: T) -> Int32 { Int32(value) }
    #expect(generic(huge) == .max && generic(nan) == 0 && generic(Float16.infinity) == .max)
  }
}
