import PinionGraph

/// Every operator of this build, one line each.
public struct OperatorCatalog: OperatorResolver {
  public static let all: [any Operator.Type] = [
    // ai.onnx
    Compress.self,
    Concat.self,
    ConstantOfShape.self,
    DepthToSpace.self,
    Expand.self,
    Flatten.self,
    Gather.self,
    GatherElements.self,
    GatherND.self,
    Identity.self,
    If.self,
    LeakyRelu.self,
    NonMaxSuppression.self,
    NonZero.self,
    OneHot.self,
    Pad.self,
    Relu.self,
    Reshape.self,
    ReverseSequence.self,
    Scatter.self,
    ScatterElements.self,
    ScatterND.self,
    ShapeOperator.self,
    Size.self,
    Slice.self,
    SpaceToDepth.self,
    Split.self,
    Squeeze.self,
    TensorScatter.self,
    Tile.self,
    TopK.self,
    Transpose.self,
    Trilu.self,
    Unique.self,
    Unsqueeze.self,
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
