import PinionBase

/// The models that are loaded from files, so that loading a file again shares what is there. A model goes with the last who has it.
public final class ModelRegistry: Sendable {
  private struct Key: Hashable {
    let file: FileIdentity
    let folder: [UInt]
  }

  private struct Weak { weak var content: ModelContent? }

  private let contents = Lock<[Key: Weak]>([:])

  public init() {}

  /// The content of the file, made where it is not loaded, or files of its external data have changed since.
  func content(
    _ file: FileMapping, folder: ExternalDataFolder, _ make: () throws(PinionError) -> ModelContent
  ) throws(PinionError) -> ModelContent {
    guard let identity = file.identity else { return try make() }
    let key = Key(file: identity, folder: folder.place)
    if let content = known(key) { return content }
    let content = try make()
    if let first = known(key) { return first }
    contents.withLock { contents in
      contents = contents.filter { $0.value.content != nil }
      contents[key] = Weak(content: content)
    }
    return content
  }

  private func known(_ key: Key) -> ModelContent? {
    guard let content = contents.withLock({ $0[key]?.content }), content.folder?.isUnchanged ?? true else { return nil }
    return content
  }
}
