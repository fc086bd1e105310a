import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// Takes out of a Loop what is the same in every iteration: carried values that the body hands on as they came become captures, or
/// constants of the body where they are constants outside, and products of such values are computed once, in front of the loop.
///
/// Only products that cannot fail are taken out: a loop without iterations fails no more than before.
struct LoopInvariants: Pass, Rule {
  let name = "LoopInvariants"
  let anchors: [any Operator.Type] = [Loop.self]

  private static let rewriting = Rewriting([LoopInvariants()])

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    try LoopInvariants.rewriting.run(&editor, context)
  }

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let op = editor[index].op as? Loop, editor[index].subgraphs.indices.contains(op.body) else { return false }
    if let carried = unchanged(index, op, &editor) {
      capture(carried, index, op, &editor)
      return true
    }
    return takeOutProduct(index, op, &editor)
  }

  /// The last carried value that the body gives on as it came.
  private func unchanged(_ index: Int, _ op: Loop, _ editor: inout GraphEditor) -> Int? {
    let node = editor[index], body = node.subgraphs[op.body], count = node.formalInputCount - 2
    guard count > 0, body.inputs.count == 2 + count, body.outputs.count > count else { return nil }
    // An output that has to be another value than the input is a copy of it.
    var sources: [ValueID: ValueID] = [:]
    for node in body.nodes where node.op is Identity {
      if let copy = node.outputs.first ?? nil, let source = node.inputs.first ?? nil { sources[copy] = sources[source] ?? source }
    }
    return (0..<count).last { carried in
      let handedOn = body.outputs[1 + carried]
      guard sources[handedOn] ?? handedOn == body.inputs[2 + carried], let start = node.inputs[2 + carried],
        editor.fact(start, at: index).element != nil
      else { return false }
      guard node.outputs.indices.contains(carried), let output = node.outputs[carried] else { return true }
      return editor.mayForward(output, to: start)
    }
  }

  private func capture(_ carried: Int, _ index: Int, _ op: Loop, _ editor: inout GraphEditor) {
    var loop = editor[index], body = loop.subgraphs[op.body]
    guard let start = loop.inputs.remove(at: 2 + carried) else { return }
    loop.formalInputCount -= 1
    let inner = body.inputs.remove(at: 2 + carried)
    body.outputs.remove(at: 1 + carried)
    for capture in body.captures.indices { body.captures[capture].input -= 1 }
    if let constant = editor.constant(start) {
      body.constants[inner] = constant
    } else {
      loop.inputs.append(start)
      body.captures.append(Capture(inner: inner, input: loop.inputs.count - 1))
    }
    loop.subgraphs[op.body] = body
    var outputs = loop.outputs
    if outputs.indices.contains(carried), let handedOn = outputs.remove(at: carried) {
      editor.forward(handedOn, to: start)
      // Nobody may have read anything else.
      guard editor.isThere(index) else { return }
    }
    loop.outputs = outputs
    editor.replace(index, with: loop)
  }

  /// Puts a product in front of the loop whose operands are captured, and of which the ranks and extents that are known say that it can be
  /// made of any such operands.
  private func takeOutProduct(_ index: Int, _ op: Loop, _ editor: inout GraphEditor) -> Bool {
    let node = editor[index], body = node.subgraphs[op.body]
    var outside: [ValueID: ValueID] = [:]
    for capture in body.captures {
      if let value = node.inputs[capture.input] { outside[capture.inner] = value }
    }
    guard !outside.isEmpty else { return false }
    for (position, product) in body.nodes.enumerated() {
      guard product.op is MatMul, product.inputs.count == 2, let a = product.inputs[0], let b = product.inputs[1], outside[a] != nil,
        let result = product.outputs.first.flatMap({ $0 })
      else { continue }
      let left = editor.fact(outside[a], at: index)
      let right = body.constants[b].map { Fact(constant: $0) } ?? editor.fact(outside[b], at: index)
      // With a matrix as B, whatever A's outer axes are, nothing has to be broadcast.
      guard left.element == .float32, right.element == .float32, let rank = left.rank, rank >= 2, right.rank == 2,
        let depth = left.known(-1), right.known(0) == depth
      else { continue }
      var outer = product, inner = body, loop = node
      let second: ValueID
      if let constant = body.constants[b] {
        second = editor.addConstant(constant, name: body[b].name)
      } else if let value = outside[b] {
        second = value
      } else {
        continue
      }
      let made = editor.addValue(body[result].name)
      outer.inputs = [outside[a], second]
      outer.outputs = [made]
      editor.insert(outer, before: index)
      inner.nodes.remove(at: position)
      loop.inputs.append(made)
      inner.captures.append(Capture(inner: result, input: loop.inputs.count - 1))
      loop.subgraphs[op.body] = inner
      editor.replace(index, with: loop)
      return true
    }
    return false
  }
}
