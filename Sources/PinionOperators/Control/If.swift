import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Runs one of two subgraphs.
public struct If: SubgraphTyping {
  public static let schema = Schema("If", since: 25, inputs: ["cond"], outputs: ["outputs..."])
  let thenBranch: Int
  let elseBranch: Int

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    thenBranch = try attributes.subgraph("then_branch")
    elseBranch = try attributes.subgraph("else_branch")
  }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    guard let condition = try inputs.first??.asTensor() else { throw .invalidModel("input 'cond' is missing") }
    guard condition.element == .bool, condition.count == 1 else {
      throw .invalidShape("input 'cond' is \(condition.type), expected one bool")
    }
    let isTrue = condition.data.load(as: UInt8.self) != 0
    return try context.run(subgraph: isTrue ? thenBranch : elseBranch, inputs: [])
  }

  public func outputTypes(inputs: [ValueType?], subgraph: (_ index: Int, _ inputs: [ValueType?]) -> [ValueType?]) -> [ValueType?] {
    zip(subgraph(thenBranch, []), subgraph(elseBranch, [])).map { $0 == $1 ? $0 : nil }
  }
}
