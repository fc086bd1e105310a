import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Replaces the elements that have a given value (NaN included) by one number, or by one for each position of the last axis.
package struct Imputer: CPUExecutable, LikeFirstInput {
  package static let schema = Schema(
    "Imputer", domain: "ai.onnx.ml", since: 1, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": [.indices, .float32, .float64]])
  let floats: [Float]
  let integers: [Int64]
  let replacedFloat: Float
  let replacedInteger: Int64

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    floats = try attributes.floats("imputed_value_floats", default: [])
    integers = try attributes.ints("imputed_value_int64s", default: [])
    replacedFloat = try attributes.float("replaced_value_float", default: 0)
    replacedInteger = try attributes.int("replaced_value_int64", default: 0)
    guard floats.isEmpty != integers.isEmpty else {
      throw .invalidModel("expected either 'imputed_value_floats' or 'imputed_value_int64s'")
    }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rankAtLeast: 1)
    let count = type.element.isFloatingPoint ? floats.count : integers.count
    guard count == 1 || count == type.dims[type.rank - 1] else {
      throw .invalidShape("\(count) imputed values of the input's kind, input 'X' is \(type)")
    }
    return [type]
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .float32: return try kernel(context, floats, replacedFloat)
    case .float64: return try kernel(context, floats.map(Double.init), Double(replacedFloat))
    case .int64: return try kernel(context, integers, replacedInteger)
    case .int32:
      var narrow: [Int32] = []
      for value in integers { narrow.append(try value.converted()) }
      // What no element can be is replaced nowhere: zeros become zeros.
      guard let replaced = Int32(exactly: replacedInteger) else { return try kernel(context, [0], 0) }
      return try kernel(context, narrow, replaced)
    default: throw context.unsupportedTypes()
    }
  }

  /// - Parameter replaced: the element that is replaced; one that is not equal to itself stands for all such.
  private func kernel<T: Element & Equatable>(_ context: KernelContext, _ values: [T], _ replaced: T) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let columns = type.dims[type.rank - 1]
    let isAnyNaN = replaced != replaced
    return .ranges(type.count, grain: elementwiseGrain) { frame, range in
      let x = frame.input(0, as: T.self)
      let y = frame.output(0, as: T.self)
      values.withUnsafeBufferPointer { values in
        if values.count == 1 {
          let value = values[0]
          for index in range { y[index] = x[index] == replaced || (isAnyNaN && x[index] != x[index]) ? value : x[index] }
          return
        }
        var column = range.lowerBound % columns
        for index in range {
          y[index] = x[index] == replaced || (isAnyNaN && x[index] != x[index]) ? values[column] : x[index]
          column &+= 1
          if column == columns { column = 0 }
        }
      }
    }
  }
}
