/// Name and operands of an operator, as ONNX declares them in its newest version.
public struct Schema: Sendable {
  /// Empty for ai.onnx.
  public let domain: String
  public let name: String
  /// The opset in which the newest form appeared.
  public let since: Int64
  public let inputs: [Operand]
  public let outputs: [Operand]

  public struct Operand: Sendable {
    public let name: String
    public let isOptional: Bool
    public let isVariadic: Bool
  }

  /// - Parameters:
  ///   - inputs: names; `name?` may be absent, `name...` may come any number of times, `name...?` also not at all.
  ///   - outputs: the same.
  public init(_ name: String, domain: String = "", since: Int64, inputs: [String], outputs: [String]) {
    func operand(_ text: String) -> Operand {
      var name = text
      let isOptional = name.hasSuffix("?")
      if isOptional { name.removeLast() }
      let isVariadic = name.hasSuffix("...")
      if isVariadic { name.removeLast(3) }
      return Operand(name: name, isOptional: isOptional, isVariadic: isVariadic)
    }
    self.domain = domain
    self.name = name
    self.since = since
    self.inputs = inputs.map(operand)
    self.outputs = outputs.map(operand)
  }

  /// `Name`, or `domain::Name` outside ai.onnx.
  public var qualifiedName: String { domain.isEmpty ? name : "\(domain)::\(name)" }

  /// The name of the input at `index`, also past the start of a variadic one.
  public func inputName(_ index: Int) -> String {
    if index < inputs.count { return inputs[index].name }
    return inputs.last?.name ?? "input \(index)"
  }
}
