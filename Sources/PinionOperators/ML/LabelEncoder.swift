import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Replaces each element by the value that a table has for it, or by a default.
///
/// The form of ai.onnx.ml 1, a list of strings for strings to positions or back, is kept beside the newest one, since only the
/// input's type tells its direction.
package struct LabelEncoder: CPUExecutable {
  package static let schema = Schema(
    "LabelEncoder", domain: "ai.onnx.ml", since: 4, inputs: ["X: U"], outputs: ["Y: U1"],
    types: ["U": [.indices, .float32, .float64, .int16, .string], "U1": [.indices, .float32, .float64, .int16, .string]])
  /// One table, or one for strings and one for int64.
  let tables: [LabelTable]

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    let missingInteger = try attributes.int("default_int64", default: -1)
    let missingText = try attributes.string("default_string", default: "_Unused")
    let missingFloat = try attributes.float("default_float", default: -0.0)
    let missingTensor = try attributes.optionalTensor("default_tensor")
    if let classes = try attributes.optionalStrings("classes_strings") {
      let texts = try Tensor(strings: classes, .vector(classes.count))
      let numbers = try Tensor(vector: (0..<Int64(classes.count)).map { $0 })
      tables = [
        try LabelTable(keys: texts, values: numbers, missing: try Tensor(scalar: missingInteger), attributes.control),
        try LabelTable(keys: numbers, values: texts, missing: try Tensor(strings: [missingText], .scalar), attributes.control),
      ]
      return
    }
    guard let keys = try LabelEncoder.list(&attributes, "keys"), let values = try LabelEncoder.list(&attributes, "values") else {
      throw .invalidModel("expected one attribute 'keys_...' and one 'values_...'")
    }
    let missing: Tensor
    if let missingTensor {
      missing = missingTensor
    } else {
      switch values.element {
      case .string: missing = try Tensor(strings: [missingText], .scalar)
      case .int64: missing = try Tensor(scalar: missingInteger)
      case .int32: missing = try Tensor(scalar: Int32(truncatingIfNeeded: missingInteger))
      case .int16: missing = try Tensor(scalar: Int16(truncatingIfNeeded: missingInteger))
      case .float32: missing = try Tensor(scalar: missingFloat)
      case .float64: missing = try Tensor(scalar: Double(missingFloat))
      default: throw .invalidModel("values of type \(values.element) need a 'default_tensor'")
      }
    }
    tables = [try LabelTable(keys: keys, values: values, missing: missing, attributes.control)]
  }

  /// The attribute that is there of `<name>_strings`, `_int64s`, `_floats` and `_tensor`.
  private static func list(_ attributes: inout AttributeReader, _ name: String) throws(PinionError) -> Tensor? {
    var found: [Tensor] = []
    if let strings = try attributes.optionalStrings(name + "_strings") {
      found.append(try Tensor(strings: strings, .vector(strings.count)))
    }
    if let integers = try attributes.optionalInts(name + "_int64s") { found.append(try Tensor(vector: integers)) }
    if let floats = try attributes.optionalFloats(name + "_floats") { found.append(try Tensor(vector: floats)) }
    if let tensor = try attributes.optionalTensor(name + "_tensor") { found.append(tensor) }
    return found.count == 1 ? found[0] : nil
  }

  private func table(_ type: TensorType) throws(PinionError) -> LabelTable {
    guard let table = tables.first(where: { $0.keys.element == type.element }) else {
      throw .invalidShape(
        "input 'X' is \(type), expected " + tables.map(\.keys.element.description).joined(separator: " or ") + " like the keys")
    }
    return table
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    return [TensorType(try table(type).values.element, type.shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let table = tables.first { $0.keys.element == context[0].element }
    return [Fact(table?.values.element, context[0].dims)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try table(try context.type(0)).kernel(context)
  }
}
