import PinionBase
import PinionGraph
import PinionImport

/// A model as a file gives it: immutable, shared by the sessions that run it.
public final class Model: Sendable {
  let content: ModelContent
  /// The file's path; nil for a model from memory.
  public let path: String?
  /// What becomes of the new contents of buffers and inputs that the model writes to.
  public let mutations: Mutations

  /// Maps and imports a model file, ONNX or `.pt2`, whichever its first bytes say.
  /// - Parameters:
  ///   - externalData: the folder where external data lies; nil for the model's own.
  ///   - allocator: gives memory for weights.
  ///   - registry: knows models that are loaded; one of the same file shares everything with them, this allocator aside.
  ///   - readsFiles: copies the files into memory of the allocator instead of mapping them: for files that others may change or truncate.
  ///     Such a model shares nothing with others.
  ///   - limits: deadline, token and question that end the load; the bytes that structures and tensors which do not stay in the file may take.
  ///   - mutations: what becomes of the new contents of buffers and inputs that a `.pt2` model writes to.
  ///
  /// A symbolic link to external data is followed as far as it leads into this folder or into the one where the model's file really
  /// lies, that is behind links of its own.
  public init(
    path: String, externalData: String? = nil, allocator: Allocator = .system, registry: ModelRegistry? = nil,
    readsFiles: Bool = false, mutations: Mutations = .outputs, limits: RunLimits = RunLimits()
  ) throws(PinionError) {
    let control = RunControl(limits.of("the load"))
    let access: FileAccess = readsFiles ? .read(allocator, control) : .mapped
    let file = try FileMapping(path: path, access: access)
    let folder: ExternalDataFolder
    if let externalData {
      folder = try ExternalDataFolder(path: externalData, model: file, access: access)
    } else {
      folder = try ExternalDataFolder(ofModel: path, file, access: access)
    }
    if let registry, !readsFiles {
      content = try registry.content(file, folder: folder) { () throws(PinionError) in
        try ModelContent(file, folder: folder, allocator: allocator, control: control)
      }
    } else {
      content = try ModelContent(file, folder: folder, allocator: allocator, control: control)
    }
    self.path = path
    self.mutations = mutations
  }

  /// Imports a model, ONNX or `.pt2`, from a mapping.
  /// - Parameters:
  ///   - externalData: the folder where external data lies; nil to refuse models that have some.
  ///   - allocator: gives memory for weights.
  ///   - mutations, limits: as for a model from a path.
  package init(
    _ file: FileMapping, externalData: String? = nil, allocator: Allocator = .system, mutations: Mutations = .outputs,
    limits: RunLimits = RunLimits()
  ) throws(PinionError) {
    let folder = try externalData.map { (folder) throws(PinionError) in try ExternalDataFolder(path: folder, model: file) }
    content = try ModelContent(file, folder: folder, allocator: allocator, control: RunControl(limits.of("the load")))
    path = nil
    self.mutations = mutations
  }

  /// Imports a model, ONNX or `.pt2`, from memory, which is copied.
  /// - Parameters:
  ///   - externalData: the folder where external data lies; nil to refuse models that have some.
  ///   - allocator: gives memory for the copy and for weights.
  ///   - mutations, limits: as for a model from a path.
  public convenience init(
    bytes: [UInt8], externalData: String? = nil, allocator: Allocator = .system, mutations: Mutations = .outputs,
    limits: RunLimits = RunLimits()
  ) throws(PinionError) {
    guard !bytes.isEmpty else { throw .invalidArgument("the model's bytes are empty") }
    let buffer = try allocator.buffer(bytes: bytes.count)
    bytes.withUnsafeBytes { source in UnsafeMutableRawBufferPointer(start: buffer.pointer, count: source.count).copyMemory(from: source) }
    let file = try FileMapping(owning: buffer, count: bytes.count)
    try self.init(file, externalData: externalData, allocator: allocator, mutations: mutations, limits: limits)
  }

  /// A model of a graph that was made in code.
  /// - Parameter limits: deadline, token and question that end the making; the bytes that the records of nodes may take.
  public init(_ draft: GraphDraft, allocator: Allocator = .system, limits: RunLimits = RunLimits()) throws(PinionError) {
    let control = RunControl(limits.of("the load"))
    content = try ModelContent(try ImportedModel(draft, control: control), allocator: allocator, control: control)
    mutations = .outputs
    path = nil
  }

  package var imported: ImportedModel { content.imported }
  package var graph: Graph { imported.graph }
  public var metadata: ModelMetadata { imported.metadata }

  /// The graph's inputs, then those with a default.
  public var inputs: [ValueInfo] { imported.graph.inputs.map { imported.graph[$0] } }
  public var overridableInputs: [ValueInfo] { imported.overridable.prefix(overridableCount).map { imported.graph[$0.value] } }
  public var outputs: [ValueInfo] { imported.graph.outputs.prefix(outputCount).map { imported.graph[$0] } }

  var overridableCount: Int { mutations == .state && !imported.carried.isEmpty ? 0 : imported.overridable.count }
  var outputCount: Int {
    let all = imported.graph.outputs.count
    switch mutations {
    case .outputs: return all
    case .state: return all - imported.carried.count
    case .dropped: return imported.ownOutputCount ?? all
    }
  }
}
