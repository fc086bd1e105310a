import PinionBase
import PinionTensor

/// How the elements of a tensor fall into groups of which each is reduced to one: neighbouring axes that behave alike are
/// merged, axes of extent 1 left out.
struct AxisGroups: Sendable {
  /// The number of groups, which is that of the results.
  let count: Int
  /// Elements of a group.
  let size: Int
  /// Whether neighbours in memory belong to the same group.
  let reducesRows: Bool
  /// Elements that lie side by side: of one group, or of as many neighbouring groups.
  let row: Int
  private let keptDims: [Int]
  private let keptStrides: [Int]
  private let reducedDims: [Int]
  private let reducedStrides: [Int]

  /// - Parameter axes: the reduced axes, each in 0..<rank.
  init(_ shape: Shape, axes: Set<Int>) {
    var merged: [(extent: Int, stride: Int, isReduced: Bool)] = []
    let strides = shape.strides
    var kept = 1, reduced = 1
    for axis in shape.dims.indices {
      let isReduced = axes.contains(axis), extent = shape[axis]
      if isReduced { reduced &*= extent } else { kept &*= extent }
      guard extent != 1 else { continue }
      if let last = merged.last, last.isReduced == isReduced, last.stride == extent &* strides[axis] {
        merged[merged.count - 1] = (last.extent &* extent, strides[axis], isReduced)
      } else {
        merged.append((extent, strides[axis], isReduced))
      }
    }
    passes = shape.count == 0 ? [] : AxisGroups.passes(merged.map { ($0.extent, $0.isReduced) })
    count = kept
    size = reduced
    reducesRows = merged.last?.isReduced ?? true
    row = shape.count == 0 ? 1 : merged.popLast()?.extent ?? 1
    keptDims = merged.filter { !$0.isReduced }.map(\.extent)
    keptStrides = merged.filter { !$0.isReduced }.map(\.stride)
    reducedDims = merged.filter(\.isReduced).map(\.extent)
    reducedStrides = merged.filter(\.isReduced).map(\.stride)
  }

  /// Reductions along one axis after the other that come to the same; none for an empty tensor.
  let passes: [AxisLines]

  /// Where the group, or the row of neighbouring groups, with number `index` starts.
  func base(_ index: Int) -> Int { AxisGroups.offset(index, keptDims, keptStrides) }

  /// How far from there the row with number `index` of the group, or of the groups, lies.
  func rowOffset(_ index: Int) -> Int { AxisGroups.offset(index, reducedDims, reducedStrides) }

  private static func passes(_ axes: [(extent: Int, isReduced: Bool)]) -> [AxisLines] {
    var axes = axes
    var passes: [AxisLines] = []
    // Innermost first, which leaves the least in between; but rows that are not long are dear, so that there are fewer of them after
    // an outer axis is gone.
    while let last = axes.lastIndex(where: \.isReduced), let first = axes.firstIndex(where: \.isReduced) {
      let axis = last == axes.count - 1 && axes[last].extent < 256 && axes[first].extent >= 8 ? first : last
      passes.append(
        AxisLines(
          outer: axes[..<axis].reduce(1) { $0 &* $1.extent }, extent: axes[axis].extent,
          inner: axes[(axis + 1)...].reduce(1) { $0 &* $1.extent }))
      axes.remove(at: axis)
    }
    // Without any reduced axis each element is a line.
    return passes.isEmpty ? [AxisLines(outer: axes.reduce(1) { $0 &* $1.extent }, extent: 1, inner: 1)] : passes
  }

  private static func offset(_ index: Int, _ dims: [Int], _ strides: [Int]) -> Int {
    var rest = index, offset = 0
    var axis = dims.count &- 1
    while axis > 0 {
      offset &+= rest % dims[axis] &* strides[axis]
      rest /= dims[axis]
      axis &-= 1
    }
    return axis == 0 ? offset &+ rest &* strides[0] : offset
  }
}

/// A tensor seen as `outer` x `extent` x `inner`, of which the middle axis is worked on.
struct AxisLines: Sendable {
  let outer: Int
  let extent: Int
  let inner: Int

  init(_ shape: Shape, axis: Int) {
    outer = shape.count(0..<axis)
    extent = shape[axis]
    inner = shape.count(axis &+ 1..<shape.rank)
  }

  init(outer: Int, extent: Int, inner: Int) {
    self.outer = outer
    self.extent = extent
    self.inner = inner
  }
}

extension Shape {
  /// The axes that a list of ONNX axes names, each between -rank and rank - 1 and named once.
  func normalized(axes: [Int64]) throws(PinionError) -> Set<Int> {
    var result = Set<Int>()
    for axis in axes {
      guard result.insert(try normalized(axis: axis)).inserted else {
        throw .invalidShape("axis \(axis) is named twice in \(axes)")
      }
    }
    return result
  }

  /// The shape with `axes` reduced to extent 1, or left out.
  func reduced(_ axes: Set<Int>, keepsAxes: Bool) throws(PinionError) -> Shape {
    var result: [Int] = []
    for axis in dims.indices {
      if !axes.contains(axis) { result.append(dims[axis]) } else if keepsAxes { result.append(1) }
    }
    return try Shape(result)
  }
}
