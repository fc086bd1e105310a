import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The discrete Fourier transform along one axis; the last axis holds real or real and imaginary parts.
package struct DFT: CPUExecutable {
  package static let schema = Schema(
    "DFT", since: 20, inputs: ["input: T1", "dft_length?: indices", "axis?: int64"], outputs: ["output: T1"], types: ["T1": .floats])
  package static var computesHalfInFloat32: Bool { true }
  let isInverse: Bool
  let isOneSided: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    isInverse = try attributes.bool("inverse")
    isOneSided = try attributes.bool("onesided")
  }

  /// Before opset 20 the axis was an attribute with another default.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 20 else { return }
    switch node.attributes.removeValue(forKey: "axis") {
    case nil: node.setInput(2, .constant(try Tensor(scalar: Int64(1))))
    case .int(let axis)?: node.setInput(2, .constant(try Tensor(scalar: axis)))
    case let other?: throw .invalidModel("attribute 'axis' is \(other.kind), expected INT")
    }
  }

  /// What input and output look like along the transformed axis.
  private struct Form {
    let axis: Int
    let length: Int
    let inputExtent: Int
    let outputExtent: Int
    let outputParts: Int
  }

  private func form(_ context: InferenceContext) throws(PinionError) -> Form {
    let type = try context.type(0, rankAtLeast: 2)
    let axis = try type.shape.normalized(axis: context.has(2) ? try context.integer(2) : -2)
    guard axis < type.rank - 1 else { throw .invalidShape("axis \(axis) of \(type) holds real and imaginary parts") }
    let parts = type.dims[type.rank - 1]
    guard parts == 1 || parts == 2 else { throw .invalidShape("the last axis of \(type) has extent \(parts), expected 1 or 2") }
    let extent = type.dims[axis]
    let isReal = isInverse && isOneSided
    let standard = isReal ? 2 &* (extent &- 1) : extent
    let length: Int = context.has(1) ? try context.integer(1).converted() : standard
    guard length > 0 else { throw .invalidValue("the length of the transform is \(length)") }
    return Form(
      axis: axis, length: length, inputExtent: extent, outputExtent: isOneSided && !isInverse ? length / 2 + 1 : length,
      outputParts: isReal ? 1 : 2)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    let form = try form(context)
    var dims = type.dims
    dims[form.axis] = form.outputExtent
    dims[dims.count - 1] = form.outputParts
    return [TensorType(type.element, try Shape(dims))]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let x = context[0], symbols = context.symbols, isReal = isInverse && isOneSided
    guard let rank = x.rank, rank > 1, let named = context.has(2) ? context[2].single : -2, let axis = Fact.position(named, rank: rank),
      axis < rank - 1
    else { return [Fact(x.element, x.openDims)] }
    var length = x.extent(axis)
    if context.has(1) { length = context[1].singleExtent.flatMap { Symbols.isExtent($0) ? $0 : nil } }
    if isReal, !context.has(1) { length = symbols.product(of: [2, symbols.extent(length, plus: -1)]) }
    if isOneSided, !isInverse { length = symbols.extent(symbols.quotient(length, by: 2), plus: 1) }
    return [Fact(x.element, Fact(x.element, x.dims(with: length, at: axis)).dims(with: isReal ? 1 : 2, at: rank - 1))]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    switch try context.type(0).element {
    case .float32: return try kernel(Float.self, context)
    case .float64: return try kernel(Double.self, context)
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<T: BinaryFloatingPoint & Element>(_: T.Type, _ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let form = try form(context.inference)
    let parts = type.dims[type.rank - 1]
    let inner = type.shape.count((form.axis + 1)..<(type.rank - 1))
    let lines = type.shape.count(0..<form.axis) &* inner
    let plan = try FourierPlan(count: form.length, context)
    let isReal = isInverse && isOneSided, isInverse = isInverse
    let scale = isInverse ? 1 / Double(form.length) : 1
    let length = form.length
    let scratch = try (2 as Int).multiplied(by: length).adding(plan.workCount).multiplied(by: 8)
    let step = inner &* parts, outputStep = inner &* form.outputParts
    // Of a one-sided spectrum the upper half is the lower one mirrored.
    let used = min(form.inputExtent, isReal ? length / 2 + 1 : length)
    return .parallel(tasks: lines, laneScratchBytes: scratch) { (frame, line) throws(PinionError) in
      var poll = Poll(frame.control)
      let re = frame.laneScratch.assumingMemoryBound(to: Double.self), im = re + length
      let source = frame.input(0, as: T.self) + (line / inner &* form.inputExtent &* inner &+ line % inner) &* parts
      for index in 0..<used {
        try poll.count(4)
        re[index] = Double(source[index &* step])
        im[index] = parts == 2 ? Double(source[index &* step &+ 1]) : 0
      }
      (re + used).update(repeating: 0, count: length &- used)
      (im + used).update(repeating: 0, count: length &- used)
      if isReal {
        im[0] = 0
        if length % 2 == 0 { im[length / 2] = 0 }
        for index in (length / 2 &+ 1)..<max(length, length / 2 &+ 1) {
          re[index] = re[length &- index]
          im[index] = -im[length &- index]
        }
      }
      if isInverse { try plan.transform(im, re, im + length, &poll) } else { try plan.transform(re, im, im + length, &poll) }
      let target = frame.output(0, as: T.self) + (line / inner &* form.outputExtent &* inner &+ line % inner) &* form.outputParts
      for index in 0..<form.outputExtent {
        try poll.count(4)
        target[index &* outputStep] = T(re[index] * scale)
        if form.outputParts == 2 { target[index &* outputStep &+ 1] = T(im[index] * scale) }
      }
    }
  }
}
