import PinionGraph

/// Every operator of this build, one line each.
public struct OperatorCatalog: OperatorResolver {
  public static let all: [any Operator.Type] = [
    // ai.onnx
    Abs.self,
    Acos.self,
    Acosh.self,
    Add.self,
    And.self,
    Asin.self,
    Asinh.self,
    Atan.self,
    Atanh.self,
    BitCast.self,
    BitShift.self,
    BitwiseAnd.self,
    BitwiseNot.self,
    BitwiseOr.self,
    BitwiseXor.self,
    Cast.self,
    CastLike.self,
    Ceil.self,
    Celu.self,
    Clip.self,
    Cos.self,
    Cosh.self,
    Div.self,
    Elu.self,
    Equal.self,
    Erf.self,
    Exp.self,
    Floor.self,
    Gelu.self,
    Greater.self,
    GreaterOrEqual.self,
    HardSigmoid.self,
    HardSwish.self,
    If.self,
    IsInf.self,
    IsNaN.self,
    LeakyRelu.self,
    Less.self,
    LessOrEqual.self,
    Log.self,
    Max.self,
    Mean.self,
    Min.self,
    Mish.self,
    Mod.self,
    Mul.self,
    Neg.self,
    Gemm.self,
    If.self,
    LeakyRelu.self,
    MatMul.self,
    NonZero.self,
    Not.self,
    Or.self,
    Pow.self,
    PRelu.self,
    Reciprocal.self,
    Relu.self,
    Reshape.self,
    Round.self,
    Selu.self,
    ShapeOperator.self,
    Shrink.self,
    Sigmoid.self,
    Sign.self,
    Sin.self,
    Sinh.self,
    Softplus.self,
    Softsign.self,
    Sqrt.self,
    Sub.self,
    Sum.self,
    Swish.self,
    Tan.self,
    Tanh.self,
    ThresholdedRelu.self,
    Where.self,
    Xor.self,
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
