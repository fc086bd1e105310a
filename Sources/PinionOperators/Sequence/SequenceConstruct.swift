import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// A sequence of the given values, all of one kind.
public struct SequenceConstruct: ValueTyping {
  public static let schema = Schema("SequenceConstruct", since: 11, inputs: ["inputs...: T"], outputs: ["output_sequence"], types: ["T": .all])
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    guard var element = inputs.first ?? nil else { return [nil] }
    for input in inputs.dropFirst() {
      guard let common = input?.common(with: element) else { return [nil] }
      element = common
    }
    return [.sequence(element)]
  }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let first = try required(inputs, 0, "inputs").typeAsElement()
    var elements: [Value] = []
    for (index, input) in inputs.enumerated() {
      guard let input else { throw .invalidModel("input \(index) is missing") }
      guard try input.typeAsElement().hasKind(of: first) else {
        throw .invalidShape("input \(index) is \(input.type), expected \(first) like input 0")
      }
      elements.append(try input.kept(context))
    }
    return [.sequence(elements, element: first)]
  }
}
