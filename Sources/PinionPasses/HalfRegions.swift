import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionTensor

/// Computes connected nodes of float16 and bfloat16 in float32: a Cast where a value enters such a region, a Cast where one is seen outside,
/// and no rounding between.
///
/// What the graph takes in and gives out, what its subgraphs see and what a Cast of the model makes stays as the model says.
struct HalfRegions: Pass {
  let name = "HalfRegions"

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    try editor.edit { (editor) throws(PinionError) in
      guard editor.knows(anyOf: [.float16, .bfloat16]) else { return }
      let members = HalfMembers(&editor)
      guard !members.isEmpty else { return }
      var rewriting = HalfWidening(members)
      for index in editor.indices where members[index] != nil { try rewriting.widen(index, &editor, context) }
    }
  }
}

/// Puts the members of regions into float32.
private struct HalfWidening {
  let members: HalfMembers
  /// The float32 value that stands for a half one inside the regions.
  private var wide: [ValueID: ValueID] = [:]

  init(_ members: HalfMembers) { self.members = members }

  mutating func widen(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) {
    guard let member = members[index] else { return }
    var node = editor[index]
    for slot in member.inputs {
      if let value = node.inputs[slot] { node.inputs[slot] = try entering(value, before: index, &editor, context) }
    }
    var leaving: [Node] = []
    for slot in member.outputs {
      guard let value = node.outputs[slot] else { continue }
      let inner = editor.addValue(type: editor.graph[value].type?.inFloat32)
      wide[value] = inner
      node.outputs[slot] = inner
      guard members.isSeen(value, editor), let half = member.element[slot] else { continue }
      leaving.append(try Node(Cast.self, attributes: ["to": .int(Int64(half.rawValue))], inputs: [inner], outputs: [value]))
    }
    guard let last = leaving.popLast() else { return editor.replace(index, with: node) }
    editor.insert(node, before: index)
    for cast in leaving { editor.insert(cast, before: index) }
    editor.replace(index, with: last)
  }

  private mutating func entering(
    _ value: ValueID, before index: Int, _ editor: inout GraphEditor, _ context: PassContext
  ) throws(PinionError) -> ValueID {
    if let known = wide[value] { return known }
    let inner: ValueID
    if let constant = editor.constant(value), let widened = try widened(constant, context) {
      inner = editor.addConstant(widened)
    } else {
      inner = editor.addValue(type: editor.graph[value].type?.inFloat32)
      let cast = try Node(Cast.self, attributes: ["to": .int(Int64(ElementType.float32.rawValue))], inputs: [value], outputs: [inner])
      editor.insert(cast, before: index)
    }
    wide[value] = inner
    return inner
  }

  /// The constant in float32: its elements are made when somebody asks, or there are few of them, which count; nil where they do not fit.
  private func widened(_ constant: Tensor, _ context: PassContext) throws(PinionError) -> Tensor? {
    let adopted = Constant.adopt(constant, allocator: context.allocator)
    if adopted.constant != nil, adopted.byteCount > Constant.leastMadeBytes { return try adopted.inFloat32(allocator: context.allocator) }
    guard let result = try context.folding.constant(TensorType(.float32, adopted.shape), allocator: context.allocator) else { return nil }
    try conversion(from: adopted.element, to: .float32)(adopted.data, result.data, adopted.count)
    return result
  }
}

extension ValueType {
  fileprivate var inFloat32: ValueType? {
    guard case .tensor(_, let dims) = self else { return nil }
    return .tensor(.float32, dims: dims)
  }
}
