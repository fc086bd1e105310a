import PinionBase
import PinionGraph
import PinionTensor

/// The Blackman window of `size` points, over one period or, without `periodic`, symmetric.
public struct BlackmanWindow: WindowOperator {
  public static let schema = Schema("BlackmanWindow", since: 17, inputs: ["size: indices"], outputs: ["output: numbers"])
  static var coefficients: (Double, Double, Double) { (0.42, 0.5, 0.08) }
  let element: ElementType
  let isPeriodic: Bool

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.elementType("output_datatype", default: .float32)
    isPeriodic = try attributes.bool("periodic", default: true)
  }
}
