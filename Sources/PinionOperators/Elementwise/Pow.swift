import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// X to the power of Y, elementwise with broadcasting; the result has the type of X.
package struct Pow: PairwiseOperator {
  package static let schema = Schema("Pow", since: 15, inputs: ["X: T", "Y: numbers"], outputs: ["Z: T"], types: ["T": .numbers])

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    [TensorType(try context.type(0).element, try .broadcast(try context.operandShapes()))]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(context[0].element, context.broadcast())] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let base = try context.type(0), exponent = try context.type(1).element
    if let kernel = try constantExponentKernel(base, context) { return kernel }
    let shapes = try context.inference.operandShapes()
    if base.element == exponent { return try binaryKernel(PK_BINARY_POW, shapes, context) }
    return try mixedKernel(base.element, exponent, shapes, context)
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: inputsLikeOutput([0], context))] }

  /// Exponents that have a cheaper formula; models use hardly any others.
  private func constantExponentKernel(_ base: TensorType, _ context: KernelContext) throws(PinionError) -> Kernel? {
    guard base.element.isFloatingPoint, let value = context.value(1), value.count == 1, base.count == context.outputs.first?.count
    else { return nil }
    var exponent = 0.0
    try withUnsafeMutablePointer(to: &exponent) { target throws(PinionError) in
      try ElementConversion(from: value.element, to: .float64)(value.data, target, 1)
    }
    switch exponent {
    case 2: return try unaryKernel(PK_UNARY_SQUARE, pk_params(), context)
    case -1: return try unaryKernel(PK_UNARY_RECIPROCAL, pk_params(), context)
    case 3 where base.element == .float32 || base.element == .float64: return try cubeKernel(base, context)
    default: return nil
    }
  }

  private func cubeKernel(_ base: TensorType, _ context: KernelContext) throws(PinionError) -> Kernel {
    guard let type = base.element.kernelType, let square = pk_unary_kernel(pk_isa_best(), PK_UNARY_SQUARE, type),
      let multiply = pk_binary_kernel(pk_isa_best(), PK_BINARY_MUL, type)
    else { throw context.unsupportedTypes() }
    let width = base.element.byteWidth
    let strip = 512
    return .ranges(base.count, grain: elementwiseGrain, laneScratchBytes: strip * width) { frame, range in
      var start = range.lowerBound
      while start < range.upperBound {
        let count = min(strip, range.upperBound &- start)
        let x = frame.rawInput(0) + start &* width
        square(x, frame.laneScratch, count, nil)
        multiply(frame.laneScratch, x, frame.rawOutput(0) + start &* width, count, 0)
        start &+= count
      }
    }
  }

  /// Bases and exponents of two types meet in one that holds both.
  private func mixedKernel(
    _ base: ElementType, _ exponent: ElementType, _ shapes: [Shape], _ context: KernelContext
  ) throws(PinionError) -> Kernel {
    let working: ElementType =
      if base.isInteger && exponent.isInteger {
        .int64
      } else if base == .float64 || exponent == .float64 || base.isInteger {
        .float64
      } else {
        .float32
      }
    guard let type = working.kernelType, let power = pk_binary_kernel(pk_isa_best(), PK_BINARY_POW, type) else {
      throw context.unsupportedTypes()
    }
    let widenBase = try ElementConversion(from: base, to: working)
    let widenExponent = try ElementConversion(from: exponent, to: working)
    let narrow = try ElementConversion(from: working, to: base)
    let broadcast = Broadcast(shapes, to: try context.outputType(0).shape)
    let flags = broadcast.scalarFlags
    let strip = 512
    let baseWidth = base.byteWidth, exponentWidth = exponent.byteWidth
    let baseStep = broadcast.walks[0] ? baseWidth : 0, exponentStep = broadcast.walks[1] ? exponentWidth : 0
    return .ranges(try context.outputType(0).count, grain: 4096, laneScratchBytes: 2 * strip * 8) { frame, range in
      let a = frame.laneScratch, b = frame.laneScratch + strip &* 8
      broadcast.forEachRun(in: range) { at, start, count in
        var done = 0
        while done < count {
          let length = min(strip, count &- done)
          widenBase(
            frame.rawInput(0) + at[0] &* baseWidth + done &* baseStep, a, baseStep == 0 ? 1 : length)
          widenExponent(
            frame.rawInput(1) + at[1] &* exponentWidth + done &* exponentStep, b, exponentStep == 0 ? 1 : length)
          // The result may lie over an operand that is as long.
          let result = baseStep == 0 ? (exponentStep == 0 ? a : b) : a
          power(a, b, result, length, flags)
          narrow(result, frame.rawOutput(0) + (start &+ done) &* baseWidth, length)
          done &+= length
        }
      }
    }
  }
}
