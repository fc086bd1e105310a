import Glibc
import Pinion
import PinionBase
import PinionOperators
import PinionTensor

/// One model loaded, planned and run; Pinion may refuse it at any point.
struct Trial {
  let runtime: Runtime
  /// Levels of optimisation, and where inputs and outputs lie in their regions.
  var choice: Choice

  /// - Returns: the reason for which the model was refused, nil where it ran.
  mutating func run(_ seed: Seed, level: Int) -> PinionError? {
    let bytes = seed.model()
    guard let file = GuardedMemory.Block(bytes: bytes.count) else { return nil }
    bytes.withUnsafeBytes { if let base = $0.baseAddress { file.pointer.copyMemory(from: base, byteCount: $0.count) } }
    defer { withExtendedLifetime(file) {} }
    do throws(PinionError) {
      try run(seed, UnsafeRawBufferPointer(start: file.pointer, count: bytes.count), level: level)
      return nil
    } catch { return error }
  }

  private mutating func run(_ seed: Seed, _ bytes: UnsafeRawBufferPointer, level: Int) throws(PinionError) {
    let model = try Model(try FileMapping(borrowing: bytes))
    var options = SessionOptions()
    options.optimization = level
    let session = try Session(model, runtime: runtime, options: options)
    var inputs: [Value?] = []
    for index in seed.fedInputs { if let input = seed.inputs[index] { inputs.append(try value(input)) } }
    if seed.isConditionFed { inputs.append(.tensor(try Tensor(scalar: true))) }
    let wanted = Array(model.outputs.indices)
    let first = try session.run(inputs, wanted: wanted, limits: limits)
    // Once more into memory that ends where the outputs do and holds other bytes than the allocator's before a kernel writes there.
    var memory: [Tensor?] = []
    for result in first {
      guard case .tensor(let tensor) = result, tensor.element != .string else {
        memory.append(nil)
        continue
      }
      let guarded = try guarded(tensor.type)
      guarded.data.initializeMemory(as: UInt8.self, repeating: ~GuardedMemory.pattern, count: guarded.byteCount)
      memory.append(guarded)
    }
    _ = try session.run(inputs, wanted: wanted, memory: memory, limits: limits)
    guard OperatorCatalog().operatorType(domain: seed.domain, name: seed.name)?.isDeterministic ?? false else { return }
    for case (.tensor(let tensor), let again?) in zip(first, memory) where memcmp(tensor.data, again.data, tensor.byteCount) != 0 {
      print("the outputs of two runs differ: a kernel leaves bytes unwritten, or reads some that nobody wrote")
      fflush(nil)
      abort()
    }
  }

  private var limits: RunLimits {
    var limits = RunLimits()
    limits.bytes = 1 << 25
    limits.steps = 2000
    limits.deadline = monotonicNanoseconds() + 300_000_000
    return limits
  }

  private mutating func guarded(_ type: TensorType) throws(PinionError) -> Tensor {
    guard let block = GuardedMemory.Block(bytes: type.byteCount, atStart: choice.chance(1, of: 4)) else {
      throw .outOfMemory(bytes: type.byteCount)
    }
    return Tensor(type, data: block.pointer, owner: block)
  }

  private mutating func tensor(_ seed: SeedTensor) throws(PinionError) -> Tensor {
    let shape = try Shape(seed.dims)
    if seed.element == .string { return try Tensor(utf8: seed.strings, shape) }
    let tensor = try guarded(TensorType(seed.element, shape))
    seed.bytes.withUnsafeBytes { if let base = $0.baseAddress { tensor.data.copyMemory(from: base, byteCount: $0.count) } }
    return tensor
  }

  private mutating func value(_ input: SeedInput) throws(PinionError) -> Value? {
    switch input.value {
    case .tensor(let seed): return .tensor(try tensor(seed))
    case .sequence(let seeds):
      var values: [Value] = []
      for seed in seeds { values.append(.tensor(try tensor(seed))) }
      return .sequence(values, element: values.first?.type ?? .tensor(.float32, dims: nil))
    case .map(let keys, let values): return .map(keys: try tensor(keys), values: try tensor(values))
    case .none: return nil
    }
  }
}
