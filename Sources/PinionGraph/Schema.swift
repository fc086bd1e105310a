import PinionBase
import PinionTensor

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
    /// The element types that a kernel takes here whatever the other operands are; empty where the operator itself decides.
    public let elements: [ElementType]
  }

  /// - Parameters:
  ///   - inputs: names; `name?` may be absent, `name...` may come any number of times, `name...?` also not at all. `name: float32|float16`
  ///     admits these element types only, which is checked before the operator sees the input.
  ///   - outputs: the same.
  public init(_ name: String, domain: String = "", since: Int64, inputs: [String], outputs: [String]) {
    func operand(_ text: String) -> Operand {
      let parts = text.split(separator: ":")
      var name = String(parts.first ?? "")
      let elements = parts.count < 2 ? [] : parts[1].split(separator: "|").compactMap { ElementType(name: $0.filter { $0 != " " }) }
      let isOptional = name.hasSuffix("?")
      if isOptional { name.removeLast() }
      let isVariadic = name.hasSuffix("...")
      if isVariadic { name.removeLast(3) }
      return Operand(name: name, isOptional: isOptional, isVariadic: isVariadic, elements: elements)
    }
    self.domain = domain
    self.name = name
    self.since = since
    self.inputs = inputs.map(operand)
    self.outputs = outputs.map(operand)
  }

  /// How many outputs a node has at least, named or not: those that the operator computes in any case.
  public var leastOutputs: Int { (outputs.lastIndex { !$0.isOptional && !$0.isVariadic } ?? -1) + 1 }

  /// Checks the element type of an input against what the operand admits.
  public func check(_ element: ElementType, input index: Int) throws(PinionError) {
    guard index < inputs.count, !inputs[index].elements.isEmpty, !inputs[index].elements.contains(element) else { return }
    let expected = inputs[index].elements.map(\.description).joined(separator: " or ")
    throw .invalidShape("input '\(inputs[index].name)' has elements of type \(element), expected \(expected)")
  }

  /// `Name`, or `domain::Name` outside ai.onnx.
  public var qualifiedName: String { domain.isEmpty ? name : "\(domain)::\(name)" }

  /// The name of the input at `index`, also past the start of a variadic one.
  public func inputName(_ index: Int) -> String {
    if index < inputs.count { return inputs[index].name }
    return inputs.last?.name ?? "input \(index)"
  }
}
