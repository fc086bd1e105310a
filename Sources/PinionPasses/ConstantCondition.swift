import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// Puts the nodes of the branch that is always taken in the place of an If.
struct ConstantCondition: Pass, Rule {
  let name = "ConstantCondition"
  let anchors: [any Operator.Type] = [If.self]

  private static let rewriting = Rewriting([ConstantCondition()])

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    try ConstantCondition.rewriting.run(&editor, context)
  }

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    let node = editor[index]
    guard let op = node.op as? If, let condition = editor.constant(editor.input(index, 0)), condition.element == .bool, condition.count == 1
    else { return false }
    let chosen = condition.data.load(as: UInt8.self) != 0 ? op.thenBranch : op.elseBranch
    guard node.subgraphs.indices.contains(chosen) else { return false }
    let branch = node.subgraphs[chosen]
    guard branch.inputs.isEmpty, branch.outputs.count >= node.outputs.count else { return false }
    var ids = [ValueID?](repeating: nil, count: branch.values.count)
    for capture in branch.captures { ids[capture.inner.index] = node.inputs[capture.input] }
    for (value, tensor) in branch.constants.sorted(by: { $0.key < $1.key }) {
      ids[value.index] = editor.addConstant(tensor, name: branch[value].name)
    }
    func outer(_ value: ValueID, _ editor: inout GraphEditor) -> ValueID {
      if let id = ids[value.index] { return id }
      let id = editor.addValue(branch[value].name, type: branch[value].type)
      ids[value.index] = id
      return id
    }
    for var inner in branch.nodes {
      inner.inputs = inner.inputs.map { $0.map { outer($0, &editor) } }
      inner.outputs = inner.outputs.map { $0.map { outer($0, &editor) } }
      editor.insert(inner, before: index)
    }
    let results = node.outputs.indices.map { node.outputs[$0] == nil ? nil : outer(branch.outputs[$0], &editor) }
    // What the branch passes through, or gives twice, goes out under a name of its own.
    var rest = node, given: Set<ValueID> = []
    for case let (slot, result?) in results.enumerated() {
      guard let output = node.outputs[slot], editor.isOutput(output), !editor.mayForward(output, to: result) || !given.insert(result).inserted
      else { continue }
      rest.outputs[slot] = nil
      editor.insert(try Node(Identity.self, inputs: [result], outputs: [output]), before: index)
    }
    editor.replace(index, with: rest)
    for case let (output?, result?) in zip(rest.outputs, results) { editor.forward(output, to: result) }
    editor.removeIfUnused(index)
    return true
  }
}
