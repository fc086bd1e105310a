import PinionBase
import PinionGraph
import PinionImport
import PinionTensor

/// How a model is written.
public struct ONNXOptions: Sendable {
  public enum ExternalData: Sendable {
    /// Elements of tensors lie in the model's file, or beside it where the file would be too large for protobuf.
    case automatic
    /// Those of tensors of at least `leastExternalBytes` lie beside it.
    case always
    /// A model that is too large is refused.
    case never
  }

  public var externalData = ExternalData.automatic
  /// The version of ai.onnx, at least 21; nil for 21, the model's own or what a node needs, whichever is the latest.
  public var opset: Int64?

  public init() {}

  /// Smaller tensors always lie in the model's file.
  public static let leastExternalBytes = 1024
}

extension ImportedModel {
  /// Bytes of a protobuf message, which its readers count in 31 bits.
  private static let messageLimit = Int(Int32.max)

  /// Writes the model as an ONNX file: the graph as it is here, with what only Pinion has in the forms of ONNX.
  ///
  /// The file appears when it is complete. External data is in a file beside it, of its name and ".data", which appears first.
  /// - Throws: `.unsupported` for what ONNX cannot express, or not in the version that is asked for; `.io`.
  package func save(onnx path: String, options: ONNXOptions = ONNXOptions(), resolver: any OperatorResolver) throws(PinionError) {
    if let opset = options.opset {
      guard (OperatorSets.base...ONNXVersions.opset.upperBound).contains(opset) else {
        throw .invalidArgument("opset \(opset), expected \(OperatorSets.base) to \(ONNXVersions.opset.upperBound)")
      }
    }
    let file = try OutputFile(path: path)
    let place = ExternalData(location: file.path.lastComponent + ".data")
    var message = try composed(options, resolver, options.externalData == .always ? place : nil)
    if message.count > ImportedModel.messageLimit {
      guard options.externalData == .automatic else {
        throw .unsupported("the file would have \(message.count) bytes, and protobuf allows \(ImportedModel.messageLimit)")
      }
      message = try composed(options, resolver, place)
      guard message.count <= ImportedModel.messageLimit else {
        throw .unsupported("the graph alone has \(message.count) bytes, and protobuf allows \(ImportedModel.messageLimit)")
      }
    }
    try message.write(to: file)
    if !place.isEmpty {
      let data = try OutputFile(path: file.path + ".data")
      try place.write(to: data)
      try data.commit()
    }
    try file.commit()
  }

  /// The ModelProto.
  private func composed(_ options: ONNXOptions, _ resolver: any OperatorResolver, _ external: ExternalData?) throws(PinionError) -> WireWriter {
    let own = metadata.opsets.first { ONNXVersions.normalized($0.domain).isEmpty }?.version ?? OperatorSets.base
    let least = options.opset ?? max(OperatorSets.base, min(own, ONNXVersions.opset.upperBound))
    let composer = ONNXComposer(resolver: resolver, opset: least, external: external)
    let graphMessage = try composer.compose(self)
    let needed = composer.needs[""] ?? OperatorSets.base
    if let chosen = options.opset, needed > chosen {
      throw .unsupported("the model needs opset \(needed), for \(composer.reason); \(chosen) was asked for")
    }
    let opset = max(needed, least)
    var message = WireWriter()
    message.int(1, OperatorSets.irVersion(opset: opset))
    message.string(2, "pinion")
    message.optionalString(4, metadata.domain)
    if metadata.modelVersion != 0 { message.int(5, metadata.modelVersion) }
    message.optionalString(6, metadata.docString)
    try message.message(7, graphMessage)
    var versions: [String: Int64] = [:]
    for (domain, version) in composer.needs where !domain.isEmpty {
      let chosen = metadata.opsets.first { $0.domain == domain }?.version ?? 1
      versions[domain] = max(version, chosen)
    }
    versions[""] = opset
    for (domain, version) in versions.sorted(by: { $0.key < $1.key }) {
      try message.message(8) { entry in
        entry.string(1, domain)
        entry.int(2, version)
      }
    }
    for (key, value) in metadata.properties {
      try message.message(14) { entry in
        entry.string(1, key)
        entry.string(2, value)
      }
    }
    return message
  }
}

extension String {
  /// What is behind the last `/`.
  fileprivate var lastComponent: String {
    guard let slash = utf8.lastIndex(of: UInt8(ascii: "/")) else { return self }
    return String(utf8[utf8.index(after: slash)...]) ?? self
  }
}

/// Elements of tensors that lie in a file of their own.
final class ExternalData {
  let location: String
  private var tensors: [(tensor: Tensor, offset: Int, count: Int)] = []
  private var end = 0

  init(location: String) { self.location = location }

  var isEmpty: Bool { tensors.isEmpty }

  /// Pages of a file are mapped; a tensor of several begins with one.
  private static func alignment(_ count: Int) -> Int { count >= 4096 ? 4096 : 64 }

  /// Where the tensor's elements will be.
  func place(_ tensor: Tensor) throws(PinionError) -> (offset: Int, count: Int) {
    let count = try tensor.fileBytes()
    let offset = try alignedUp(end, to: ExternalData.alignment(count))
    end = try offset.adding(count)
    tensors.append((tensor, offset, count))
    return (offset, count)
  }

  func write(to file: OutputFile) throws(PinionError) {
    for (tensor, offset, count) in tensors {
      try file.pad(to: ExternalData.alignment(count))
      guard file.offset == offset else { throw .internal("external data lies at \(file.offset), not at \(offset)") }
      try tensor.writeElements(to: file)
    }
  }
}
