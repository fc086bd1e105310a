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

  /// The names of the type variables; an operand has the place of its own here.
  public let variables: [String]
  /// A bit for each variable whose operands may mix float32, float16 and bfloat16 in one node, since the kernel computes in float32.
  let mixing: UInt32

  public struct Operand: Sendable {
    public let name: String
    public let isOptional: Bool
    public let isVariadic: Bool
    /// The element types that a tensor may have here; all where the operand declares none.
    public let types: ElementTypes
    /// Whether the operand declares its types. One that is never a tensor has none.
    public let isConstrained: Bool
    /// The variable among the schema's whose operands have one element type in a node.
    public let variable: Int?
  }

  /// - Parameters:
  ///   - inputs: names; `name?` may be absent, `name...` may come any number of times, `name...?` also not at all. Behind a colon stand the
  ///     element types: a variable of `types`, as in `A: T`, or a list such as `K: int64` or `axes?: int32|int64`, whose parts may be the
  ///     named sets of `ElementTypes` too.
  ///   - outputs: the same.
  ///   - types: the element types of each variable. All operands of a variable have one element type in a node.
  ///   - mixing: the variables whose operands may mix float32, float16 and bfloat16.
  public init(
    _ name: String, domain: String = "", since: Int64, inputs: [String], outputs: [String], types: KeyValuePairs<String, ElementTypes> = [:],
    mixing: [String] = []
  ) {
    let variables = types.map(\.key)
    func operand(_ text: String) -> Operand {
      let parts = text.split(separator: ":")
      var name = String(parts.first ?? "")
      let isOptional = name.hasSuffix("?")
      if isOptional { name.removeLast() }
      let isVariadic = name.hasSuffix("...")
      if isVariadic { name.removeLast(3) }
      let constraint = parts.count > 1 ? parts[1].filter { $0 != " " } : ""
      let variable = variables.firstIndex(of: constraint)
      // A name that means nothing admits nothing, which the tests of the catalog see.
      let listed = constraint.split(separator: "|").map { ElementTypes(name: $0) }
      let admitted = variable.map { types[$0].value } ?? (listed.contains(nil) ? [] : listed.reduce(into: []) { $0.formUnion($1 ?? []) })
      return Operand(
        name: name, isOptional: isOptional, isVariadic: isVariadic, types: constraint.isEmpty ? .all : admitted,
        isConstrained: !constraint.isEmpty, variable: variable)
    }
    self.domain = domain
    self.name = name
    self.since = since
    self.variables = variables
    self.mixing = variables.enumerated().reduce(0) { mixing.contains($1.element) ? $0 | 1 << UInt32($1.offset) : $0 }
    self.inputs = inputs.map(operand)
    self.outputs = outputs.map(operand)
  }

  /// How many outputs a node has at least, named or not: those that the operator computes in any case.
  public var leastOutputs: Int { (outputs.lastIndex { !$0.isOptional && !$0.isVariadic } ?? -1) + 1 }

  /// `Name`, or `domain::Name` outside ai.onnx.
  public var qualifiedName: String { domain.isEmpty ? name : "\(domain)::\(name)" }

  /// The name of the input at `index`, also past the start of a variadic one.
  public func inputName(_ index: Int) -> String {
    if index < inputs.count { return inputs[index].name }
    return inputs.last?.name ?? "input \(index)"
  }
}
