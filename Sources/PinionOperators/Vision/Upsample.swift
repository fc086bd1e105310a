import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The name of Resize before opset 10.
package struct Upsample: CPUExecutable {
  package static let schema = Schema("Upsample", since: 10, inputs: ["X: T", "scales?: floats"], outputs: ["Y: T"], types: ["T": .all])

  package init(_ attributes: inout AttributeReader) throws(PinionError) { throw .internal("Upsample is to be read as Resize") }

  /// The scales were two attributes, then one, then an input.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    func number(_ name: String) throws(PinionError) -> Float {
      guard case .float(let value)? = node.attributes.removeValue(forKey: name) else {
        throw .invalidModel("attribute '\(name)' is missing or no FLOAT")
      }
      return value
    }
    if node.has(input: 1) {
      node.setInput(2, node.inputs[1])
    } else if case .floats(let scales)? = node.attributes.removeValue(forKey: "scales") {
      node.setInput(2, .constant(try Tensor(vector: scales)))
    } else {
      node.setInput(2, .constant(try Tensor(vector: [1, 1, try number("height_scale"), try number("width_scale")])))
    }
    node.setInput(1, .none)
    if node.attributes["mode"] == .string("bilinear") { node.attributes["mode"] = .string("linear") }
    node.attributes["coordinate_transformation_mode"] = .string(CoordinateTransformation.asymmetric.rawValue)
    node.attributes["nearest_mode"] = .string(NearestRounding.floorOrCeilBelowOne.rawValue)
    node.name = Resize.schema.name
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { throw context.unsupportedTypes() }
}
