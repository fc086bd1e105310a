import PinionBase
import PinionTensor
import Synchronization

/// Name and operands of an operator, as ONNX declares them in its newest version.
///
/// A process has some hundreds of schemas as soon as it looks an operator up by its name, and most models use a few dozen: operands are
/// read from their declarations when somebody asks for them first.
public struct Schema: Sendable {
  private let declaration: Declaration

  /// Empty for ai.onnx.
  public var domain: String { declaration.domain }
  public var name: String { declaration.name }
  /// The opset in which the newest form appeared.
  public var since: Int64 { declaration.since }
  public var inputs: [Operand] { declaration.operands.inputs }
  public var outputs: [Operand] { declaration.operands.outputs }

  /// The names of the type variables; an operand has the place of its own here.
  public var variables: [String] { declaration.types.map(\.key) }
  /// A bit for each variable whose operands may mix float32, float16 and bfloat16 in one node, since the kernel computes in float32.
  var mixing: UInt32 { declaration.operands.mixing }

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
    declaration = Declaration(name, domain, since, inputs, outputs, types.map { ($0, $1) }, mixing)
  }

  /// How many outputs a node has at least, named or not: those that the operator computes in any case.
  public var leastOutputs: Int { declaration.operands.leastOutputs }

  /// `Name`, or `domain::Name` outside ai.onnx.
  public var qualifiedName: String { domain.isEmpty ? name : "\(domain)::\(name)" }

  /// The name of the input at `index`, also past the start of a variadic one.
  public func inputName(_ index: Int) -> String {
    if index < inputs.count { return inputs[index].name }
    return inputs.last?.name ?? "input \(index)"
  }
}

/// What a schema was made of, and its operands once they have been read.
private final class Declaration: Sendable {
  let domain: String
  let name: String
  let since: Int64
  let inputs: [String]
  let outputs: [String]
  let types: [(key: String, value: ElementTypes)]
  let mixing: [String]
  /// What `operands` has made, held once; 0 before. (AtomicLazyReference is generic code, which is called for every node several times.)
  private let read = Atomic<UInt>(0)

  init(
    _ name: String, _ domain: String, _ since: Int64, _ inputs: [String], _ outputs: [String], _ types: [(String, ElementTypes)],
    _ mixing: [String]
  ) {
    self.name = name
    self.domain = domain
    self.since = since
    self.inputs = inputs
    self.outputs = outputs
    self.types = types
    self.mixing = mixing
  }

  deinit {
    if let made = Declaration.operands(at: read.load(ordering: .relaxed)) { made.release() }
  }

  @inline(__always) var operands: Operands {
    Declaration.operands(at: read.load(ordering: .acquiring))?.takeUnretainedValue() ?? readOperands()
  }

  @inline(never) private func readOperands() -> Operands {
    let made = Operands(self), kept = Unmanaged.passRetained(made)
    let (isFirst, address) = read.compareExchange(
      expected: 0, desired: UInt(bitPattern: kept.toOpaque()), ordering: .acquiringAndReleasing)
    if isFirst { return made }
    kept.release()
    return Declaration.operands(at: address)?.takeUnretainedValue() ?? made
  }

  @inline(__always) private static func operands(at address: UInt) -> Unmanaged<Operands>? {
    UnsafeRawPointer(bitPattern: address).map { Unmanaged<Operands>.fromOpaque($0) }
  }
}

private final class Operands: Sendable {
  let inputs: [Schema.Operand]
  let outputs: [Schema.Operand]
  let mixing: UInt32
  let leastOutputs: Int

  init(_ declaration: Declaration) {
    inputs = declaration.inputs.map { Operands.operand($0, declaration) }
    outputs = declaration.outputs.map { Operands.operand($0, declaration) }
    mixing = declaration.types.enumerated().reduce(0) { declaration.mixing.contains($1.element.key) ? $0 | 1 << UInt32($1.offset) : $0 }
    leastOutputs = (outputs.lastIndex { !$0.isOptional && !$0.isVariadic } ?? -1) + 1
  }

  private static func operand(_ text: String, _ declaration: Declaration) -> Schema.Operand {
    let parts = text.split(separator: ":")
    var name = String(parts.first ?? "")
    let isOptional = name.hasSuffix("?")
    if isOptional { name.removeLast() }
    let isVariadic = name.hasSuffix("...")
    if isVariadic { name.removeLast(3) }
    let constraint = parts.count > 1 ? parts[1].filter { $0 != " " } : ""
    let variable = declaration.types.firstIndex { $0.key == constraint }
    // A name that means nothing admits nothing, which the tests of the catalog see.
    let listed = constraint.split(separator: "|").map { ElementTypes(name: $0) }
    let admitted =
      variable.map { declaration.types[$0].value } ?? (listed.contains(nil) ? [] : listed.reduce(into: []) { $0.formUnion($1 ?? []) })
    return Schema.Operand(
      name: name, isOptional: isOptional, isVariadic: isVariadic, types: constraint.isEmpty ? .all : admitted,
      isConstrained: !constraint.isEmpty, variable: variable)
  }
}
