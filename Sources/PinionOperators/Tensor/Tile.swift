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
    let from = type.shape.strides, to = output.shape.strides
    var axes: [StridedCopy.Axis] = []
    for axis in type.dims.indices {
      axes.append(.init(repeats[axis], from: 0, to: type.dims[axis] &* to[axis]))
      axes.append(.init(type.dims[axis], from: from[axis], to: to[axis]))
    }
    return moveKernel(StridedCopy(width: type.element.byteWidth, axes))
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] {
    guard let type = try? context.type(0), let output = try? context.outputType(0) else { return [] }
    return type.count == output.count ? [.within(input: 0, offset: 0)] : []
  }
}
