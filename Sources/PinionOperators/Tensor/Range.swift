import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The numbers `start`, `start + delta`, ... up to and without `limit`.
package struct RangeOperator: CPUExecutable {
  package static let schema = Schema(
    "Range", since: 27, inputs: ["start: T", "limit: T", "delta: T"], outputs: ["output: T"], types: ["T": [.floats, .indices, .int16]])
  package static var computesHalfInFloat32: Bool { true }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    // The half types are always computed in float32, the attribute's default and only float type without rounding steps.
    _ = try attributes.optionalElementType("stash_type")
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let start = try context.requiredValue(0), limit = try context.requiredValue(1), delta = try context.requiredValue(2)
    return [TensorType(start.element, try Shape([try count(start, limit, delta)]))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let element = context.element(of: 0..<3)
    guard let start = context[0].singleExtent, let limit = context[1].singleExtent, let delta = context[2].single else {
      return [Fact(element, [nil])]
    }
    if !Symbols.isSymbol(start), !Symbols.isSymbol(limit) {
      guard let count = try? RangeOperator.count(Int64(start), Int64(limit), delta) else { return [Fact(element, [nil])] }
      let values = count <= Fact.valueLimit ? (0..<count).map { Int64(start) &+ Int64($0) &* delta } : nil
      return [Fact(element: element, dims: [count], values: values)]
    }
    guard delta > 0, let step = Int(exactly: delta), Symbols.isExtent(start), Symbols.isExtent(limit) else { return [Fact(element, [nil])] }
    return [Fact(element, [context.symbols.quotient(context.symbols.remainder(limit, behind: start), roundedUpBy: step)])]
  }

  private func count(_ start: Tensor, _ limit: Tensor, _ delta: Tensor) throws(PinionError) -> Int {
    if start.element.isFloatingPoint {
      let step = try delta.scalar("delta")
      let steps = ((try limit.scalar("limit") - (try start.scalar("start"))) / step).rounded(.up)
      guard step != 0, !steps.isNaN, steps < 0x1p46 else {
        throw .invalidValue("a range with start \(try start.scalar("start")), limit \(try limit.scalar("limit")) and delta \(step)")
      }
      return steps > 0 ? Int(saturating: steps) : 0
    }
    return try RangeOperator.count(try integer(start, "start"), try integer(limit, "limit"), try integer(delta, "delta"))
  }

  private static func count(_ first: Int64, _ end: Int64, _ step: Int64) throws(PinionError) -> Int {
    guard step != 0 else { throw .invalidValue("delta is 0") }
    guard step > 0 ? end > first : end < first else { return 0 }
    let distance = step > 0 ? end.magnitudeAbove(first) : first.magnitudeAbove(end)
    return try ((distance - 1) / step.magnitude + 1).converted()
  }

  private func integer(_ tensor: Tensor, _ name: String) throws(PinionError) -> Int64 {
    guard tensor.count == 1 else { throw .invalidShape("input '\(name)' is \(tensor.type), expected one element") }
    let convert = try ElementConversion(from: tensor.element, to: .int64)
    var number: Int64 = 0
    withUnsafeMutablePointer(to: &number) { convert(tensor.data, $0, 1) }
    return number
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.outputType(0)
    switch type.element {
    case .float32: return floatKernel(Float.self, type.count)
    case .float64: return floatKernel(Double.self, type.count)
    case .int16: return integerKernel(Int16.self, type.count)
    case .int32: return integerKernel(Int32.self, type.count)
    case .int64: return integerKernel(Int64.self, type.count)
    default: throw context.unsupportedTypes()
    }
  }

  private func floatKernel<T: BinaryFloatingPoint & Element>(_: T.Type, _ count: Int) -> Kernel {
    .ranges(count, grain: elementwiseGrain) { frame, range in
      let start = frame.input(0, as: T.self)[0], delta = frame.input(2, as: T.self)[0]
      let target = frame.output(0, as: T.self)
      for index in range { target[index] = start + T(index) * delta }
    }
  }

  private func integerKernel<T: FixedWidthInteger & Element>(_: T.Type, _ count: Int) -> Kernel {
    .ranges(count, grain: elementwiseGrain) { frame, range in
      let start = frame.input(0, as: T.self)[0], delta = frame.input(2, as: T.self)[0]
      let target = frame.output(0, as: T.self)
      // What a product and a sum would wrap to, steps come to as well.
      var value = start &+ T(truncatingIfNeeded: range.lowerBound) &* delta
      for index in range {
        target[index] = value
        value &+= delta
      }
    }
  }
}

extension Int64 {
  /// `self - other` for a smaller or equal `other`, however far apart the two are.
  fileprivate func magnitudeAbove(_ other: Int64) -> UInt64 { UInt64(bitPattern: self) &- UInt64(bitPattern: other) }
}

/// com.microsoft's Range, whose step is 1 unless it is given.
package struct MicrosoftRange: Operator {
  package static let schema = Schema(
    "Range", domain: "com.microsoft", since: 1, inputs: ["start: T", "limit: T", "delta?: T"], outputs: ["Y: T"],
    types: ["T": [.float32, .float64, .int16, .indices]])

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    node.domain = ""
    guard node.has(input: 0), !node.has(input: 2) else { return }
    let one = NodeDraft(newest: CastLike.schema, inputs: [.constant(try Tensor(scalar: Int32(1))), node.inputs[0]])
    node.setInput(2, .computed(one))
  }

  package init(_ attributes: inout AttributeReader) throws(PinionError) { _ = try RangeOperator(&attributes) }
}
