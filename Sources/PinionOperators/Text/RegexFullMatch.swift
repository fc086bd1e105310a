import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Whether each string matches a regular expression from its first character to its last.
package struct RegexFullMatch: EagerExecutable {
  package static let schema = Schema("RegexFullMatch", since: 20, inputs: ["X: string"], outputs: ["Y: bool"])
  let regex: Regex

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    regex = try Regex(try attributes.string("pattern", default: ""))
  }

  package func facts(_ context: FactContext) -> [Fact] { [context.like(0, element: .bool)] }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let (tensor, strings) = try requiredStrings(inputs, 0, "X")
    let output = try context.allocate(TensorType(.bool, tensor.shape))
    let flags = try output.mutableElements(as: Bool.self)
    var poll = Poll(context.control)
    for (index, string) in strings.enumerated() {
      let text = try ScalarText(string, context, &poll)
      flags[index] = try regex.matchesWhole(text.scalars, &poll)
    }
    return [.tensor(output)]
  }
}
