import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionTensor

/// Computes connected convolutions of codes, and what lies between them, with the channels last: a Transpose where a value enters such a region,
/// a Transpose where one is seen outside, and none between. Every code stays what it is.
///
/// Where the model has such transpositions itself, TransposeMerging takes both away.
struct ChannelsLastRegions: Pass {
  let name = "ChannelsLastRegions"
  /// Whether this machine has kernels that gain by it.
  var isAvailable = ChannelsLastConvolution.isAvailable

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard isAvailable, context.backend.name == "cpu" else { return false }
    return try editor.edit { (editor) throws(PinionError) in
      guard editor.operators.count(QLinearConv.self) > 0 else { return }
      let members = ChannelsLastMembers(&editor)
      guard !members.isEmpty else { return }
      var rewriting = ChannelsLastRewriting(members)
      for index in editor.indices where members[index] != nil { try rewriting.turn(index, &editor) }
    }
  }
}

/// Gives the members of regions their channels last.
private struct ChannelsLastRewriting {
  let members: ChannelsLastMembers
  /// The value with its channels last that stands for another inside the regions.
  private var turned: [ValueID: ValueID] = [:]

  init(_ members: ChannelsLastMembers) { self.members = members }

  mutating func turn(_ index: Int, _ editor: inout GraphEditor) throws(PinionError) {
    guard let slots = members[index], let kind = editor.kind(index) else { return }
    let old = editor[index]
    guard let value = old.outputs.first ?? nil else { return }
    var inputs = Array(old.inputs.prefix(old.formalInputCount)), attributes = old.attributes
    for slot in slots {
      if let input = inputs[slot] { inputs[slot] = try entering(input, before: index, &editor) }
    }
    let inner = editor.addValue(type: editor.graph[value].type?.channelsLast)
    turned[value] = inner
    let form: any Operator.Type
    switch kind {
    case QLinearConv.self: (form, attributes["channels_last"]) = (MicrosoftQLinearConv.self, .int(1))
    case QLinearAveragePool.self, QLinearGlobalAveragePool.self: (form, attributes["channels_last"]) = (kind, .int(1))
    case MaxPool.self: (form, attributes["storage_order"]) = (NhwcMaxPool.self, nil)
    default: form = kind
    }
    let node = try Node(form, name: old.name, attributes: attributes, inputs: inputs, outputs: [inner])
    guard members.isSeen(value, editor) else { return editor.replace(index, with: node) }
    editor.insert(node, before: index)
    editor.replace(index, with: try Node(Transpose.self, attributes: ["perm": .ints([0, 3, 1, 2])], inputs: [inner], outputs: [value]))
  }

  private mutating func entering(_ value: ValueID, before index: Int, _ editor: inout GraphEditor) throws(PinionError) -> ValueID {
    if let known = turned[value] { return known }
    let inner = editor.addValue(type: editor.graph[value].type?.channelsLast)
    let node = try Node(Transpose.self, attributes: ["perm": .ints([0, 2, 3, 1])], inputs: [value], outputs: [inner])
    editor.insert(node, before: index)
    turned[value] = inner
    return inner
  }
}

extension ValueType {
  fileprivate var channelsLast: ValueType? {
    guard case .tensor(let element, let dims?) = self, dims.count == 4 else { return nil }
    return .tensor(element, dims: [dims[0], dims[2], dims[3], dims[1]])
  }
}
