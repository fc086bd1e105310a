import PinionGraph

/// Every operator of this build, one line each.
public struct OperatorCatalog: OperatorResolver {
  public static let all: [any Operator.Type] = [
    // ai.onnx
    AveragePool.self,
    Conv.self,
    ConvTranspose.self,
    Abs.self,
    Acos.self,
    Acosh.self,
    Add.self,
    And.self,
    Asin.self,
    Asinh.self,
    Atan.self,
    Atanh.self,
    BitwiseAnd.self,
    BitwiseNot.self,
    BitwiseOr.self,
    BitwiseXor.self,
    Ceil.self,
    Celu.self,
    Cos.self,
    Cosh.self,
    Div.self,
    Elu.self,
    Erf.self,
    Exp.self,
    Floor.self,
    Greater.self,
    GreaterOrEqual.self,
    HardSigmoid.self,
    HardSwish.self,
    If.self,
    LeakyRelu.self,
    Less.self,
    LessOrEqual.self,
    Log.self,
    Mish.self,
    Mul.self,
    Neg.self,
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
    Not.self,
    Or.self,
    Reciprocal.self,
    Relu.self,
    Reshape.self,
    Round.self,
    Selu.self,
    ShapeOperator.self,
    Sigmoid.self,
    Sign.self,
    Sin.self,
    Sinh.self,
    Softplus.self,
    Softsign.self,
    Sqrt.self,
    Sub.self,
    Swish.self,
    Tan.self,
    Tanh.self,
    ThresholdedRelu.self,
    Xor.self,
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
