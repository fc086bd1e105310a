import PinionBase
import PinionGraph
import PinionTensor

/// What becomes of the new contents that a program writes to its buffers, parameters and inputs.
public enum PT2Mutations: Sendable {
  /// They follow the program's own outputs, under the names of what was written to; a buffer is an input with a default.
  case outputs
  /// They are dropped.
  case dropped
}

extension ImportedModel {
  /// Reads a program that `torch.export.save` wrote.
  /// - Throws: `.unsupported` with one entry in `others` for each node whose target has no mapping, and for other kinds of archives.
  public init(pt2 file: FileMapping, resolver: any OperatorResolver, mutations: PT2Mutations = .outputs) throws(PinionError) {
    let archive = try PT2Archive(file)
    let program = try archive.program()
    let importer = try PT2Importer(archive, program, resolver: resolver)
    try importer.importInputs()
    try importer.lowering.lowerNodes()
    if let error = importer.lowering.report.error() { throw error }
    try importer.importOutputs(mutations)
    importer.lowering.graph.name = archive.programName
    try importer.lowering.graph.verify()
    self.init(graph: importer.lowering.graph)
    overridable = importer.overridable
    metadata.graphName = archive.programName
    metadata.producerName = "torch.export"
    metadata.producerVersion = program.torchVersion
    metadata.modelVersion = program.schemaVersion.minor
    metadata.properties = program.properties
  }
}

/// Whether a file's first bytes are those of a zip archive, as a `.pt2` file is one.
public func isPT2(_ file: FileMapping) -> Bool { withExtendedLifetime(file) { ZipArchive.begins(file.bytes) } }

/// The graph's inputs and outputs by the program's signature.
final class PT2Importer {
  let archive: PT2Archive
  let program: PT2Program
  let lowering: Lowering
  private(set) var overridable: [(name: String, value: ValueID)] = []
  /// Weights by their name in the module: what the program's name stands for.
  private var weights: [(name: String, handle: TensorHandle)] = []
  /// The constant that a weight is before any write.
  private var contents: [ObjectIdentifier: ValueID] = [:]
  private var inputs: [(name: String, handle: TensorHandle)] = []

  init(_ archive: PT2Archive, _ program: PT2Program, resolver: any OperatorResolver) throws(PinionError) {
    self.archive = archive
    self.program = program
    lowering = try Lowering(program.graph, resolver: resolver, report: LoweringReport())
  }

  func importInputs() throws(PinionError) {
    let weightTensors = try archive.tensors(constants: false), constants = try archive.tensors(constants: true)
    for (spec, input) in zip(program.inputSpecs, program.graph.inputs) {
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
        let handle = TensorHandle(term)
        lowering.tensors[graphName] = handle
        weights.append((name, handle))
        contents[ObjectIdentifier(handle)] = term.id
      case (.user, .tensor(let name)):
        guard let meta = program.graph.tensors[name] else { throw .invalidModel("input '\(name)' has no description") }
        let (element, isComplex) = try meta.element()
        guard !isComplex else { throw .unsupported("input '\(name)' is complex; give its real and imaginary parts as inputs") }
        let id = lowering.graph.addValue(name, type: .tensor(element, dims: meta.dimensions))
        lowering.graph.inputs.append(id)
        let handle = TensorHandle(Term(id: id, element: element, dims: meta.knownSizes))
        lowering.tensors[name] = handle
        inputs.append((name, handle))
      case (.user, .symbol(let name)):
        let element: ElementType = program.numberElement(name)
        let id = lowering.graph.addValue(name, type: .tensor(element, dims: []))
        lowering.graph.inputs.append(id)
        lowering.numbers[name] = .symbol(Term(id: id, element: element, dims: []))
      default: continue
      }
    }
  }

  func importOutputs(_ mutations: PT2Mutations) throws(PinionError) {
    var mutated: [(name: String, term: Term)] = []
    var names: [String: Int] = [:]
    for (spec, output) in zip(program.outputSpecs, program.graph.outputs) {
      let term: Term, name: String
      switch output {
      case .tensor(let tensor): (term, name) = (try lowering.term(tensor), tensor)
      case .symbol(let symbol): (term, name) = (try lowering.symbol(try lowering.number(named: symbol)), symbol)
      default: continue
      }
      switch spec {
      case .user: try addOutput(term, name, &names)
      case .weightMutation(let name), .inputMutation(let name): mutated.append((name, term))
      case .ignored: continue
      }
    }
    for (name, handle) in weights + inputs where handle.storage.version > 0 && !mutated.contains(where: { $0.name == name }) {
      mutated.append((name, try lowering.read(handle)))
    }
    for (name, handle) in weights where mutated.contains(where: { $0.name == name }) {
      if let id = contents[ObjectIdentifier(handle)] { overridable.append((name, id)) }
    }
    guard case .outputs = mutations else { return }
    for (name, term) in mutated { try addOutput(term, name + ".new", &names) }
  }

  /// An output of its own value and name; one given twice is named `name#1` the second time.
  private func addOutput(_ term: Term, _ name: String, _ names: inout [String: Int]) throws(PinionError) {
    guard !term.isComplex else { throw .unsupported("output '\(name)' is complex; export its real and imaginary parts (torch.view_as_real)") }
    let count = names[name, default: 0]
    names[name] = count + 1
    let result = try lowering.op("Identity", [term])
    lowering.graph[result.id].name = count == 0 ? name : "\(name)#\(count)"
    var dims = result.dims.map { $0.map(Dimension.known) ?? .unknown }
    if let meta = program.graph.tensors[name], meta.sizes.count == dims.count { dims = meta.dimensions }
    lowering.graph[result.id].type = .tensor(term.element, dims: dims)
    lowering.graph.outputs.append(result.id)
  }
}
