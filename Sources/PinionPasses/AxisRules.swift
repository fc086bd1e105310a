import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// Squeeze and Unsqueeze of the same axes, one after the other.
struct AxisRemoval: Rule {
  let anchors: [any Operator.Type] = [Squeeze.self, Unsqueeze.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    let opposite: any Operator.Type = editor.kind(index) == Squeeze.self ? Unsqueeze.self : Squeeze.self
    guard let axes = editor.integers(editor.input(index, 1)), let inner = editor.producer(editor.input(index, 0), opposite),
      let innerAxes = editor.integers(editor.input(inner, 1)), axes.sorted() == innerAxes.sorted()
    else { return false }
    if opposite == Squeeze.self {
      // Extents that are not 1 are refused, which has to stay.
      guard let dims = editor.fact(editor.input(inner, 0), at: inner).dims,
        axes.allSatisfy({ axis in
          let place = axis < 0 ? axis &+ Int64(dims.count) : axis
          return dims.indices.contains(Int(place)) && dims[Int(place)] == 1
        })
      else { return false }
    }
    return editor.bypass(index, with: editor.input(inner, 0))
  }
}

/// Squeezes, or Unsqueezes, one after the other: one of all axes.
struct AxisMerging: Rule {
  let anchors: [any Operator.Type] = [Squeeze.self, Unsqueeze.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    let isSqueeze = editor.kind(index) == Squeeze.self
    guard let producer = editor.producer(editor.input(index, 0)), editor.kind(producer) == editor.kind(index),
      let origin = editor.input(producer, 0), editor.constant(origin) == nil || editor.givesConstants(producer),
      let last = editor.integers(editor.input(index, 1)), let first = editor.integers(editor.input(producer, 1)),
      let rank = editor.fact(origin, at: index).rank
    else { return false }
    let ranks = isSqueeze ? [rank, rank - first.count] : [rank + first.count, rank + first.count + last.count]
    guard let first = counted(first, ranks[0]), let last = counted(last, ranks[1]) else { return false }
    let axes: [Int]
    if isSqueeze {
      let rest = (0..<rank).filter { !first.contains($0) }
      axes = (first + last.map { rest[$0] }).sorted()
    } else {
      // Where the axes that the first puts in come to stand.
      let places = (0..<ranks[1]).filter { !last.contains($0) }
      axes = (first.map { places[$0] } + last).sorted()
    }
    let list = editor.addConstant(try Tensor(vector: axes.map(Int64.init)))
    let node = try Node(
      isSqueeze ? Squeeze.self : Unsqueeze.self, name: editor[index].name, inputs: [origin, list], outputs: editor.outputs(of: index))
    editor.replace(index, with: node)
    return true
  }

  /// The axes from the front; nil where a run would refuse them.
  private func counted(_ axes: [Int64], _ rank: Int) -> [Int]? {
    let counted = axes.map { $0 < 0 ? $0 &+ Int64(rank) : $0 }
    guard counted.allSatisfy({ 0 <= $0 && $0 < Int64(rank) }), Set(counted).count == counted.count else { return nil }
    return counted.map { Int($0) }
  }
}
