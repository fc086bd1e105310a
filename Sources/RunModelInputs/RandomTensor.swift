import PinionBase
import PinionCPU
import PinionTensor

/// Numbers that are the same on every machine for one seed (SplitMix64).
package struct SeededGenerator: RandomNumberGenerator, Sendable {
  private var state: UInt64

  package init(seed: UInt64) { state = seed }

  package mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var z = state
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// Evenly spread over 0 ..< 1.
  mutating func unit() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// A tensor of random elements: floating-point numbers in 0 ..< 1, 8-bit integers over their whole range, flags and wider
  /// integers 0 or 1 (which as indices and masks fit most models), strings of small letters.
  /// - Parameter range: instead: numbers from the first up to the second, which integers may reach and others not.
  package mutating func tensor(_ type: TensorType, range: (Double, Double)? = nil) throws(PinionError) -> Tensor {
    if type.element == .string { return try strings(type.shape) }
    let isReal = type.element.isFloatingPoint || type.element == .complex64 || type.element == .complex128
    let (low, high) = range ?? SeededGenerator.usualRange(type.element)
    guard SeededGenerator.canSpread(low, high) else {
      throw .invalidArgument("random numbers from \(low) to \(high); expected the smaller one first")
    }
    let isComplex = type.element == .complex64 || type.element == .complex128
    let result = try Tensor(type)
    let parts = type.count &* (isComplex ? 2 : 1)
    let target = type.element == .complex64 ? ElementType.float32 : type.element == .complex128 ? .float64 : type.element
    let convert = try ElementConversion(from: .float64, to: target)
    let first = low.rounded(.up), last = high.rounded(.down)
    var staging = [Double](repeating: 0, count: 1024)
    var start = 0
    while start < parts {
      let count = min(staging.count, parts &- start)
      for index in 0..<count {
        staging[index] = isReal ? low + unit() * (high - low) : first + (unit() * (last - first + 1)).rounded(.down)
      }
      let place = result.data + start &* target.byteWidth
      staging.withUnsafeBytes { source in
        if let base = source.baseAddress { convert(base, place, count) }
      }
      start &+= count
    }
    return result
  }

  /// Whether there are random numbers from one to the other.
  package static func canSpread(_ low: Double, _ high: Double) -> Bool { low.isFinite && high.isFinite && low <= high && high - low < 0x1p52 }

  private static func usualRange(_ element: ElementType) -> (Double, Double) {
    switch element {
    case .uint8: (0, 255)
    case .int8: (-128, 127)
    case .uint4: (0, 15)
    case .int4: (-8, 7)
    case .uint2: (0, 3)
    case .int2: (-2, 1)
    default: (0, 1)
    }
  }

  private mutating func strings(_ shape: Shape) throws(PinionError) -> Tensor {
    guard shape.count <= 1 << 24 else { throw .invalidArgument("\(shape.count) random strings") }
    var strings: [[UInt8]] = []
    for _ in 0..<shape.count {
      strings.append((0..<Int(1 + next() % 8)).map { _ in UInt8(ascii: "a") + UInt8(next() % 26) })
    }
    return try Tensor(utf8: strings, shape)
  }
}
