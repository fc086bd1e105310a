import PinionGraph

/// Every operator of this build, one line each.
public struct OperatorCatalog: OperatorResolver {
  public static let all: [any Operator.Type] = [
    // ai.onnx
    ArgMax.self,
    ArgMin.self,
    BatchNormalization.self,
    GroupNormalization.self,
    GRU.self,
    Hardmax.self,
    If.self,
    InstanceNormalization.self,
    LayerNormalization.self,
    LeakyRelu.self,
    LogSoftmax.self,
    LpNormalization.self,
    LRN.self,
    LSTM.self,
    MeanVarianceNormalization.self,
    NonZero.self,
    ReduceL1.self,
    ReduceL2.self,
    ReduceLogSum.self,
    ReduceLogSumExp.self,
    ReduceMax.self,
    ReduceMean.self,
    ReduceMin.self,
    ReduceProd.self,
    ReduceSum.self,
    ReduceSumSquare.self,
    Relu.self,
    Reshape.self,
    RMSNormalization.self,
    RNN.self,
    ShapeOperator.self,
    SimplifiedLayerNormalization.self,
    Softmax.self,
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
