import PinionGraph

/// Every operator of this build, one line each.
public struct OperatorCatalog: OperatorResolver {
  public static let all: [any Operator.Type] = [
    // ai.onnx
    Conv.self,
    ConvTranspose.self,
    Gemm.self,
    If.self,
    LeakyRelu.self,
    MatMul.self,
    NonZero.self,
    Relu.self,
    Reshape.self,
    ShapeOperator.self,
    // ai.onnx.ml
    // com.microsoft
    MicrosoftFusedConv.self,
    // pinion
    FusedConv.self,
  ]

  private static let byName: [String: any Operator.Type] = Dictionary(
    all.map { ($0.schema.qualifiedName, $0) }, uniquingKeysWith: { first, _ in first })

  public init() {}

  public func operatorType(domain: String, name: String) -> (any Operator.Type)? {
    OperatorCatalog.byName[domain.isEmpty ? name : "\(domain)::\(name)"]
  }
}
