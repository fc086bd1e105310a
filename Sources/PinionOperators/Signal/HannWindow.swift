import PinionBase
import PinionGraph
import PinionTensor

/// The Hann window of `size` points, over one period or, without `periodic`, symmetric.
public struct HannWindow: WindowOperator {
  public static let schema = Schema("HannWindow", since: 17, inputs: ["size: indices"], outputs: ["output: numbers"])
  static var coefficients: (Double, Double, Double) { (0.5, 0.5, 0) }
  let element: ElementType
  let isPeriodic: Bool

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.elementType("output_datatype", default: .float32)
    isPeriodic = try attributes.bool("periodic", default: true)
  }
}
