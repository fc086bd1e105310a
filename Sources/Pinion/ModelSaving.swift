import PinionAuthoring
import PinionBase
import PinionOperators

extension Model {
  /// Writes the model as an ONNX file: the graph that was loaded or made, before any optimisation.
  ///
  /// Functions are expanded, and nodes of older operator sets have their newest form. The file appears when it is complete: one that is
  /// there stays as it is until then, and also where this fails.
  /// - Throws: `.unsupported` for what ONNX cannot express, `.io`.
  public func save(_ path: String, options: ONNXOptions = ONNXOptions()) throws(PinionError) {
    try imported.save(onnx: path, options: options, resolver: OperatorCatalog())
  }
}
