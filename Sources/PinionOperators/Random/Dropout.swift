import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The input unchanged, or in training mode with a share `ratio` of its elements zeroed and the others scaled up.
package struct Dropout: CPUExecutable {
  package static let schema = Schema(
    "Dropout", since: 22, inputs: ["data: T", "ratio?: T1", "training_mode?: bool"], outputs: ["output: T", "mask?: M"],
    types: ["T": [.numbers, .float8s], "T1": [.floats, .float8s], "M": [.numbers, .float8s, .bool]])
  package static var isDeterministic: Bool { false }
  let seed: Seed
  /// Before opset 10 the mask had the type of the data.
  let masksAsData: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    seed = Seed(integer: try attributes.optionalInt("seed"))
    masksAsData = try attributes.bool("mask of the data's type")
  }

  /// Before opset 12 the node said how it was trained; what it does in inference does not depend on that.
  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 12 else { return }
    for name in ["ratio", "is_test", "consumed_inputs"] { node.attributes[name] = nil }
    if node.opset < 10, node.has(output: 1) { node.attributes["mask of the data's type"] = .int(1) }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    for index in 1...2 {
      guard let type = context.optionalType(index), type.count != 1 else { continue }
      throw .invalidShape("input '\(Dropout.schema.inputName(index))' is \(type), expected one element")
    }
    guard (context.optionalType(2)?.element ?? .bool) == .bool else { throw .invalidShape("input 'training_mode' has to be bool") }
    let outputs = [type, TensorType(masksAsData ? type.element : .bool, type.shape)]
    return Array(outputs.prefix(max(context.outputCount, 1)))
  }

  package func facts(_ context: FactContext) -> [Fact] { [context.like(0), masksAsData ? context.like(0) : context.like(0, element: .bool)] }

  /// Whether the node is known to pass its input on.
  private func isIdentity(_ context: KernelContext) -> Bool {
    guard context.has(2) else { return true }
    guard let mode = context.value(2), let flag = try? mode.elements(as: Bool.self) else { return false }
    return flag.allSatisfy { !$0 }
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let width = type.element.byteWidth
    let hasMode = context.has(2), hasRatio = context.has(1), wantsMask = context.wants(output: 1)
    let ratioElement = context.optionalType(1)?.element ?? .float32
    let readRatio = try ElementConversion(from: ratioElement, to: .float64)
    let widen = try ElementConversion(from: type.element, to: .float64), narrow = try ElementConversion(from: .float64, to: type.element)
    let strip = 512, masksAsData = masksAsData
    let drop = Kernel.Stage.ranges(type.count, grain: 4096) { (frame, range) throws(PinionError) in
      var ratio = 0.0
      if hasMode, frame.input(2, as: UInt8.self)[0] != 0 {
        ratio = 0.5
        if hasRatio { withUnsafeMutablePointer(to: &ratio) { readRatio(frame.rawInput(1), $0, 1) } }
        guard ratio >= 0, ratio < 1 else { throw .invalidValue("ratio is \(ratio), expected 0 up to and without 1") }
      }
      let mask = wantsMask && !masksAsData ? frame.output(1, as: Bool.self) : nil
      if wantsMask, masksAsData {
        // Nodes of these versions do not drop anything.
        let ones = frame.laneScratch.assumingMemoryBound(to: Double.self)
        ones.update(repeating: 1, count: strip)
        for start in stride(from: range.lowerBound, to: range.upperBound, by: strip) {
          narrow(ones, frame.rawOutput(1) + start &* width, min(strip, range.upperBound &- start))
        }
      }
      guard ratio > 0 else {
        let offset = range.lowerBound &* width
        if frame.rawInput(0) != UnsafeRawPointer(frame.rawOutput(0)) {
          (frame.rawOutput(0) + offset).copyMemory(from: frame.rawInput(0) + offset, byteCount: range.count &* width)
        }
        if let mask { (mask + range.lowerBound).update(repeating: true, count: range.count) }
        return
      }
      let source = Seed.source(frame), numbers = frame.laneScratch.assumingMemoryBound(to: Double.self)
      let scale = 1 / (1 - ratio)
      var start = range.lowerBound
      while start < range.upperBound {
        let count = min(strip, range.upperBound &- start)
        widen(frame.rawInput(0) + start &* width, numbers, count)
        for index in 0..<count {
          let isKept = source.uniform(start &+ index) >= ratio
          numbers[index] = isKept ? numbers[index] * scale : 0
          if let mask { mask[start &+ index] = isKept }
        }
        narrow(numbers, frame.rawOutput(0) + start &* width, count)
        start &+= count
      }
    }
    return Kernel(stages: [seed.stage, drop], scratchBytes: Seed.scratchBytes, laneScratchBytes: strip * 8)
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] {
    isIdentity(context) && !context.wants(output: 1) ? [.within(input: 0, offset: 0)] : [.over(inputs: [0])]
  }
}
