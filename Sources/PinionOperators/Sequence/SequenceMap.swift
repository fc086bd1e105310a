import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Applies its body to each element of a sequence, together with the elements at the same position of further sequences and with
/// tensors that are the same for all.
package struct SequenceMap: EagerExecutable {
  package static let schema = Schema("SequenceMap", since: 17, inputs: ["input_sequence", "additional_inputs...?: all"], outputs: ["out_sequence..."])
  let body: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    body = try attributes.subgraph("body")
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let length = try sequence(try required(inputs, 0, "input_sequence"), "input_sequence").elements.count
    for (index, input) in inputs.enumerated() {
      guard let input else { throw .invalidModel("input \(index) is missing") }
      guard case .sequence(let elements, _) = input, elements.count != length else { continue }
      throw .invalidShape("input \(index) is a sequence of \(elements.count), input 0 one of \(length)")
    }
    guard let subgraphs = context.subgraphs else { throw .internal("SequenceMap has no body") }
    var results = [[Value]](repeating: [], count: subgraphs.outputCount(subgraph: body))
    for position in 0..<length {
      try context.control.check()
      try context.control.takeSteps(1)
      let arguments = inputs.compactMap { input -> Value? in
        guard case .sequence(let elements, _)? = input else { return input }
        return elements[position]
      }
      let values = try context.run(subgraph: body, inputs: arguments)
      guard values.count == results.count else { throw .internal("the body gave \(values.count) outputs, expected \(results.count)") }
      for (index, value) in values.enumerated() {
        let type = try value.typeAsElement()
        if let first = try results[index].first?.typeAsElement(), !type.hasKind(of: first) {
          throw .invalidShape("output \(index) of the body is \(type) at position \(position), expected \(first) like before")
        }
        results[index].append(try value.kept(context))
      }
    }
    let declared = length > 0 ? [] : subgraphs.outputTypes(subgraph: body, inputs: inputs.compactMap { input in
      guard case .sequence(_, let element)? = input else { return input?.type }
      return element
    })
    var outputs: [Value] = []
    for (index, values) in results.enumerated() {
      let type = try values.first?.typeAsElement() ?? (index < declared.count ? declared[index] : nil)
      guard let type else {
        throw .invalidModel("the sequence is empty, and the body neither declares the type of output \(index) nor lets it be inferred")
      }
      _ = try ValueType.sequence(type).allowed()
      outputs.append(.sequence(values, element: type))
    }
    return outputs
  }
}
