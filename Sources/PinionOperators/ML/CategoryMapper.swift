import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Maps strings to the integers that stand for them, or integers to strings.
package struct CategoryMapper: CPUExecutable {
  package static let schema = Schema("CategoryMapper", domain: "ai.onnx.ml", since: 1, inputs: ["X: int64|string"], outputs: ["Y: int64|string"])
  let toIntegers: LabelTable
  let toStrings: LabelTable

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    let integers = try Tensor(vector: try attributes.ints("cats_int64s"))
    let names = try attributes.strings("cats_strings")
    let strings = try Tensor(strings: names, .vector(names.count))
    toIntegers = try LabelTable(
      keys: strings, values: integers, missing: try Tensor(scalar: try attributes.int("default_int64", default: -1)), attributes.control)
    toStrings = try LabelTable(
      keys: integers, values: strings,
      missing: try Tensor(strings: [try attributes.string("default_string", default: "_Unused")], .scalar), attributes.control)
  }

  private func table(_ type: TensorType) throws(PinionError) -> LabelTable {
    switch type.element {
    case .string: toIntegers
    case .int64: toStrings
    default: throw .invalidShape("input 'X' is \(type), expected string or int64")
    }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    return [TensorType(try table(type).values.element, type.shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    switch context[0].element {
    case .string: [context.like(0, element: .int64)]
    case .int64: [context.like(0, element: .string)]
    default: [Fact(nil, context[0].dims)]
    }
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try table(try context.type(0)).kernel(context)
  }
}
