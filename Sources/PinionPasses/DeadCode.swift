import PinionBase
import PinionGraph
import PinionTensor

/// Drops nodes, optional last outputs, captured values and constants that nobody reads, and lets subgraphs know the constants among
/// the values that they capture.
struct DeadCode: Pass {
  let name = "DeadCode"

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    try editor.edit { (editor) throws(PinionError) in
      try editor.removeUnused()
      var poll = Poll(context.control)
      for index in editor.indices where editor.isThere(index) {
        try poll.count(64)
        trimOutputs(index, &editor)
        if editor.hasSubgraphs(index) { trimCaptures(index, &editor) }
      }
    }
  }

  private func trimOutputs(_ index: Int, _ editor: inout GraphEditor) {
    let outputs = editor.outputs(of: index)
    var count = outputs.count
    guard count > 1 else { return }
    let schema = editor[index].schema
    while count > 1, count <= schema.outputs.count, schema.outputs[count - 1].isOptional, !schema.outputs[count - 1].isVariadic,
      outputs[count - 1].map({ editor.useCount($0) == 0 }) ?? true
    {
      count -= 1
    }
    if count < outputs.count { editor.trimOutputs(index, to: count) }
  }

  private func trimCaptures(_ index: Int, _ editor: inout GraphEditor) {
    let node = editor[index]
    var subgraphs = node.subgraphs
    var hasChanged = false
    for number in subgraphs.indices {
      let uses = subgraphs[number].useCounts()
      let before = subgraphs[number].captures.count
      for capture in subgraphs[number].captures {
        guard let constant = editor.constant(node.inputs[capture.input]), uses[capture.inner.index] > 0 else { continue }
        subgraphs[number].constants[capture.inner] = constant
        subgraphs[number][capture.inner].type = .tensor(constant.element, dims: constant.shape.dims.map(Dimension.known))
      }
      let constants = subgraphs[number].constants
      subgraphs[number].captures.removeAll { uses[$0.inner.index] == 0 || constants[$0.inner] != nil }
      if subgraphs[number].captures.count < before { hasChanged = true }
    }
    if hasChanged { editor.setSubgraphs(index, subgraphs) }
  }
}
