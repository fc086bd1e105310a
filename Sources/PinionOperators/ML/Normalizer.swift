import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor


/// Divides each row by its largest element, by the sum of its magnitudes, or by its length; a row of zeros stays.
package struct Normalizer: CPUExecutable {
  package static let schema = Schema("Normalizer", domain: "ai.onnx.ml", since: 1, inputs: ["X: indices|float32|float64"], outputs: ["Y: float32"])

  enum Norm: String, CaseIterable {
    case max = "MAX"
    case sum = "L1"
    case length = "L2"
  }

  let norm: Norm

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    norm = try attributes.choice("norm", default: .max)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    _ = try FeatureRows(type)
    return [TensorType(.float32, type.shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [context.like(0, element: .float32)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let columns = try FeatureRows(try context.type(0)).columns
    let norm = norm
    return try rowKernel(context, columns: columns...columns, scoreCount: 0, cost: columns) { frame, x, _, row in
      let y = frame.output(0, as: Float.self) + row &* columns
      let divisor = Normalizer.divisor(x, columns, norm)
      for index in 0..<columns { y[index] = divisor == 0 ? x[index] : Float(Double(x[index]) / divisor) }
    }
  }

  private static func divisor(_ x: UnsafePointer<Float>, _ count: Int, _ norm: Norm) -> Double {
    var result = norm == .max && count > 0 ? Double(x[0]) : 0
    switch norm {
    case .max: for index in 0..<count { result = Swift.max(result, Double(x[index])) }
    case .sum: for index in 0..<count { result += Double(abs(x[index])) }
    case .length:
      for index in 0..<count { result += Double(x[index]) * Double(x[index]) }
      result = result.squareRoot()
    }
    return result
  }
}
