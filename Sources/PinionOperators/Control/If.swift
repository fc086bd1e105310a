import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Runs one of two subgraphs.
package struct If: SubgraphTyping, CourseTelling {
  package static let schema = Schema("If", since: 25, inputs: ["cond: bool"], outputs: ["outputs...: all"])
  package let thenBranch: Int
  package let elseBranch: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    thenBranch = try attributes.subgraph("then_branch")
    elseBranch = try attributes.subgraph("else_branch")
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    try context.run(subgraph: branch(try inputs.first??.asTensor()), inputs: [])
  }

  package var decidingInputs: [Int] { [0] }

  package func course(_ values: [Tensor?]) throws(PinionError) -> Course { .branch(try branch(values.first ?? nil)) }

  private func branch(_ condition: Tensor?) throws(PinionError) -> Int {
    guard let condition else { throw .invalidModel("input 'cond' is missing") }
    guard condition.element == .bool, condition.count == 1 else {
      throw .invalidShape("input 'cond' is \(condition.type), expected one bool")
    }
    return condition.data.load(as: UInt8.self) != 0 ? thenBranch : elseBranch
  }

  package func outputTypes(inputs: [ValueType?], subgraph: (_ index: Int, _ inputs: [ValueType?]) -> [ValueType?]) -> [ValueType?] {
    zip(subgraph(thenBranch, []), subgraph(elseBranch, [])).map { a, b in a.flatMap { a in b.flatMap { a.common(with: $0) } } }
  }
}
