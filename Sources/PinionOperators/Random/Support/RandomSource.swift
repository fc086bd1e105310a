import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Random numbers that are a function of a seed and a position, so that any thread may make any of them.
struct RandomSource {
  let seed: UInt64

  /// 64 random bits: the state of Steele's SplitMix generator after `position` steps, mixed.
  @inline(__always) func bits(_ position: Int) -> UInt64 {
    var z = seed &+ (UInt64(truncatingIfNeeded: position) &+ 1) &* 0x9e37_79b9_7f4a_7c15
    z = (z ^ (z >> 30)) &* 0xbf58_476d_1ce4_e5b9
    z = (z ^ (z >> 27)) &* 0x94d0_49bb_1331_11eb
    return z ^ (z >> 31)
  }

  /// From 0 up to and without 1.
  @inline(__always) func uniform(_ position: Int) -> Double { Double(bits(position) >> 11) * 0x1p-53 }
}

/// The seed of an operator: the one of its attribute in every run, or a new one in each.
struct Seed {
  private let fixed: UInt64?

  /// A FLOAT, as the random operators have it.
  init(_ attributes: inout AttributeReader) throws(PinionError) {
    fixed = try attributes.optionalFloat("seed").map { UInt64($0.bitPattern) }
  }

  init(integer: Int64?) { fixed = integer.map { UInt64(bitPattern: $0) } }

  /// Bytes of scratch memory for the stage's seed.
  static let scratchBytes = 8

  /// The stage that chooses the seed before the others use it.
  var stage: Kernel.Stage {
    let fixed = fixed
    return Kernel.Stage(tasks: 1) { frame, _ in
      var generator = SystemRandomNumberGenerator()
      frame.scratch.storeBytes(of: fixed ?? generator.next(), as: UInt64.self)
    }
  }

  static func source(_ frame: KernelFrame) -> RandomSource { RandomSource(seed: frame.scratch.load(as: UInt64.self)) }
}

/// A kernel that fills output 0, a float32 or float64 tensor, with a function of random numbers and the position.
func randomKernel(
  _ seed: Seed, _ context: KernelContext, _ draw: @escaping @Sendable (RandomSource, Int) -> Double
) throws(PinionError) -> Kernel {
  let type = try context.outputType(0)
  let fill: Kernel.Stage
  switch type.element {
  case .float32:
    fill = .ranges(type.count, grain: 4096) { frame, range in
      let source = Seed.source(frame), target = frame.output(0, as: Float.self)
      for index in range { target[index] = Float(draw(source, index)) }
    }
  case .float64:
    fill = .ranges(type.count, grain: 4096) { frame, range in
      let source = Seed.source(frame), target = frame.output(0, as: Double.self)
      for index in range { target[index] = draw(source, index) }
    }
  default: throw context.unsupportedTypes()
  }
  return Kernel(stages: [seed.stage, fill], scratchBytes: Seed.scratchBytes)
}

/// A kernel that fills output 0, a float32 or float64 tensor, with numbers of the normal distribution, by Box and Muller's formula.
func normalKernel(_ seed: Seed, _ context: KernelContext, mean: Double, scale: Double) throws(PinionError) -> Kernel {
  let type = try context.outputType(0), isa = pk_isa_best()
  guard let log = pk_unary_kernel(isa, PK_UNARY_LOG, PK_F64), let cos = pk_unary_kernel(isa, PK_UNARY_COS, PK_F64),
    type.element == .float32 || type.element == .float64
  else { throw context.unsupportedTypes() }
  let narrow = try ElementConversion(from: .float64, to: type.element)
  let strip = 512, width = type.element.byteWidth
  let fill = Kernel.Stage.ranges(type.count, grain: 4096) { frame, range in
    let source = Seed.source(frame)
    let radii = frame.laneScratch.bindMemory(to: Double.self, capacity: 2 &* strip), angles = radii + strip
    var start = range.lowerBound
    while start < range.upperBound {
      let count = min(strip, range.upperBound &- start)
      for index in 0..<count {
        radii[index] = 1 - source.uniform(2 &* (start &+ index))
        angles[index] = 2 * .pi * source.uniform(2 &* (start &+ index) &+ 1)
      }
      log(radii, radii, count, nil)
      cos(angles, angles, count, nil)
      for index in 0..<count { radii[index] = mean + scale * ((-2 * radii[index]).squareRoot() * angles[index]) }
      narrow(radii, frame.rawOutput(0) + start &* width, count)
      start &+= count
    }
  }
  return Kernel(stages: [seed.stage, fill], scratchBytes: Seed.scratchBytes, laneScratchBytes: 2 &* strip &* 8)
}
