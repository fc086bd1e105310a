import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// Makes a value that a Loop only appends to, carried = Concat(carried, part), a scan output that is joined once behind the loop: what has
/// been appended before is not copied in each iteration, and the body's types stay as they are.
struct LoopConcatenation: Pass, Rule {
  let name = "LoopConcatenation"
  let anchors: [any Operator.Type] = [Loop.self]

  private static let rewriting = Rewriting([LoopConcatenation()])

  /// A carried value that grows by `part`, of these extents in each iteration.
  private struct Growth {
    let carried: Int
    let node: Int
    let part: ValueID
    let dims: [Int]
    let axis: Int
  }

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    try LoopConcatenation.rewriting.run(&editor, context)
  }

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    let node = editor[index]
    guard let op = node.op as? Loop, node.subgraphs.indices.contains(op.body), let growth = try growth(index, node, op, &editor),
      let start = node.inputs[2 + growth.carried]
    else { return false }
    var body = node.subgraphs[op.body]
    body.inputs.remove(at: 2 + growth.carried)
    body.outputs.remove(at: 1 + growth.carried)
    body.outputs.append(growth.part)
    body.nodes.remove(at: growth.node)
    for capture in body.captures.indices { body.captures[capture].input -= 1 }

    var loop = node
    loop.inputs.remove(at: 2 + growth.carried)
    loop.formalInputCount -= 1
    loop.subgraphs[op.body] = body.compacted()
    var outputs = [ValueID?](repeating: nil, count: body.outputs.count - 1)
    var old = node.outputs
    let grown = old.indices.contains(growth.carried) ? old.remove(at: growth.carried) : nil
    for (slot, output) in old.enumerated() {
      outputs[slot] = output.map { editor.addValue(editor.graph[$0].name, type: editor.graph[$0].type) }
    }
    var joined = editor.addValue()
    if grown != nil { outputs[outputs.count - 1] = joined }
    loop.outputs = outputs
    editor.insert(loop, before: index)
    if let grown {
      let axis = growth.axis
      if axis > 0 {
        let moved = editor.addValue()
        let order = Array(1...axis) + [0] + Array((axis + 1)..<(growth.dims.count + 1))
        editor.insert(
          try Node(Transpose.self, attributes: ["perm": .ints(order.map(Int64.init))], inputs: [joined], outputs: [moved]), before: index)
        joined = moved
      }
      var extents = growth.dims.map(Int64.init)
      extents[axis] = -1
      let row = editor.addValue(), result = editor.addValue(editor.graph[grown].name, type: editor.graph[grown].type)
      let shape = editor.addConstant(try Tensor(vector: extents))
      editor.insert(try Node(Reshape.self, inputs: [joined, shape], outputs: [row]), before: index)
      editor.insert(
        try Node(Concat.self, name: node.name, attributes: ["axis": .int(Int64(axis))], inputs: [start, row], outputs: [result]), before: index)
      editor.forward(grown, to: result)
    }
    for (slot, output) in old.enumerated() {
      if let output, let other = outputs[slot] { editor.forward(output, to: other) }
    }
    return true
  }

  /// The first carried value that the body does nothing with but append to it what has one shape in every iteration.
  private func growth(_ index: Int, _ node: Node, _ op: Loop, _ editor: inout GraphEditor) throws(PinionError) -> Growth? {
    let body = node.subgraphs[op.body], count = node.formalInputCount - 2
    guard count > 0, body.inputs.count == 2 + count, body.outputs.count > count else { return nil }
    var uses: [Int]?
    var inner: GraphEditor?
    for carried in 0..<count {
      let value = body.inputs[2 + carried], result = body.outputs[1 + carried]
      guard let position = body.nodes.lastIndex(where: { $0.outputs.first == result && $0.op is Concat }),
        body.nodes[position].inputs.count == 2, body.nodes[position].inputs[0] == value, let part = body.nodes[position].inputs[1],
        part != value, let concat = body.nodes[position].op as? Concat, let start = node.inputs[2 + carried]
      else { continue }
      let counts = uses ?? body.useCounts()
      uses = counts
      guard counts[value.index] == 1, counts[result.index] == 1 else { continue }
      var facts: GraphEditor
      if let inner {
        facts = inner
      } else {
        facts = try GraphEditor(body, captured: editor.capturedFacts(body, of: index), editor.symbols, control: editor.control)
      }
      let fact = facts.fact(part, at: body.nodes.count), first = editor.fact(start, at: index)
      inner = facts
      guard let element = fact.element, element != .string, first.element == element, let extents = fact.dims, let before = first.dims,
        extents.count == before.count, let axis = try? Shape.scalar.normalized(axis: concat.axis, limit: extents.count)
      else { continue }
      let dims = extents.compactMap { $0.flatMap { $0 > 0 ? $0 : nil } }
      guard dims.count == extents.count, dims.indices.allSatisfy({ $0 == axis || before[$0] == dims[$0] }) else { continue }
      return Growth(carried: carried, node: position, part: part, dims: dims, axis: axis)
    }
    return nil
  }
}
