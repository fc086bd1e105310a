import PinionAuthoring
import PinionBase
import PinionOperators

extension GraphDraft {
  /// An empty graph for nodes of every operator of this build.
  /// - Parameter opset: the version of ai.onnx that nodes are of where they do not say.
  /// - Throws: `.unsupported` for an opset that this build does not read.
  public convenience init(name: String = "", opset: Int64 = GraphDraft.defaultOpset) throws(PinionError) {
    try self.init(name: name, opset: opset, resolver: OperatorCatalog())
  }
}
