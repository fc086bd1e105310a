import PinionBase
import PinionGraph
import PinionImport
import PinionTensor

extension ImportedModel {
  /// What a draft has come to; it may go on growing, and has no part in the model.
  /// - Parameter control: the limits of the making: deadline and token, and the bytes of the records of nodes.
  /// - Throws: `.invalidModel` for a draft without outputs, `.invalidArgument` for one of a subgraph.
  package init(_ draft: GraphDraft, control: RunControl = RunControl()) throws(PinionError) {
    try control.check()
    guard draft.parent == nil else { throw .invalidArgument("the graph is a subgraph; a model is made of the outermost one") }
    guard !draft.graph.outputs.isEmpty else { throw .invalidModel("the graph has no outputs") }
    try control.takeBytes(try draft.graph.nodeCount.multiplied(by: ImportedModel.nodeBytes))
    var graph = draft.graph
    let used = graph.usedValues.union(draft.overridable.map(\.value))
    for value in graph.constants.keys where !used.contains(value) { graph.constants[value] = nil }
    try graph.verify(control)
    self.init(graph: graph, overridable: draft.overridable)
    metadata.opsets = draft.chosenOpsets
    metadata.producerName = "pinion"
    metadata.graphName = draft.graph.name
    metadata.properties = draft.properties
  }
}

extension ImportedModel {
  /// What the records of a node are counted as.
  fileprivate static let nodeBytes = 2048
}

extension Graph {
  /// Nodes, those of subgraphs among them.
  fileprivate var nodeCount: Int {
    nodes.reduce(nodes.count) { sum, node in node.subgraphs.reduce(sum) { $0 &+ $1.nodeCount } }
  }
}
