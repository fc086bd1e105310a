import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A tensor of the given shape whose elements are all the same.
package struct ConstantOfShape: CPUExecutable {
  package static let schema = Schema(
    "ConstantOfShape", since: 25, inputs: ["input: indices"], outputs: ["output: U"], types: ["U": [.numbers, .narrowFloats, .narrowIntegers, .bool]])
  let value: Tensor

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    if let given = try attributes.optionalTensor("value") { value = given } else { value = try Tensor(scalar: Float(0)) }
    guard value.count == 1 else { throw .invalidModel("attribute 'value' is \(value.type), expected one element") }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    var dims: [Int] = []
    for extent in try context.integers(0) { dims.append(try extent.converted()) }
    return [TensorType(value.element, try Shape(dims))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let shape = context[0]
    if let dims = shape.extents {
      let count = dims.isEmpty ? 1 : dims.count == 1 ? dims[0] ?? -1 : -1
      let number = (0...Fact.valueLimit).contains(count) ? Fact(constant: value).values?.first : nil
      return [Fact(element: value.element, dims: dims, values: number.map { [Int64?](repeating: $0, count: count) })]
    }
    guard let rank = shape.known(0), rank <= Fact.valueLimit else { return [Fact(element: value.element)] }
    return [Fact(value.element, [Int?](repeating: nil, count: rank))]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let width = value.element.byteWidth
    return .ranges(try context.outputType(0).count, grain: 1 << 16) { [value] frame, range in
      pk_fill(frame.rawOutput(0) + range.lowerBound &* width, value.data, width, range.count)
    }
  }
}
