import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The input repeated along each axis.
package struct Tile: CPUExecutable {
  package static let schema = Schema(
    "Tile", since: 13, inputs: ["input: T", "repeats: indices|floats", "axis?: indices|floats"], outputs: ["output: T"], types: ["T": .all])
  private static let oneAxis = "one axis"
  /// The form before opset 6: input 1 says how often and input 2 along which axis, as numbers of the input's type.
  private let repeatsOneAxis: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    repeatsOneAxis = try attributes.bool(Tile.oneAxis)
  }

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    if node.opset < 6 {
      node.attributes[Tile.oneAxis] = .int(1)
    } else if node.has(input: 2) {
      throw .invalidModel("Tile has 3 inputs, expected 2")
    }
  }

  private func repeats(_ context: InferenceContext) throws(PinionError) -> [Int] {
    let type = try context.type(0)
    var result = [Int](repeating: 1, count: type.rank)
    if repeatsOneAxis {
      let axis = try type.shape.normalized(axis: try context.requiredValue(2).wholeNumber())
      result[axis] = try context.requiredValue(1).wholeNumber().converted()
    } else {
      let repeats = try context.integers(1)
      guard repeats.count == type.rank else { throw .invalidShape("\(repeats.count) repeats for \(type)") }
      for (axis, count) in repeats.enumerated() { result[axis] = try count.converted() }
    }
    guard result.allSatisfy({ $0 >= 0 }) else { throw .invalidShape("negative number of repeats in \(result)") }
    return result
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    var dims: [Int] = []
    for (extent, count) in zip(type.dims, try repeats(context)) { dims.append(try extent.multiplied(by: count)) }
    return [TensorType(type.element, try Shape(dims))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0]
    guard !repeatsOneAxis, let dims = data.dims, let repeats = context[1].extents, repeats.count == dims.count else {
      return [Fact(data.element, data.openDims)]
    }
    return [Fact(data.element, zip(dims, repeats).map { context.symbols.product(of: [$0, $1]) })]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0), output = try context.outputType(0)
    let repeats = try repeats(context.inference)
    if let kernel = shortRunKernel(type, repeats) { return kernel }
    let from = type.shape.strides, to = output.shape.strides
    var axes: [StridedCopy.Axis] = []
    for axis in type.dims.indices {
      axes.append(.init(repeats[axis], from: 0, to: type.dims[axis] &* to[axis]))
      axes.append(.init(type.dims[axis], from: from[axis], to: to[axis]))
    }
    return moveKernel(StridedCopy(width: type.element.byteWidth, axes))
  }

  /// Repeats short runs block by block: a strided copy would take one axis more for each that is repeated, and short ones inside.
  private func shortRunKernel(_ type: TensorType, _ repeats: [Int]) -> Kernel? {
    let width = type.element.byteWidth
    // An axis that stays belongs to the one before.
    var dims: [Int] = [], times: [Int] = []
    for (extent, count) in zip(type.dims, repeats) where extent != 1 || count != 1 {
      if count == 1, !dims.isEmpty { dims[dims.count - 1] &*= extent } else { dims.append(extent); times.append(count) }
    }
    guard let last = dims.last, let lastTimes = times.last, lastTimes > 1, last &* width <= 512 else { return nil }
    guard !dims.contains(0), !times.contains(0), lastTimes <= (1 << 20) / (last &* width) else { return nil }
    // The inner axes that a task fills at once, about 256 KiB of them.
    var split = dims.count &- 1, from = last, to = last &* lastTimes
    while split > 0, dims[split &- 1] &* times[split &- 1] <= (1 << 18) / (to &* width) {
      split &-= 1
      from &*= dims[split]
      to &*= dims[split] &* times[split]
    }
    let outerDims = Array(dims[..<split]), outerTimes = Array(times[..<split])
    let innerDims = Array(dims[split...]), innerTimes = Array(times[split...])
    let blockElements = from, blockBytes = to &* width
    let units = zip(outerDims, outerTimes).reduce(1) { $0 &* $1.0 &* $1.1 }
    return .ranges(units, grain: max((1 << 17) / blockBytes, 1)) { frame, range in
      for unit in range {
        var rest = unit, source = 0, stride = blockElements, axis = outerDims.count &- 1
        while axis >= 0 {
          let extent = outerDims[axis]
          source &+= rest % (extent &* outerTimes[axis]) % extent &* stride
          rest /= extent &* outerTimes[axis]
          stride &*= extent
          axis &-= 1
        }
        pk_tile(frame.rawInput(0) + source &* width, innerDims, innerTimes, innerDims.count, width, frame.rawOutput(0) + unit &* blockBytes)
      }
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] {
    guard let type = try? context.type(0), let output = try? context.outputType(0) else { return [] }
    return type.count == output.count ? [.within(input: 0, offset: 0)] : []
  }
}
