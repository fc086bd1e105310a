import PinionBase
import PinionGraph
import PinionTensor

/// Versions that this build reads.
package enum ONNXVersions {
  package static let ir: ClosedRange<Int64> = 1...14
  package static let opset: ClosedRange<Int64> = 1...28

  /// The default domain has two spellings.
  package static func normalized(_ domain: String) -> String { domain == "ai.onnx" ? "" : domain }
}

extension ImportedModel {
  /// Reads an ONNX model and turns it into a graph of operators in their newest form.
  /// - Parameters:
  ///   - folder: where external data lies; nil where the model came from memory alone.
  ///   - control: the limits of the load: deadline and token, and the bytes that structures and tensors not left in the file may take.
  /// - Throws: `.unsupported` with one entry in `others` for each node whose operator the resolver does not know, of the first thousand.
  package init(
    onnx file: FileMapping, folder: ExternalDataFolder?, resolver: any OperatorResolver, control: RunControl = RunControl()
  ) throws(PinionError) {
    var limits = WireLimits()
    limits.control = control
    let model = try ONNXModel(parsing: file, limits: limits)
    guard let onnxGraph = model.graph else { throw .invalidModel("\(file.name) has no graph; is it an ONNX model?") }
    guard ONNXVersions.ir.contains(model.irVersion) else {
      throw .unsupported("IR version \(model.irVersion); expected \(ONNXVersions.ir.lowerBound) to \(ONNXVersions.ir.upperBound)")
    }
    let shared = ImportState(model, folder: folder, resolver: resolver, control: control)
    let opsets = OpsetImports(model.opsetImports)
    let builder = GraphBuilder(shared, parent: nil)
    try builder.build(onnxGraph, opsets: opsets, isMain: true)
    if let error = shared.unsupportedError() { throw error }

    try builder.graph.verify(control)
    self.init(graph: builder.graph)
    overridable = builder.overridable
    metadata.irVersion = model.irVersion
    metadata.opsets = model.opsetImports.map { ($0.domain, $0.version) }
    metadata.producerName = model.producerName
    metadata.producerVersion = model.producerVersion
    metadata.domain = model.domain
    metadata.modelVersion = model.modelVersion
    metadata.docString = model.docString
    metadata.graphName = onnxGraph.name
    metadata.graphDocString = onnxGraph.docString
    try control.takeBytes(try model.metadata.count.multiplied(by: 2 &* MemoryLayout<String>.stride))
    metadata.properties = model.metadata.map { ($0.key, $0.value) }
  }
}

/// The operator-set versions that a model or function asks for.
struct OpsetImports {
  private var versions: [String: Int64] = [:]
  private let standard: Int64

  init(_ imports: [ONNXOpset]) {
    for entry in imports {
      let domain = ONNXVersions.normalized(entry.domain)
      versions[domain] = max(entry.version, versions[domain] ?? entry.version)
    }
    // Models exist that use ai.onnx without naming a version; they get the newest.
    standard = versions[""] ?? ONNXVersions.opset.upperBound
  }

  /// The version for a domain.
  func version(of domain: String) -> Int64 { domain.isEmpty ? standard : versions[domain] ?? 1 }
}

/// What all graphs and functions of one model share while it is imported.
final class ImportState {
  private struct FunctionKey: Hashable {
    let domain: String
    let name: String
    let overload: String
  }

  /// Nodes that inlining may make in total; functions calling functions grow exponentially.
  static let nodeLimit = 1_000_000
  static let functionDepthLimit = 64

  let folder: ExternalDataFolder?
  let resolver: any OperatorResolver
  /// How many names the file has.
  let nameCount: Int
  private var functions: [FunctionKey: ONNXFunction] = [:]
  /// What the name of an operator of ai.onnx stands for, by its number; nil for one that has not been looked up.
  @exclusivity(unchecked) private var standardOperators: [(type: (any Operator.Type)?, isConstant: Bool)?]
  private var unsupported: [PinionError] = []
  private var unsupportedNames: [String] = []
  private var unsupportedKinds: Set<String> = []
  private var unsupportedCount = 0
  @exclusivity(unchecked) private var nodeCount = 0
  /// The limits of the load.
  let control: RunControl
  let small = SmallTensors()
  /// What the records of a node are counted as.
  private static let nodeBytes = 2048
  /// How many of the nodes that are not supported are named one by one.
  private static let reportLimit = 1000

  init(_ model: ONNXModel, folder: ExternalDataFolder?, resolver: any OperatorResolver, control: RunControl) {
    self.control = control
    self.folder = folder
    self.resolver = resolver
    nameCount = model.nameCount
    standardOperators = [(type: (any Operator.Type)?, isConstant: Bool)?](repeating: nil, count: model.nameCount)
    for function in model.functions {
      functions[FunctionKey(domain: ONNXVersions.normalized(function.domain), name: function.name, overload: function.overload)] = function
    }
  }

  /// The function of the model's that a node calls.
  func function(_ domain: String, _ name: String, overload: String) -> ONNXFunction? {
    if functions.isEmpty { return nil }
    return functions[FunctionKey(domain: ONNXVersions.normalized(domain), name: name, overload: overload)]
  }

  /// What a node's name stands for.
  func meaning(of node: ONNXNode) -> (domain: String, type: (any Operator.Type)?, isConstant: Bool) {
    let domain = ONNXVersions.normalized(node.domain.text), number = node.opType.number
    guard domain.isEmpty, number < standardOperators.count else {
      return (domain, resolver.operatorType(domain: domain, name: node.opType.text), false)
    }
    if let (type, isConstant) = standardOperators[number] { return (domain, type, isConstant) }
    let type = resolver.operatorType(domain: domain, name: node.opType.text), isConstant = node.opType.text == "Constant"
    standardOperators[number] = (type, isConstant)
    return (domain, type, isConstant)
  }

  func countNode() throws(PinionError) {
    try control.check()
    try control.takeBytes(ImportState.nodeBytes)
    nodeCount += 1
    guard nodeCount <= ImportState.nodeLimit else {
      throw .invalidModel("the model has more than \(ImportState.nodeLimit) nodes after its functions are expanded")
    }
  }

  func reportUnsupported(_ error: PinionError) {
    unsupportedCount += 1
    if unsupportedKinds.insert(error.operatorName).inserted, unsupportedNames.count < ImportState.reportLimit {
      unsupportedNames.append(error.operatorName)
    }
    if unsupported.count < ImportState.reportLimit { unsupported.append(error) }
  }

  /// All unsupported nodes as one error.
  func unsupportedError() -> PinionError? {
    guard let first = unsupported.first else { return nil }
    guard unsupported.count > 1 else { return first }
    let more = unsupportedKinds.count - unsupportedNames.count
    var error = PinionError.unsupported(
      "\(unsupportedCount) nodes are not supported; operators: " + unsupportedNames.joined(separator: ", ") + (more > 0 ? " and \(more) more" : ""))
    error.others = unsupported
    return error
  }
}
