import CKernels
import PinionBackend
import PinionBase

/// Quantises input 0, float32, to uint8 with a scale and a zero point taken from its range.
public struct DynamicQuantization: Sendable {
  private let count: Int
  private let chunks: Int
  private let grain = 65_536
  private let measured: (@Sendable (KernelFrame) -> Int)?

  /// - Parameters:
  ///   - count: the elements of input 0.
  ///   - measured: how many of them, from the start, make the range; nil for all. Those behind may leave it.
  public init(count: Int, measured: (@Sendable (KernelFrame) -> Int)? = nil) {
    self.count = count
    self.measured = measured
    chunks = max(count == 0 ? 0 : (count &- 1) / grain &+ 1, 1)
  }

  /// Shared scratch memory: the scale (float32), the zero point (int32), and the range of each chunk.
  public var scratchBytes: Int { 8 &+ chunks &* 8 }
  /// Where the zero point lies in it.
  public static let zeroOffset = 4

  /// Scale and zero point of uint8 codes for a range that includes 0.
  @inline(__always)
  public static func parameters(_ least: Float, _ greatest: Float) -> (scale: Float, zero: Int32) {
    // All zeros have any scale.
    let scale = least == greatest ? 1 : (greatest - least) / 255
    let code = (-least / scale).rounded(.toNearestOrEven)
    return (scale, Int32(saturating: max(0, min(code, 255))))
  }

  /// Stages that measure the range and leave the scale and the zero point at `scratch` and `scratch + 4`.
  public func stages(
    scratch: Int, _ result: @escaping @Sendable (KernelFrame, _ scale: Float, _ zero: Int32) -> Void
  ) -> [Kernel.Stage] {
    let isa = pk_isa_best(), chunks = chunks, measured = measured
    return [
      .ranges(count, grain: grain) { frame, range in
        let offset = scratch &+ 8 &+ range.lowerBound / grain &* 8
        let target = (frame.scratch + offset).assumingMemoryBound(to: Float.self)
        let length = measured.map { max(0, min(range.upperBound, $0(frame)) &- range.lowerBound) } ?? range.count
        (target[0], target[1]) = (0, 0)
        if length > 0 { pk_range_f32(isa, frame.input(0) + range.lowerBound, length, target, target + 1) }
      },
      Kernel.Stage(tasks: 1) { frame, _ in
        let ranges = (frame.scratch + (scratch &+ 8)).assumingMemoryBound(to: Float.self)
        var least: Float = 0, greatest: Float = 0
        if count > 0 {
          for chunk in 0..<chunks {
            least = min(least, ranges[2 &* chunk])
            greatest = max(greatest, ranges[2 &* chunk &+ 1])
          }
        }
        let (scale, zero) = DynamicQuantization.parameters(least, greatest)
        (frame.scratch + scratch).storeBytes(of: scale, as: Float.self)
        (frame.scratch + (scratch &+ 4)).storeBytes(of: zero, as: Int32.self)
        result(frame, scale, zero)
      },
    ]
  }

  /// The stage that writes the codes, after the ones above.
  public func codes(
    scratch: Int, _ target: @escaping @Sendable (KernelFrame, Range<Int>) -> UnsafeMutablePointer<UInt8>
  ) -> Kernel.Stage {
    let isa = pk_isa_best()
    return .ranges(count, grain: elementwiseGrain) { frame, range in
      var q = pk_quantization()
      q.scale = UnsafePointer((frame.scratch + scratch).assumingMemoryBound(to: Float.self))
      q.zero = UnsafePointer((frame.scratch + (scratch &+ 4)).assumingMemoryBound(to: Int32.self))
      q.high = 255
      _ = pk_quantize_f32(isa, PK_U8, &q, frame.input(0) + range.lowerBound, target(frame, range), range.count)
    }
  }
}
