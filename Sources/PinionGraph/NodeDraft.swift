import PinionBase
import PinionTensor

/// A node on its way from a file into the graph, in the form of its model's opset.
public struct NodeDraft: Sendable {
  public enum Operand: Sendable {
    case none
    case value(ValueID)
    case constant(Tensor)
    /// The first output of another node, which is made in front of this one.
    indirect case computed(NodeDraft)
  }

  /// Empty for ai.onnx.
  public var domain: String
  public var name: String
  /// The version of `domain` that the model asks for.
  public let opset: Int64
  public var attributes: [String: AttributeValue]
  public var inputs: [Operand]
  /// For each output that the node lists, whether it has a name: one with the empty name is absent.
  public let outputs: [Bool]

  public init(
    domain: String, name: String, opset: Int64, attributes: [String: AttributeValue], inputs: [Operand], outputs: [Bool] = [true]
  ) {
    self.domain = domain
    self.name = name
    self.opset = opset
    self.attributes = attributes
    self.inputs = inputs
    self.outputs = outputs
  }

  /// A node of an operator's newest form with one output.
  public init(newest schema: Schema, attributes: [String: AttributeValue] = [:], inputs: [Operand]) {
    self.init(domain: schema.domain, name: schema.name, opset: .max, attributes: attributes, inputs: inputs)
  }

  public func has(output index: Int) -> Bool { index < outputs.count && outputs[index] }

  public func has(input index: Int) -> Bool {
    guard index < inputs.count else { return false }
    if case .none = inputs[index] { return false }
    return true
  }

  /// Turns an INTS attribute of an older opset into an int64 vector input, if it is there.
  public mutating func moveInts(_ attribute: String, toInput index: Int) throws(PinionError) {
    guard let value = attributes.removeValue(forKey: attribute) else { return }
    switch value {
    case .ints(let ints): setInput(index, .constant(try Tensor(vector: ints)))
    case .int(let int): setInput(index, .constant(try Tensor(vector: [int])))
    default: throw .invalidModel("attribute '\(attribute)' is \(value.kind), expected INTS")
    }
  }

  /// Places an operand, with absent ones before it where there are none yet.
  public mutating func setInput(_ index: Int, _ operand: Operand) {
    while inputs.count <= index { inputs.append(.none) }
    inputs[index] = operand
  }
}
