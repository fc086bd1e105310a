import CKernels
import Glibc
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Softmax, LogSoftmax and Hardmax: operators on the lines of a tensor along an axis.
protocol SoftmaxOperator: CPUExecutable {
  var along: SoftmaxAxis { get }
}

public struct SoftmaxAxis: Sendable {
  let axis: Int64
  /// Before opset 13 a line ran over all axes from `axis` on.
  let takesAllFollowing: Bool

  init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.int("axis", default: -1)
    takesAllFollowing = try attributes.bool("pinion_takes_all_following")
  }
}

extension SoftmaxOperator {
  public static var computesHalfInFloat32: Bool { true }

  public static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 13 else { return }
    if node.attributes["axis"] == nil { node.attributes["axis"] = .int(1) }
    node.attributes["pinion_takes_all_following"] = .int(1)
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    _ = try lines(type.shape)
    return [type]
  }

  func lines(_ shape: Shape) throws(PinionError) -> AxisLines {
    guard shape.rank > 0 else { return AxisLines(outer: 1, extent: 1, inner: 1) }
    // Flattening may split behind the last axis as well.
    if along.takesAllFollowing, along.axis == Int64(shape.rank) { return AxisLines(outer: shape.count, extent: 1, inner: 1) }
    let axis = try shape.normalized(axis: along.axis)
    guard along.takesAllFollowing else { return AxisLines(shape, axis: axis) }
    return AxisLines(outer: shape.count(0..<axis), extent: shape.count(axis..<shape.rank), inner: 1)
  }

  public func reusableInputs(_ context: KernelContext) -> [Int] { [0] }
}

/// A floating-point type with vector kernels for its functions.
protocol RealElement: BinaryFloatingPoint, Element {
  static var kernelType: pk_type { get }
  static func naturalLogarithm(_ x: Self) -> Self
}
extension Float: RealElement {
  static var kernelType: pk_type { PK_F32 }
  static func naturalLogarithm(_ x: Float) -> Float { logf(x) }
}
extension Double: RealElement {
  static var kernelType: pk_type { PK_F64 }
  static func naturalLogarithm(_ x: Double) -> Double { log(x) }
}

extension RealElement {
  /// The kernel of an operation on elements of this type.
  static func function(_ operation: pk_unary_op) throws(PinionError) -> pk_unary_fn {
    guard let function = pk_unary_kernel(pk_isa_best(), operation, kernelType) else {
      throw .internal("no kernel for operation \(operation.rawValue) on \(Self.elementType)")
    }
    return function
  }
}

/// exp(x) / sum(exp(x)) along lines, or its logarithm.
func softmaxKernel<T: RealElement>(_ lines: AxisLines, logarithm: Bool, _ type: T.Type) throws(PinionError) -> Kernel {
  let exponential = try T.function(PK_UNARY_EXP)
  let extent = lines.extent, inner = lines.inner
  guard extent > 0, inner > 0 else { return Kernel(stages: []) }
  // Lines side by side are worked on together, `width` of them.
  let width = min(inner, 256)
  let blocksPerOuter = (inner &- 1) / width &+ 1
  let lane = try (inner == 1 ? extent : 3 &* width).multiplied(by: MemoryLayout<T>.stride)
  let work = extent &* width
  return .ranges(lines.outer &* blocksPerOuter, grain: max(1, 8192 / work), laneScratchBytes: lane) { frame, range in
    let scratch = frame.laneScratch.assumingMemoryBound(to: T.self)
    for block in range {
      let first = block % blocksPerOuter &* width
      let offset = block / blocksPerOuter &* extent &* inner &+ first
      let x = frame.input(0, as: T.self) + offset, y = frame.output(0, as: T.self) + offset
      if inner == 1 {
        softmaxLine(x, y, count: extent, logarithm: logarithm, scratch: scratch, exponential)
      } else {
        softmaxColumns(
          x, y, rows: extent, columns: min(width, inner &- first), stride: inner, logarithm: logarithm, scratch: scratch, exponential)
      }
    }
  }
}

private func softmaxLine<T: RealElement>(
  _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, count: Int, logarithm: Bool, scratch: UnsafeMutablePointer<T>,
  _ exponential: pk_unary_fn
) {
  var largest = x[0]
  for index in 1..<max(count, 1) { largest = x[index] > largest ? x[index] : largest }
  for index in 0..<count { y[index] = x[index] - largest }
  let powers = logarithm ? scratch : y
  exponential(y, powers, count, nil)
  var sums = (T.zero, T.zero, T.zero, T.zero)
  var index = 0
  while index &+ 4 <= count {
    sums.0 += powers[index]
    sums.1 += powers[index &+ 1]
    sums.2 += powers[index &+ 2]
    sums.3 += powers[index &+ 3]
    index &+= 4
  }
  while index < count {
    sums.0 += powers[index]
    index &+= 1
  }
  let sum = (sums.0 + sums.1) + (sums.2 + sums.3)
  if logarithm {
    let shift = T.naturalLogarithm(sum)
    for index in 0..<count { y[index] -= shift }
  } else {
    let scale = 1 / sum
    for index in 0..<count { y[index] *= scale }
  }
}

/// The same for lines side by side; `scratch` has room for three rows.
private func softmaxColumns<T: RealElement>(
  _ x: UnsafePointer<T>, _ y: UnsafeMutablePointer<T>, rows: Int, columns: Int, stride: Int, logarithm: Bool,
  scratch: UnsafeMutablePointer<T>, _ exponential: pk_unary_fn
) {
  let largest = scratch, sums = scratch + columns, powers = scratch + 2 &* columns
  for column in 0..<columns {
    largest[column] = x[column]
    sums[column] = 0
  }
  for row in 1..<max(rows, 1) {
    let values = x + row &* stride
    for column in 0..<columns { largest[column] = values[column] > largest[column] ? values[column] : largest[column] }
  }
  for row in 0..<rows {
    let values = x + row &* stride, results = y + row &* stride
    for column in 0..<columns { results[column] = values[column] - largest[column] }
    let target = logarithm ? powers : results
    exponential(results, target, columns, nil)
    for column in 0..<columns { sums[column] += target[column] }
  }
  for column in 0..<columns { sums[column] = logarithm ? T.naturalLogarithm(sums[column]) : 1 / sums[column] }
  for row in 0..<rows {
    let results = y + row &* stride
    if logarithm {
      for column in 0..<columns { results[column] -= sums[column] }
    } else {
      for column in 0..<columns { results[column] *= sums[column] }
    }
  }
}
