import PinionBase
import PinionGraph
import PinionTensor

/// The Hamming window of `size` points, over one period or, without `periodic`, symmetric.
public struct HammingWindow: WindowOperator {
  public static let schema = Schema("HammingWindow", since: 17, inputs: ["size: indices"], outputs: ["output: numbers"])
  static var coefficients: (Double, Double, Double) { (25.0 / 46, 21.0 / 46, 0) }
  let element: ElementType
  let isPeriodic: Bool

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.elementType("output_datatype", default: .float32)
    isPeriodic = try attributes.bool("periodic", default: true)
  }
}
