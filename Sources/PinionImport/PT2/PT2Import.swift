import PinionBase
import PinionGraph
import PinionTensor

extension ImportedModel {
  /// Reads a program that `torch.export.save` wrote.
  /// - Parameter control: the limits of the load: deadline and token, and the bytes that structures and tensors not left in the file may take.
  /// - Throws: `.unsupported` with one entry in `others` for each node whose target has no mapping, of the first thousand, and for other
  ///   kinds of archives.
  package init(pt2 file: FileMapping, resolver: any OperatorResolver, control: RunControl = RunControl()) throws(PinionError) {
    let archive = try PT2Archive(file, control)
    let program = try archive.program()
    let importer = try PT2Importer(archive, program, resolver: resolver)
    try importer.importInputs()
    try importer.lowering.lowerNodes()
    if let error = importer.lowering.report.error() { throw error }
    try importer.importOutputs()
    importer.lowering.graph.name = archive.programName
    try importer.lowering.graph.verify(control)
    self.init(graph: importer.lowering.graph)
    overridable = importer.overridable
    sizeRules = importer.sizeRules
    metadata.graphName = archive.programName
    metadata.producerName = "torch.export"
    metadata.producerVersion = program.torchVersion
    metadata.modelVersion = program.schemaVersion.minor
    metadata.properties = program.properties + (try importer.trees())
    ownOutputCount = importer.ownOutputCount
    carried = importer.carried
    paths = try importer.paths()
  }
}

/// Why a file that no zip archive and no protobuf message is cannot be a model, where its first bytes tell: those of a pickle.
package func refusalOfPickle(_ file: FileMapping) -> PinionError? {
  withExtendedLifetime(file) {
    guard file.bytes.count >= 2, file.bytes[0] == 0x80, (2...5).contains(file.bytes[1]) else { return nil }
    return .unsupported(
      "\(file.name) is a pickle, which may run any code when it is read; export the model with torch.export.export and save it with torch.export.save")
  }
}

/// Whether a file's first bytes are those of a zip archive, as a `.pt2` file is one.
package func isPT2(_ file: FileMapping) -> Bool { withExtendedLifetime(file) { ZipArchive.begins(file.bytes) } }

/// The graph's inputs and outputs by the program's signature.
final class PT2Importer {
  /// What the records of an input or output are counted as.
  private static let operandBytes = 512

  let archive: PT2Archive
  let program: PT2Program
  let lowering: Lowering
  private(set) var overridable: [(name: String, value: ValueID)] = []
  /// Weights by their name in the module: what the program's name stands for.
  private var weights: [(name: String, handle: TensorHandle)] = []
  /// The constant that a weight is before any write.
  private var contents: [ObjectIdentifier: ValueID] = [:]
  private var inputs: [(name: String, handle: TensorHandle)] = []
  private(set) var ownOutputCount = 0
  private(set) var carried: [(input: Int, output: Int)] = []
  /// What stands at the leaves of the trees: values' names, and constants in JSON.
  private var inputLeaves: [TreeLeaf] = []
  private var outputLeaves: [TreeLeaf] = []

  private var places: [SizeRules.Place] = []
  var sizeRules: SizeRules { SizeRules(places, ranges: program.ranges) }

  init(_ archive: PT2Archive, _ program: PT2Program, resolver: any OperatorResolver) throws(PinionError) {
    self.archive = archive
    self.program = program
    lowering = try Lowering(program.graph, resolver: resolver, report: LoweringReport(archive.control))
  }

  func importInputs() throws(PinionError) {
    let weightTensors = try archive.tensors(constants: false), constants = try archive.tensors(constants: true)
    for (spec, input) in zip(program.inputSpecs, program.graph.inputs) {
      try archive.control.check()
      try archive.control.takeBytes(PT2Importer.operandBytes)
      switch (spec, input) {
      case (.weight(let graphName, let name, let isConstant), _):
        let first = isConstant ? constants : weightTensors, second = isConstant ? weightTensors : constants
        var found = try first.tensor(name)
        if found == nil { found = try second.tensor(name) }
        guard let (tensor, isComplex) = found else {
          throw .invalidModel("the archive has no data for '\(name)'")
        }
        var term = lowering.constant(tensor)
        lowering.graph[term.id].name = name
        if isComplex {
          term.dims.removeLast()
          term.isComplex = true
        }
        let handle = TensorHandle(term, layout: program.graph.tensors[graphName])
        lowering.tensors[graphName] = handle
        weights.append((name, handle))
        contents[ObjectIdentifier(handle)] = term.id
      case (.user, .tensor(let name)):
        guard let meta = program.graph.tensors[name] else { throw .invalidModel("input '\(name)' has no description") }
        let (element, isComplex) = try meta.element()
        guard !isComplex else { throw .unsupported("input '\(name)' is complex; give its real and imaginary parts as inputs") }
        let id = lowering.graph.addValue(name, type: .tensor(element, dims: meta.dimensions))
        for (axis, size) in meta.sizes.enumerated() {
          guard case .expression(let text) = size, let expression = SymbolExpression(text) else { continue }
          places.append(SizeRules.Place(input: lowering.graph.inputs.count, inputName: name, axis: axis, expression: expression))
        }
        lowering.graph.inputs.append(id)
        let handle = TensorHandle(Term(id: id, element: element, dims: meta.knownSizes), layout: meta)
        lowering.tensors[name] = handle
        inputs.append((name, handle))
        inputLeaves.append(.value(name))
      case (.user, .symbol(let name)):
        let element: ElementType = program.numberElement(name)
        let id = lowering.graph.addValue(name, type: .tensor(element, dims: []))
        if element == .int64, let expression = program.expression(name) {
          places.append(SizeRules.Place(input: lowering.graph.inputs.count, inputName: name, axis: nil, expression: expression))
        }
        lowering.graph.inputs.append(id)
        lowering.numbers[name] = .symbol(Term(id: id, element: element, dims: []))
        inputLeaves.append(.value(name))
      case (.token, _): break
      case (.user, let constant), (.constant, let constant): inputLeaves.append(.constant(constant.json))
      }
    }
  }

  /// The program's own outputs, then the new contents of inputs, then those of weights.
  func importOutputs() throws(PinionError) {
    var newInputs: [(name: String, term: Term)] = [], newWeights = newInputs
    var names: [String: Int] = [:]
    for (spec, output) in zip(program.outputSpecs, program.graph.outputs) {
      try archive.control.check()
      try archive.control.takeBytes(PT2Importer.operandBytes)
      if case .ignored = spec { continue }
      let term: Term, name: String
      switch output {
      case .tensor(let tensor): (term, name) = (try lowering.term(tensor), tensor)
      case .symbol(let symbol): (term, name) = (try lowering.symbol(try lowering.number(named: symbol)), symbol)
      default:
        if case .user = spec { outputLeaves.append(.constant(output.json)) }
        continue
      }
      switch spec {
      case .user: outputLeaves.append(.value(try addOutput(term, name, &names)))
      case .weightMutation(let name): newWeights.append((name, term))
      case .inputMutation(let name): newInputs.append((name, term))
      case .ignored: continue
      }
    }
    let told = Set(newInputs.map(\.name)), toldWeights = Set(newWeights.map(\.name))
    for (name, handle) in inputs where handle.storage.version > 0 && !told.contains(name) {
      newInputs.append((name, try lowering.read(handle)))
    }
    for (name, handle) in weights where handle.storage.version > 0 && !toldWeights.contains(name) {
      newWeights.append((name, try lowering.read(handle)))
    }
    ownOutputCount = lowering.graph.outputs.count
    for (name, term) in newInputs { _ = try addOutput(term, name + ".new", &names) }
    let handles = Dictionary(weights.map { ($0.name, $0.handle) }, uniquingKeysWith: { first, _ in first })
    for (name, term) in newWeights {
      guard let handle = handles[name], let id = contents[ObjectIdentifier(handle)] else { continue }
      carried.append((input: overridable.count, output: lowering.graph.outputs.count))
      overridable.append((name, id))
      _ = try addOutput(term, name + ".new", &names)
    }
  }

  /// The trees of arguments and results with the values' names at their leaves, where the file tells them.
  func trees() throws(PinionError) -> [(key: String, value: String)] {
    var result: [(key: String, value: String)] = []
    for (key, tree, leaves) in [("pt2.input_tree", program.inputTree, inputLeaves), ("pt2.output_tree", program.outputTree, outputLeaves)] {
      guard let tree, tree.leafCount == leaves.count else { continue }
      try archive.control.check()
      var texts = leaves.map(\.json)[...]
      result.append((key, tree.json(&texts)))
    }
    return result
  }

  /// The names of values by their places in the trees.
  func paths() throws(PinionError) -> (inputs: [String: String], outputs: [String: String]) {
    let control = archive.control
    func names(_ tree: PT2Tree?, _ leaves: [TreeLeaf]) throws(PinionError) -> [String: String] {
      guard let tree, tree.leafCount == leaves.count else { return [:] }
      var result: [String: String] = [:]
      for (path, leaf) in zip(try tree.paths("", control), leaves) { if case .value(let name) = leaf, !path.isEmpty { result[path] = name } }
      return result
    }
    return (try names(program.inputTree, inputLeaves), try names(program.outputTree, outputLeaves))
  }

  /// An output of its own value and name; one given twice is named `name#1` the second time.
  private func addOutput(_ term: Term, _ name: String, _ names: inout [String: Int]) throws(PinionError) -> String {
    guard !term.isComplex else { throw .unsupported("output '\(name)' is complex; export its real and imaginary parts (torch.view_as_real)") }
    let count = names[name, default: 0]
    names[name] = count + 1
    let result = try lowering.op("Identity", [term])
    let outputName = count == 0 ? name : "\(name)#\(count)"
    lowering.graph[result.id].name = outputName
    var dims = result.dims.map { $0.map(Dimension.known) ?? .unknown }
    if let meta = program.graph.tensors[name], meta.sizes.count == dims.count { dims = meta.dimensions }
    lowering.graph[result.id].type = .tensor(term.element, dims: dims)
    lowering.graph.outputs.append(result.id)
    return outputName
  }
}

/// What stands at a leaf of a tree.
private enum TreeLeaf {
  case value(String)
  case constant(String)

  var json: String {
    switch self {
    case .value(let name): "{\"value\":\(jsonText(name))}"
    case .constant(let text): "{\"constant\":\(text)}"
    }
  }
}

extension PT2Argument {
  /// A constant in JSON; null for what has no value.
  fileprivate var json: String {
    switch self {
    case .int(let value): "\(value)"
    case .bool(let value): "\(value)"
    case .float(let value): value.isFinite ? "\(value)" : jsonText(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity")
    case .string(let text): jsonText(text)
    default: "null"
    }
  }
}
