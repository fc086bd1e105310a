import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The elements at given positions of the last axis.
package struct ArrayFeatureExtractor: CPUExecutable {
  package static let schema = Schema(
    "ArrayFeatureExtractor", domain: "ai.onnx.ml", since: 1, inputs: ["X: T", "Y: int64"], outputs: ["Z: T"], types: ["T": .all])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rankAtLeast: 1)
    let positions = try context.type(1)
    let outer = type.rank == 1 ? [1] : Array(type.dims.dropLast())
    return [TensorType(type.element, try Shape(outer + [positions.count]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let x = context[0]
    return [Fact(x.element, x.dims.map { ($0.count == 1 ? [1] : Array($0.dropLast())) + [context[1].count(context.symbols)] })]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element.byteWidth {
    case 1: return try kernel(context, UInt8.self)
    case 2: return try kernel(context, UInt16.self)
    case 4: return try kernel(context, UInt32.self)
    case 8: return try kernel(context, UInt64.self)
    default: return try kernel(context, StringElement.self)
    }
  }

  private func kernel<T: BitwiseCopyable>(_ context: KernelContext, _: T.Type) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let columns = type.dims[type.rank - 1]
    let count = try context.type(1).count
    let rows = try Shape(Array(type.dims.dropLast())).count
    return .ranges(rows, grain: max(1, elementwiseGrain / max(count, 1))) { (frame, range) throws(PinionError) in
      let positions = frame.input(1, as: Int64.self)
      for index in 0..<count {
        let position = positions[index]
        guard position >= 0, position < Int64(columns) else {
          throw .invalidValue("position \(position) is out of range for an axis of extent \(columns)")
        }
        let x = frame.input(0, as: T.self) + Int(position)
        let z = frame.output(0, as: T.self) + index
        for row in range { z[row &* count] = x[row &* columns] }
      }
    }
  }
}
