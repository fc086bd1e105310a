import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Each element at the place that its index names, zeros elsewhere: what MaxPool left of its input.
package struct MaxUnpool: CPUExecutable {
  package static let schema = Schema(
    "MaxUnpool", since: 22, inputs: ["X: T1", "I: int64", "output_shape?: indices"], outputs: ["output: T1"], types: ["T1": .numbers])
  let kernel: [Int64]
  let strides: [Int64]
  let pads: [Int64]

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    kernel = try attributes.ints("kernel_shape")
    strides = try attributes.ints("strides", default: [Int64](repeating: 1, count: kernel.count))
    pads = try attributes.ints("pads", default: [Int64](repeating: 0, count: 2 * kernel.count))
    guard strides.count == kernel.count, pads.count == 2 * kernel.count else {
      throw .invalidModel("\(strides.count) strides and \(pads.count) pads for a kernel of \(kernel.count) axes")
    }
  }

  /// The shape that the indices refer to.
  private func pooledShape(_ type: TensorType) throws(PinionError) -> Shape {
    guard type.rank == kernel.count &+ 2 else { throw .invalidShape("\(type) does not fit a kernel of \(kernel.count) axes") }
    var dims = Array(type.dims[..<2])
    for axis in kernel.indices {
      let steps = try Int64(type.dims[axis &+ 2]).subtracting(1).multiplied(by: strides[axis])
      let pads = try pads[axis].adding(pads[axis &+ kernel.count])
      dims.append(try steps.subtracting(pads).adding(kernel[axis]).converted())
    }
    return try Shape(dims)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rankAtLeast: 3), indices = try context.type(1)
    guard indices.shape == type.shape else {
      throw .invalidShape("I is \(indices), expected shape \(type.shape)")
    }
    let pooled = try pooledShape(type)
    guard let given = try context.optionalIntegers(2) else { return [TensorType(type.element, pooled)] }
    var dims: [Int] = []
    for extent in given { dims.append(try extent.converted()) }
    let shape = try Shape(dims)
    guard dims.count == pooled.rank, zip(dims, pooled.dims).allSatisfy({ $0 >= $1 }) else {
      throw .invalidShape("output_shape is \(shape), expected at least \(pooled)")
    }
    return [TensorType(type.element, shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let x = context[0]
    if context.has(2) { return [Fact(x.element, context[2].extents ?? x.openDims)] }
    let extents = kernel.indices.map { axis -> Int? in
      let numbers = [kernel[axis], strides[axis], pads[axis], pads[axis &+ kernel.count]]
      guard numbers.allSatisfy({ $0.magnitude < 1 << 31 }), strides[axis] > 0 else { return nil }
      let more = kernel[axis] &- strides[axis] &- pads[axis] &- pads[axis &+ kernel.count]
      return context.symbols.extent(context.symbols.product(of: [x.extent(axis + 2), Int(strides[axis])]), plus: Int(more))
    }
    return [Fact(x.element, [x.extent(0), x.extent(1)] + extents)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0), output = try context.outputType(0)
    let pooled = try pooledShape(type)
    let width = type.element.byteWidth
    let pooledDims = pooled.dims, strides = output.shape.strides
    let isWhole = pooled == output.shape
    let clear = Kernel.Stage.ranges(output.byteCount, grain: 1 << 20) { frame, range in
      (frame.rawOutput(0) + range.lowerBound).initializeMemory(as: UInt8.self, repeating: 0, count: range.count)
    }
    // One task, so that of elements with the same index the last one stays.
    let place = Kernel.Stage(tasks: 1) { (frame, _) throws(PinionError) in
      let indices = frame.input(1, as: Int64.self)
      if isWhole, [1, 2, 4, 8].contains(width) {
        var start = 0
        while start < type.count {
          try frame.control.check()
          let count = min(type.count &- start, 1 << 16)
          let placed = pk_place_elements(frame.rawInput(0) + start &* width, indices + start, count, width, frame.rawOutput(0), pooled.count)
          if placed < count { _ = try indices[start &+ placed].position(in: pooled.count) }
          start &+= count
        }
        return
      }
      for element in 0..<type.count {
        if element & 0xffff == 0xffff { try frame.control.check() }
        var position = try indices[element].position(in: pooled.count)
        if !isWhole {
          var rest = position, axis = pooledDims.count &- 1
          position = 0
          while axis >= 0 {
            position &+= rest % pooledDims[axis] &* strides[axis]
            rest /= pooledDims[axis]
            axis &-= 1
          }
        }
        copyRun(frame.rawOutput(0) + position &* width, frame.rawInput(0) + element &* width, width)
      }
    }
    return Kernel(stages: [clear, place])
  }
}
