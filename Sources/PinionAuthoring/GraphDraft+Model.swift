import PinionBase
import PinionGraph
import PinionImport
import PinionTensor

extension ImportedModel {
  /// What a draft has come to; it may go on growing, and has no part in the model.
  /// - Throws: `.invalidModel` for a draft without outputs, `.invalidArgument` for one of a subgraph.
  public init(_ draft: GraphDraft) throws(PinionError) {
    guard draft.parent == nil else { throw .invalidArgument("the graph is a subgraph; a model is made of the outermost one") }
    guard !draft.graph.outputs.isEmpty else { throw .invalidModel("the graph has no outputs") }
    var graph = draft.graph
    let used = graph.usedValues.union(draft.overridable.map(\.value))
    for value in graph.constants.keys where !used.contains(value) { graph.constants[value] = nil }
    try graph.verify()
    self.init(graph: graph, overridable: draft.overridable)
    metadata.opsets = draft.chosenOpsets
    metadata.producerName = "pinion"
    metadata.graphName = draft.graph.name
    metadata.properties = draft.properties
  }
}
