import PinionBackend
import PinionBase
import PinionGraph
import PinionImport
import PinionOperators
import PinionTensor

/// A model as a file gives it: immutable, shared by the sessions that run it.
public final class Model: Sendable {
  public let imported: ImportedModel
  /// The file's path; nil for a model from memory.
  public let path: String?
  /// Weights in kernels' layouts, shared by all sessions.
  let packed = PackedWeights()

  /// Maps and imports a model file, ONNX or `.pt2`, whichever its first bytes say.
  /// - Parameter externalData: the folder where external data lies; nil for the model's own.
  ///
  /// A symbolic link to external data is followed as far as it leads into this folder or into the one where the model's file really
  /// lies, that is behind links of its own.
  public init(path: String, externalData: String? = nil) throws(PinionError) {
    let file = try FileMapping(path: path)
    let folder: ExternalDataFolder
    if let externalData {
      folder = try ExternalDataFolder(path: externalData, model: file)
    } else {
      folder = try ExternalDataFolder(ofModel: path, file)
    }
    imported = try Model.imported(file, folder: folder)
    self.path = path
  }

  /// Imports a model, ONNX or `.pt2`, from a mapping.
  /// - Parameter externalData: the folder where external data lies; nil to refuse models that have some.
  public init(_ file: FileMapping, externalData: String? = nil) throws(PinionError) {
    let folder = try externalData.map { (folder) throws(PinionError) in try ExternalDataFolder(path: folder, model: file) }
    imported = try Model.imported(file, folder: folder)
    path = nil
  }

  private static func imported(_ file: FileMapping, folder: ExternalDataFolder?) throws(PinionError) -> ImportedModel {
    if isPT2(file) { return try ImportedModel(pt2: file, resolver: OperatorCatalog()) }
    return try ImportedModel(onnx: file, folder: folder, resolver: OperatorCatalog())
  }

  public var graph: Graph { imported.graph }
  public var metadata: ModelMetadata { imported.metadata }

  /// The graph's inputs, then those with a default.
  public var inputs: [ValueInfo] { imported.graph.inputs.map { imported.graph[$0] } }
  public var overridableInputs: [ValueInfo] { imported.overridable.map { imported.graph[$0.value] } }
  public var outputs: [ValueInfo] { imported.graph.outputs.map { imported.graph[$0] } }
}
