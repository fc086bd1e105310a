import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Elements held between two bounds, each of which may be absent; where they cross, the upper one wins.
package struct Clip: CPUExecutable, LikeFirstInput {
  package static let schema = Schema("Clip", since: 13, inputs: ["input: T", "min?: T", "max?: T"], outputs: ["output: T"], types: ["T": .numbers])
  /// The bounds of nodes from before opset 11, where they were attributes.
  package let low: Float?
  package let high: Float?

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    low = try attributes.optionalFloat("min")
    high = try attributes.optionalFloat("max")
  }

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    if node.opset < 11 {
      node.attributes["consumed_inputs"] = nil
    } else if node.attributes["min"] != nil || node.attributes["max"] != nil {
      throw .invalidModel("the bounds are attributes, expected inputs from opset 11 on")
    }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    for index in 1...2 {
      guard let bound = context.optionalType(index) else { continue }
      guard bound.count == 1 else { throw .invalidShape("bound \(bound) has \(bound.count) elements, expected 1") }
    }
    return [try context.type(0)]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    guard let kernelType = type.element.kernelType, let clip = pk_unary_kernel(pk_isa_best(), PK_UNARY_CLIP, kernelType) else {
      throw context.unsupportedTypes()
    }
    let element = type.element, width = element.byteWidth
    let hasLow = context.has(1), hasHigh = context.has(2)
    var open = pk_params()
    (open.d.0, open.d.1) = (low.map(Double.init) ?? -.infinity, high.map(Double.init) ?? .infinity)
    (open.i.0, open.i.1) = element.integerBounds
    if element.isInteger {
      if let low { open.i.0 = max(open.i.0, Int64(clamping: low)) }
      if let high { open.i.1 = min(open.i.1, Int64(clamping: high)) }
    }
    let openBounds = open
    return .ranges(type.count, grain: elementwiseGrain) { frame, range in
      var bounds = openBounds
      if hasLow { (bounds.d.0, bounds.i.0) = scalar(frame.rawInput(1), element) }
      if hasHigh { (bounds.d.1, bounds.i.1) = scalar(frame.rawInput(2), element) }
      let offset = range.lowerBound &* width
      clip(frame.rawInput(0) + offset, frame.rawOutput(0) + offset, range.count, &bounds)
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}

/// A number in memory, as `pk_params` has it.
private func scalar(_ pointer: UnsafeRawPointer, _ element: ElementType) -> (Double, Int64) {
  switch element {
  case .float32: (Double(pointer.load(as: Float.self)), 0)
  case .float64: (pointer.load(as: Double.self), 0)
  case .float16: (Double(pointer.load(as: Float16.self)), 0)
  case .bfloat16: (Double(pointer.load(as: BFloat16.self).float), 0)
  case .int8: (0, Int64(pointer.load(as: Int8.self)))
  case .uint8: (0, Int64(pointer.load(as: UInt8.self)))
  case .int16: (0, Int64(pointer.load(as: Int16.self)))
  case .uint16: (0, Int64(pointer.load(as: UInt16.self)))
  case .int32: (0, Int64(pointer.load(as: Int32.self)))
  case .uint32: (0, Int64(pointer.load(as: UInt32.self)))
  case .int64, .uint64: (0, pointer.load(as: Int64.self))
  default: (0, 0)
  }
}

extension ElementType {
  /// The least and the greatest number of an integer type; of uint64 the bit patterns.
  fileprivate var integerBounds: (Int64, Int64) {
    switch self {
    case .int8: (-128, 127)
    case .uint8: (0, 255)
    case .int16: (-32_768, 32_767)
    case .uint16: (0, 65_535)
    case .int32: (Int64(Int32.min), Int64(Int32.max))
    case .uint32: (0, Int64(UInt32.max))
    case .int64: (.min, .max)
    case .uint64: (0, -1)
    default: (0, 0)
    }
  }
}

extension Int64 {
  /// The integer part of a number, held within the type's bounds.
  fileprivate init(clamping value: Float) {
    if value >= 0x1p63 { self = .max } else if value > -0x1p63 { self = Int64(saturating: value) } else { self = .min }
  }
}
