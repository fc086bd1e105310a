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
    If.self,
    LeakyRelu.self,
    MatMul.self,
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
  ]

  private static let byName: [String: any Operator.Type] = Dictionary(
    all.map { ($0.schema.qualifiedName, $0) }, uniquingKeysWith: { first, _ in first })

  public init() {}

  public func operatorType(domain: String, name: String) -> (any Operator.Type)? {
    OperatorCatalog.byName[domain.isEmpty ? name : "\(domain)::\(name)"]
  }
}
