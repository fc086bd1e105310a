import PinionGraph

/// Every operator of this build, one line each.
public struct OperatorCatalog: OperatorResolver {
  public static let all: [any Operator.Type] = [
    // ai.onnx
    ConcatFromSequence.self,
    If.self,
    LeakyRelu.self,
    Loop.self,
    NonZero.self,
    OptionalGetElement.self,
    OptionalHasElement.self,
    OptionalOperator.self,
    Relu.self,
    Reshape.self,
    Scan.self,
    SequenceAt.self,
    SequenceConstruct.self,
    SequenceEmpty.self,
    SequenceErase.self,
    SequenceInsert.self,
    SequenceLength.self,
    SequenceMap.self,
    ShapeOperator.self,
    SplitToSequence.self,
    // ai.onnx.ml
    // com.microsoft
  ]

  private static let byName: [String: any Operator.Type] = Dictionary(
    all.map { ($0.schema.qualifiedName, $0) }, uniquingKeysWith: { first, _ in first })

  public init() {}

  public func operatorType(domain: String, name: String) -> (any Operator.Type)? {
    OperatorCatalog.byName[domain.isEmpty ? name : "\(domain)::\(name)"]
  }
}
