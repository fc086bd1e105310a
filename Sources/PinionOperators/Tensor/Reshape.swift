import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The same elements under another shape: 0 in `shape` keeps the input's extent, -1 takes what is left of the input's other extents,
/// also where one that is kept is 0.
package struct Reshape: CPUExecutable {
  package static let schema = Schema("Reshape", since: 25, inputs: ["data: T", "shape: indices"], outputs: ["reshaped: T"], types: ["T": .all])
  package let allowZero: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    allowZero = try attributes.bool("allowzero")
  }

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    node.attributes["consumed_inputs"] = nil
    if node.opset < 5 { try node.moveInts("shape", toInput: 1) }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    var dims: [Int] = [], rest = type.dims, known = 1
    var inferredAxis: Int?
    for (axis, extent) in try context.integers(1).enumerated() {
      switch extent {
      case 0 where !allowZero:
        guard axis < type.rank else { throw .invalidShape("extent 0 at axis \(axis) of the new shape, but the input is \(type)") }
        dims.append(type.dims[axis])
        rest[axis] = 1
      case -1:
        guard inferredAxis == nil else { throw .invalidShape("the new shape has more than one -1") }
        inferredAxis = axis
        dims.append(1)
      default:
        dims.append(try extent.converted())
        known = try known.multiplied(by: try extent.converted())
      }
    }
    if let inferredAxis {
      let left = try Shape(rest).count
      guard known > 0, left % known == 0 else {
        dims[inferredAxis] = -1
        throw .invalidShape("\(type) cannot be reshaped to \(dims)")
      }
      dims[inferredAxis] = left / known
    }
    let shape = try Shape(dims)
    guard shape.count == type.count else { throw .invalidShape("\(type) cannot be reshaped to \(shape)") }
    return [TensorType(type.element, shape)]
  }

  /// A symbol in the new shape is taken for an extent: one that is 0 in some run would mean the input's extent instead, which nobody
  /// who computes shapes from shapes has in mind.
  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0], symbols = context.symbols
    guard let given = context[1].values else {
      guard let rank = context[1].known(0), rank <= Fact.valueLimit else { return [Fact(element: data.element)] }
      return [Fact(data.element, [Int?](repeating: nil, count: rank))]
    }
    var dims = given.enumerated().map { axis, extent -> Int? in
      guard let extent, Symbols.isExtent(Int(extent)) else { return nil }
      return extent == 0 && !allowZero ? data.extent(axis) : Int(extent)
    }
    // The number of elements stays, which tells one extent from the others, unless those may be 0.
    if let all = data.dims, let open = dims.firstIndex(of: nil), dims.lastIndex(of: nil) == open {
      var others = dims
      others.remove(at: open)
      if given[open] == -1 || others.allSatisfy({ ($0 ?? 0) > 0 }) { dims[open] = symbols.rest(of: all, without: others) }
    }
    return [Fact(element: data.element, dims: dims, values: data.values)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try copyKernel(context) }
  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.within(input: 0, offset: 0)] }
}
