import PinionBase
import PinionGraph
import PinionTensor

/// What only Pinion has, in the forms of ONNX: operators' older forms that `adapt` marks with attributes of our own, and operators that
/// it stands for beside others.
extension ONNXComposer {
  /// The nodes that do what the node does; itself where ONNX has it.
  func standardForm(_ node: Node, _ scope: Scope) throws(PinionError) -> [Node] {
    var forms = FormBuilder(node, scope, resolver)
    switch (node.schema.domain, node.schema.name) {
    case ("pinion", "AlignAxes"): try forms.alignAxes()
    case ("", "Softmax"), ("", "LogSoftmax"), ("", "Hardmax"):
      guard forms.takeFlag("pinion_takes_all_following") else { return [node] }
      try forms.softmax()
    case ("", "GroupNormalization"):
      guard forms.takeFlag("pinion_scales_groups") else { return [node] }
      try forms.groupNormalization()
    case ("", "Resize") where node.attributes["pinion_factors"] != nil: try forms.placedResize()
    case ("", "Resize"):
      guard node.attributes["nearest_mode"] == .string("pinion_floor_or_ceil_below_one") else { return [node] }
      try forms.resize()
    case ("", "Tile"):
      guard forms.takeFlag("one axis") else { return [node] }
      try forms.tile()
    case ("", "Pad"):
      guard case .float(let value)? = node.attributes["float value"] else { return [node] }
      try forms.pad(value)
    case ("", "Dropout"):
      guard forms.takeFlag("mask of the data's type") else { return [node] }
      try forms.dropout()
    case ("", "Mod") where node.attributes["integers alone"] != nil:
      _ = forms.takeFlag("integers alone")
      forms.keep()
    case ("", "Mod"):
      guard opset < 28, node.attributes["fmod"] ?? .int(0) == .int(0), forms.hasFloats else { return [node] }
      try forms.floatModulus()
    case ("", "Clip"):
      guard node.attributes["min"] != nil || node.attributes["max"] != nil else { return [node] }
      try forms.clip()
    case ("", "Scan"):
      guard case .int(let batch)? = node.attributes["batch"], batch != 0 else { return [node] }
      try forms.scan(hasLengths: batch == 2)
    default: return [node]
    }
    return forms.nodes
  }

  /// A node's attributes as ONNX has them.
  /// - Throws: `.unsupported` for an operator that ONNX does not have, and for an attribute that only an older form of it has.
  func standardAttributes(_ node: Node) throws(PinionError) -> [String: AttributeValue] {
    var attributes = node.attributes
    if node.schema.domain == "pinion" {
      guard node.writtenDomain != "pinion" else { throw .unsupported("ONNX does not have the operator") }
      if node.schema.name == "FusedGemm", case .floats(let parameters)? = attributes.removeValue(forKey: "activation_params") {
        for (name, value) in zip(["activation_alpha", "activation_beta", "activation_gamma"], parameters) { attributes[name] = .float(value) }
      }
      return attributes
    }
    guard let entry = OperatorSets.entries[node.schema.qualifiedName] else {
      guard !node.schema.domain.isEmpty else { throw .unsupported("ONNX does not have the operator") }
      return attributes
    }
    for (name, value) in attributes where entry.attributes[name] == nil {
      guard ONNXComposer.isWithoutEffect(name, value) else {
        throw .unsupported("attribute '\(name)' is one of an older form of the operator, which ONNX no longer has")
      }
      attributes[name] = nil
    }
    return attributes
  }

  /// Whether an attribute of older forms says nothing that the newest does not do.
  private static func isWithoutEffect(_ name: String, _ value: AttributeValue) -> Bool {
    switch name {
    case "consumed_inputs", "is_test": true
    case "spatial": value == .int(1)
    default: false
    }
  }
}

extension Node {
  /// The domain in a file: operators of com.microsoft that are fused like ours have ours inside.
  var writtenDomain: String {
    guard schema.domain == "pinion" else { return schema.domain }
    return ["FusedConv", "FusedGemm", "FusedMatMul"].contains(schema.name) ? "com.microsoft" : "pinion"
  }
}

/// Puts nodes in the place of one.
private struct FormBuilder {
  private(set) var nodes: [Node] = []
  private var node: Node
  private let scope: ONNXComposer.Scope
  private let resolver: any OperatorResolver

  init(_ node: Node, _ scope: ONNXComposer.Scope, _ resolver: any OperatorResolver) {
    self.node = node
    self.scope = scope
    self.resolver = resolver
  }

  /// Takes a flag of ours off the node.
  mutating func takeFlag(_ name: String) -> Bool {
    guard case .int(let flag)? = node.attributes.removeValue(forKey: name) else { return false }
    return flag != 0
  }

  /// Puts the node there without the flags that have been taken.
  mutating func keep() { nodes.append(node) }

  private func input(_ index: Int) throws(PinionError) -> ValueID {
    guard index < node.formalInputCount, let value = node.inputs[index] else { throw .internal("input \(index) is missing") }
    return value
  }

  private func output() throws(PinionError) -> ValueID {
    guard let value = node.outputs.first ?? nil else { throw .internal("the node has no output") }
    return value
  }

  private func rank(_ value: ValueID) -> Int? { scope.types.type(value)?.dims?.count }

  private func vector(_ numbers: [Int64]) throws(PinionError) -> ValueID { scope.graph.addConstant(try Tensor(vector: numbers)) }
  private func scalar(_ number: Int64) throws(PinionError) -> ValueID { scope.graph.addConstant(try Tensor(scalar: number)) }

  @discardableResult
  private mutating func add(
    _ name: String, _ inputs: [ValueID?], _ attributes: [String: AttributeValue] = [:], output: ValueID? = nil
  ) throws(PinionError) -> ValueID {
    let result = output ?? scope.graph.addValue("\(node.name.isEmpty ? node.schema.name : node.name)_\(name)")
    nodes.append(try resolver.node(name, name: node.name, attributes: attributes, inputs: inputs, outputs: [result]))
    return result
  }

  /// Axes of one element behind the data, so that its first axis lies at one of another value.
  mutating func alignAxes() throws(PinionError) {
    let data = try input(0), like = try input(1)
    guard let rank = rank(data), let whole = self.rank(like), case .int(let axis)? = node.attributes["axis"] else {
      throw .unsupported("ONNX has no broadcasting at an axis, and what stands for it needs the ranks, which are not known")
    }
    let start = axis < 0 ? Int(axis) + whole : Int(axis)
    guard rank >= whole || ((0...whole).contains(start) && rank <= whole - start) else {
      throw .invalidShape("an operand of rank \(rank) at axis \(axis) does not lie within one of rank \(whole)")
    }
    let count = rank < whole ? whole - start - rank : 0
    if count == 0 {
      try add("Identity", [data], output: try output())
    } else {
      try add("Unsqueeze", [data, try vector((rank..<rank + count).map(Int64.init))], output: try output())
    }
  }

  /// Lines over all axes from one on: those of a matrix.
  mutating func softmax() throws(PinionError) {
    let data = try input(0)
    let axis = node.attributes["axis"] ?? .int(1)
    // All axes from the last one on are that axis.
    if case .int(let first) = axis, case .tensor(_, let dims?)? = scope.types.type(data), first == Int64(dims.count) - 1 {
      node.attributes["axis"] = axis
      return keep()
    }
    let flat = try add("Flatten", [data], ["axis": axis])
    let lines = try add(node.schema.name, [flat], ["axis": .int(1)])
    try add("Reshape", [lines, try add("Shape", [data])], ["allowzero": .int(1)], output: try output())
  }

  /// A mask of truth values, and the one of the data's type made of it.
  mutating func dropout() throws(PinionError) {
    guard node.outputs.count > 1, let mask = node.outputs[1] else { return keep() }
    let truth = scope.graph.addValue("\(node.name.isEmpty ? node.schema.name : node.name)_mask")
    node.outputs[1] = truth
    keep()
    try add("CastLike", [truth, try input(0)], output: mask)
  }

  /// A scale and a bias for each group: groups in the place of channels.
  mutating func groupNormalization() throws(PinionError) {
    let data = try input(0)
    guard case .int(let groups)? = node.attributes["num_groups"] else { throw .invalidModel("attribute 'num_groups' is missing") }
    // No -1, which says nothing where there are no elements.
    let batch = try add("Shape", [data], ["end": .int(1)])
    let elements = try add("ReduceProd", [try add("Shape", [data], ["start": .int(1)])])
    let count = try vector([groups])
    let dims = try add("Concat", [batch, count, try add("Div", [elements, count])], ["axis": .int(0)])
    let grouped = try add("Reshape", [data, dims], ["allowzero": .int(1)])
    var attributes: [String: AttributeValue] = [:]
    attributes["epsilon"] = node.attributes["epsilon"]
    let normal = try add("InstanceNormalization", [grouped, try input(1), try input(2)], attributes)
    try add("Reshape", [normal, try add("Shape", [data])], ["allowzero": .int(1)], output: try output())
  }

  /// Nearest elements, rounded down along axes that grow and up along those that shrink: one after the other.
  mutating func resize() throws(PinionError) {
    node.attributes["nearest_mode"] = nil
    guard node.attributes["mode"] ?? .string("nearest") == .string("nearest") else {
      nodes.append(node)
      return
    }
    let scales = try input(2)
    if let known = scope.graph.constants[scales], let numbers = try? known.elements(as: Float.self) {
      let shrinks = numbers.contains { $0 < 1 }, grows = numbers.contains { $0 > 1 }
      if !shrinks || !grows {
        node.attributes["nearest_mode"] = .string(shrinks ? "ceil" : "floor")
        nodes.append(node)
        return
      }
    }
    let one = scope.graph.addConstant(try Tensor(vector: [Float(1)]))
    var attributes = node.attributes
    attributes["nearest_mode"] = .string("floor")
    let grown = try add("Resize", [try input(0), nil, try add("Max", [scales, one])], attributes)
    attributes["nearest_mode"] = .string("ceil")
    try add("Resize", [grown, nil, try add("Min", [scales, one])], attributes, output: try output())
  }

  /// Sizes with scales that say where the elements lie, of which ONNX takes one: the scales where every axis has one, in single precision,
  /// which may make places and extents of axes differ by their rounding.
  mutating func placedResize() throws(PinionError) {
    node.attributes["pinion_factors"] = nil
    if node.attributes["coordinate_transformation_mode"] == .string("tf_half_pixel_for_nn") {
      node.attributes["coordinate_transformation_mode"] = .string("half_pixel")
      node.attributes["nearest_mode"] = .string("round_prefer_ceil")
    }
    let numbers = scope.graph.constants[try input(2)].flatMap { try? $0.elements(as: Double.self) } ?? []
    if !numbers.isEmpty, numbers.allSatisfy({ $0 > 0 }) {
      node.inputs[2] = scope.graph.addConstant(try Tensor(vector: numbers.map { Float($0) }))
      node.inputs.removeLast()
    } else {
      node.inputs[2] = nil
    }
    nodes.append(node)
  }

  /// Repeats along one axis: one, but for that axis.
  mutating func tile() throws(PinionError) {
    let toInt64: [String: AttributeValue] = ["to": .int(Int64(ElementType.int64.rawValue))]
    let data = try input(0)
    let count = try add("Reshape", [try add("Cast", [try input(1)], toInt64), try vector([1])])
    let axis = try add("Reshape", [try add("Cast", [try input(2)], toInt64), try vector([1])])
    let rank = try add("Size", [try add("Shape", [data])])
    let axes = try add("Range", [try scalar(0), rank, try scalar(1)])
    let place = try add("Where", [try add("Less", [axis, try vector([0])]), try add("Add", [axis, rank]), axis])
    let repeats = try add("Where", [try add("Equal", [axes, place]), count, try vector([1])])
    try add("Tile", [data, repeats], output: try output())
  }

  /// Whether the first input is known to hold floating-point numbers.
  var hasFloats: Bool { node.inputs.first.flatMap { $0 }.flatMap { scope.types.type($0)?.tensorElement?.isFloatingPoint } ?? false }

  /// The remainder that has the divisor's sign, which ONNX has for integers alone before opset 28: the one with the dividend's, and the divisor more where the
  /// signs differ.
  mutating func floatModulus() throws(PinionError) {
    let a = try input(0), b = try input(1)
    let rest = try add("Mod", [a, b], ["fmod": .int(1)])
    let zero = try add("CastLike", [scope.graph.addConstant(try Tensor(scalar: Float(0))), a])
    let isBelow = try add("Less", [b, zero])
    let differ = try add("Xor", [try add("Less", [rest, zero]), isBelow])
    let floored = try add("Where", [differ, try add("Add", [rest, b]), rest])
    let nothing = try add("Where", [isBelow, try add("Neg", [zero]), zero])
    try add("Where", [try add("Equal", [rest, zero]), nothing, floored], output: try output())
  }

  /// The bounds as inputs, of the data's type.
  mutating func clip() throws(PinionError) {
    let data = try input(0)
    var bounds: [ValueID?] = []
    for name in ["min", "max"] {
      guard case .float(let bound)? = node.attributes[name] else {
        bounds.append(nil)
        continue
      }
      bounds.append(try add("CastLike", [scope.graph.addConstant(try Tensor(scalar: bound)), data]))
    }
    while case .some(.none) = bounds.last { bounds.removeLast() }
    try add("Clip", [data] + bounds, output: try output())
  }

  /// The number as an input, of the data's type.
  mutating func pad(_ value: Float) throws(PinionError) {
    var attributes = node.attributes
    attributes["float value"] = nil
    let data = try input(0)
    let number = try add("CastLike", [scope.graph.addConstant(try Tensor(scalar: value)), data])
    try add("Pad", [data, try input(1), number], attributes, output: try output())
  }

  /// The form with a batch axis in front: a scan over the members of the batch, whose body is the scan of one.
  mutating func scan(hasLengths: Bool) throws(PinionError) {
    guard !hasLengths else { throw .unsupported("ONNX no longer has scans over a batch of sequences of several lengths") }
    guard let body = node.subgraphs.first, node.subgraphs.count == 1 else { throw .internal("Scan has no body") }
    var inner = node
    inner.attributes["batch"] = nil
    var outer = Graph(name: "\(body.name)_batch")
    let formal = node.formalInputCount
    inner.inputs = []
    for index in 0..<formal { inner.inputs.append(outer.addValue("member_\(index)")) }
    outer.inputs = inner.inputs.compactMap { $0 }
    inner.formalInputCount = formal
    for index in formal..<node.inputs.count {
      let value = outer.addValue("captured_\(index)")
      outer.captures.append(Capture(inner: value, input: index))
      inner.inputs.append(value)
    }
    inner.outputs = node.outputs.map { _ in outer.addValue("result") }
    outer.nodes = [inner]
    outer.outputs = inner.outputs.compactMap { $0 }
    node.attributes = ["body": .graph(0), "num_scan_inputs": .int(Int64(formal))]
    node.subgraphs = [outer]
    nodes.append(node)
  }
}
