import PinionBase
import PinionGraph
import PinionImport

/// A model as a file gives it: immutable, shared by the sessions that run it.
public final class Model: Sendable {
  let content: ModelContent
  /// The file's path; nil for a model from memory.
  public let path: String?

  /// Maps and imports a model file, ONNX or `.pt2`, whichever its first bytes say.
  /// - Parameters:
  ///   - externalData: the folder where external data lies; nil for the model's own.
  ///   - allocator: gives memory for weights.
  ///   - registry: knows models that are loaded; one of the same file shares everything with them, this allocator aside.
  ///
  /// A symbolic link to external data is followed as far as it leads into this folder or into the one where the model's file really
  /// lies, that is behind links of its own.
  public init(
    path: String, externalData: String? = nil, allocator: Allocator = .system, registry: ModelRegistry? = nil
  ) throws(PinionError) {
    let file = try FileMapping(path: path)
    let folder: ExternalDataFolder
    if let externalData {
      folder = try ExternalDataFolder(path: externalData, model: file)
    } else {
      folder = try ExternalDataFolder(ofModel: path, file)
    }
    if let registry {
      content = try registry.content(file, folder: folder) { () throws(PinionError) in
        try ModelContent(file, folder: folder, allocator: allocator)
      }
    } else {
      content = try ModelContent(file, folder: folder, allocator: allocator)
    }
    self.path = path
  }

  /// Imports a model, ONNX or `.pt2`, from a mapping.
  /// - Parameters:
  ///   - externalData: the folder where external data lies; nil to refuse models that have some.
  ///   - allocator: gives memory for weights.
  public init(_ file: FileMapping, externalData: String? = nil, allocator: Allocator = .system) throws(PinionError) {
    let folder = try externalData.map { (folder) throws(PinionError) in try ExternalDataFolder(path: folder, model: file) }
    content = try ModelContent(file, folder: folder, allocator: allocator)
    path = nil
  }

  /// A model of a graph that was made in code.
  public init(_ draft: GraphDraft, allocator: Allocator = .system) throws(PinionError) {
    content = ModelContent(try ImportedModel(draft), allocator: allocator)
    path = nil
  }

  public var imported: ImportedModel { content.imported }
  public var graph: Graph { imported.graph }
  public var metadata: ModelMetadata { imported.metadata }

  /// The graph's inputs, then those with a default.
  public var inputs: [ValueInfo] { imported.graph.inputs.map { imported.graph[$0] } }
  public var overridableInputs: [ValueInfo] { imported.overridable.map { imported.graph[$0.value] } }
  public var outputs: [ValueInfo] { imported.graph.outputs.map { imported.graph[$0] } }
}
