import PinionGraph

/// Every operator of this build, one line each.
public struct OperatorCatalog: OperatorResolver {
  public static let all: [any Operator.Type] = [
    // ai.onnx
    AveragePool.self,
    Conv.self,
    ConvTranspose.self,
    Gemm.self,
    GlobalAveragePool.self,
    GlobalLpPool.self,
    GlobalMaxPool.self,
    If.self,
    LeakyRelu.self,
    LpPool.self,
    MatMul.self,
    MaxPool.self,
    NonZero.self,
    Relu.self,
    Reshape.self,
    ShapeOperator.self,
    // ai.onnx.ml
    // com.microsoft
    MicrosoftFusedConv.self,
    MicrosoftFusedGemm.self,
    MicrosoftFusedMatMul.self,
    // pinion
    FusedConv.self,
    FusedGemm.self,
    FusedMatMul.self,
  ]

  private static let byName: [String: any Operator.Type] = Dictionary(
    all.map { ($0.schema.qualifiedName, $0) }, uniquingKeysWith: { first, _ in first })

  public init() {}

  public func operatorType(domain: String, name: String) -> (any Operator.Type)? {
    OperatorCatalog.byName[domain.isEmpty ? name : "\(domain)::\(name)"]
  }
}
