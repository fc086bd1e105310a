import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Quantised tensors one after another along an axis, all brought to one scale and zero point.
///
/// Inputs are the scale and zero point of the result, then a tensor, its scale and its zero point for each part.
package struct QLinearConcat: CPUExecutable {
  package static let schema = Schema(
    "QLinearConcat", domain: "com.microsoft", since: 1, inputs: ["Y_scale: floats", "Y_zero_point: T8", "inputs...: bytes|float32"],
    outputs: ["Y: T8"], types: ["T8": .bytes])
  let axis: Int64

  package init(_ attributes: inout AttributeReader) throws(PinionError) { axis = try attributes.int("axis") }

  private func partCount(_ context: InferenceContext) throws(PinionError) -> Int {
    let parts = (context.inputs.count - 2) / 3
    guard parts > 0, context.inputs.count == 2 + parts * 3 else {
      throw .invalidModel("the node has \(context.inputs.count) inputs, expected two and three for each part")
    }
    return parts
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let parts = try partCount(context)
    let first = try context.type(2)
    let axis = try first.shape.normalized(axis: axis)
    var dims = first.dims
    dims[axis] = 0
    for part in 0..<parts {
      let slot = 2 + part * 3
      try context.requireBytes([slot])
      try context.requireSameElementType([1, slot, slot + 2])
      try context.requireSingle([0, 1, slot + 1, slot + 2])
      let type = try context.type(slot)
      var expected = type.dims
      guard type.rank == first.rank else { throw .invalidShape("parts \(first) and \(type) differ in rank") }
      expected[axis] = first.dims[axis]
      guard expected == first.dims else { throw .invalidShape("parts \(first) and \(type) differ besides axis \(axis)") }
      dims[axis] = try dims[axis].adding(type.dims[axis])
    }
    return [TensorType(first.element, try Shape(dims))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let parts = Array(stride(from: 2, to: context.inputs.count, by: 3))
    return [Fact(parts.lazy.compactMap { context[$0].element }.first, context.concatenated(parts, axis: axis))]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let parts = try partCount(context.inference)
    let output = try context.outputType(0)
    let axis = try output.shape.normalized(axis: axis)
    let outer = output.shape.count(0..<axis)
    let outputRun = output.shape.count(axis..<output.rank)
    let isSigned = output.element == .int8
    var preparation = Preparation(context)
    let yScale = try preparation.convert(0, to: .float32), yZero = try preparation.convert(1, to: .int32)
    var stages: [Kernel.Stage] = []
    var start = 0
    for part in 0..<parts {
      let slot = 2 + part * 3
      let type = try context.type(slot)
      let xScale = try preparation.convert(slot + 1, to: .float32), xZero = try preparation.convert(slot + 2, to: .int32)
      let table = try preparation.compute(bytes: 256) { frame, target in
        let codes = target.assumingMemoryBound(to: UInt8.self)
        let scale = xScale.pointer(frame, as: Float.self).pointee / yScale.pointer(frame, as: Float.self).pointee
        let x = Float(xZero.pointer(frame, as: Int32.self).pointee), y = Float(yZero.pointer(frame, as: Int32.self).pointee)
        for index in 0..<256 {
          let pattern = UInt8(truncatingIfNeeded: index)
          let number = isSigned ? Float(Int8(bitPattern: pattern)) : Float(pattern)
          let code = ((number - x) * scale).rounded(.toNearestOrEven) + y
          // No number (from a scale of 0 or NaN) is the lowest code, as it is for QuantizeLinear.
          guard !code.isNaN else {
            codes[index] = isSigned ? UInt8(bitPattern: .min) : 0
            continue
          }
          codes[index] = isSigned ? UInt8(bitPattern: Int8(saturating: code)) : UInt8(saturating: code)
        }
      }
      let run = type.shape.count(axis..<type.rank), offset = start
      stages.append(
        .ranges(run == 0 ? 0 : outer, grain: max(1, elementwiseGrain / max(run, 1))) { frame, rows in
          let codes: UnsafePointer<UInt8> = table.pointer(frame)
          for row in rows {
            let source = frame.input(slot, as: UInt8.self) + row &* run
            let target = frame.output(0, as: UInt8.self) + (row &* outputRun &+ offset)
            for index in 0..<run { target[index] = codes[Int(source[index])] }
          }
        })
      start &+= run
    }
    return preparation.kernel(stages)
  }
}
