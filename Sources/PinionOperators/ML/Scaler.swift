import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// (x - offset) * scale, with one offset and scale for all elements or for each position of the last axis.
package struct Scaler: CPUExecutable {
  package static let schema = Schema("Scaler", domain: "ai.onnx.ml", since: 1, inputs: ["X: indices|float32|float64"], outputs: ["Y: float32"])
  let offset: [Float]
  let scale: [Float]

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    offset = try attributes.floats("offset", default: [])
    scale = try attributes.floats("scale", default: [])
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rankAtLeast: 1)
    for (name, list) in [("offset", offset), ("scale", scale)] where list.count > 1 && list.count != type.dims[type.rank - 1] {
      throw .invalidShape("attribute '\(name)' has \(list.count) entries, input 'X' is \(type)")
    }
    return [TensorType(.float32, type.shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [context.like(0, element: .float32)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let columns = type.dims[type.rank - 1]
    // One number for all columns, or one for each.
    func numbers(_ list: [Float], default neutral: Float) throws(PinionError) -> (Buffer, step: Int) {
      (try Allocator.system.buffer(floats: list.isEmpty ? [neutral] : list), list.count > 1 ? 1 : 0)
    }
    let (offset, offsetStep) = try numbers(offset, default: 0)
    let (scale, scaleStep) = try numbers(scale, default: 1)
    let rows = columns == 0 ? 0 : type.count / columns
    let read = try FeatureRows(TensorType(type.element, try Shape([rows, columns]))).reader(as: .float32)
    let rowBytes = type.element == .float32 ? 0 : try columns.multiplied(by: MemoryLayout<Float>.stride)
    return .ranges(rows, grain: max(1, elementwiseGrain / max(columns, 1)), laneScratchBytes: rowBytes) { frame, range in
      let offsets = offset.pointer.assumingMemoryBound(to: Float.self)
      let scales = scale.pointer.assumingMemoryBound(to: Float.self)
      for row in range {
        let x = read(frame.rawInput(0), row..<row &+ 1, frame.laneScratch).assumingMemoryBound(to: Float.self)
        let y = frame.output(0, as: Float.self) + row &* columns
        for index in 0..<columns { y[index] = (x[index] - offsets[index &* offsetStep]) * scales[index &* scaleStep] }
      }
    }
  }
}
