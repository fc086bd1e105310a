import PinionBackend
import PinionBase
import PinionCPU
import PinionTensor

enum PadMode: String, CaseIterable { case constant, reflect, edge, wrap }

/// The pads of one axis.
struct PadMargin {
  var before = 0
  var after = 0
  let extent: Int
  /// Not negative; to be checked before.
  var padded: Int { extent &+ before &+ after }
  /// The elements of the output that are the input's own.
  var kept: Range<Int> {
    let first = min(max(before, 0), padded)
    return first..<min(max(extent &+ before, first), padded)
  }

  /// The element of the input that lies at an element of the output.
  func source(_ index: Int, _ mode: PadMode) -> Int {
    let first = max(-before, 0)
    let count = extent &- first &- max(-after, 0)
    let position = index &- max(before, 0)
    switch mode {
    case .constant, .edge: return first &+ min(max(position, 0), count &- 1)
    case .wrap:
      let rest = position % count
      return first &+ (rest < 0 ? rest &+ count : rest)
    case .reflect:
      guard count > 1 else { return first }
      let period = 2 &* (count &- 1)
      let rest = abs(position % period)
      return first &+ (rest < count ? rest : period &- rest)
    }
  }
}

/// The input's elements are one move; for each axis, what lies before and after them within the earlier axes is one more.
func constantPadKernel(_ margins: [PadMargin], filling: Move.Source, _ context: KernelContext) throws(PinionError) -> Kernel {
  let type = try context.type(0), output = try context.outputType(0)
  let from = type.shape.strides, to = output.shape.strides, width = type.element.byteWidth
  var ranges = margins.map { 0..<$0.padded }
  func slab(_ source: Move.Source, copies: Bool) -> Move {
    var offset = 0, start = 0
    for (axis, range) in ranges.enumerated() {
      offset &+= range.lowerBound &* to[axis]
      start &+= copies ? (range.lowerBound &- margins[axis].before) &* from[axis] : 0
    }
    let axes = ranges.indices.map { StridedCopy.Axis(ranges[$0].count, from: copies ? from[$0] : 0, to: to[$0]) }
    return Move(source, StridedCopy(width: width, axes, fromOffset: start, toOffset: offset))
  }
  var moves: [Move] = []
  for (axis, margin) in margins.enumerated() {
    ranges[axis] = 0..<margin.kept.lowerBound
    moves.append(slab(filling, copies: false))
    ranges[axis] = margin.kept.upperBound..<margin.padded
    moves.append(slab(filling, copies: false))
    ranges[axis] = margin.kept
  }
  moves.append(slab(.input(0), copies: true))
  return moveKernel(moves)
}
