import Pinion
import PinionBase
import PinionTensor

@_silgen_name("LLVMFuzzerRunDriver")
func runFuzzer(
  _ argumentCount: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// Loads, plans and runs arbitrary bytes as a model. Pinion may refuse; it may not trap, touch memory that is not its own, or
/// go past its limits.
@main struct FuzzRun {
  static let runtime = try? Runtime(threads: 1, allocator: limitedAllocator)

  /// Refuses what no small graph needs, so that running out of memory is met as well.
  static let limitedAllocator = Allocator(
    allocate: { bytes, alignment, context in
      bytes > 1 << 26 ? nil : UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: alignment)
    },
    deallocate: { pointer, _, _ in pointer?.deallocate() }, context: nil)

  static func main() {
    var argumentCount = CommandLine.argc
    var arguments = CommandLine.unsafeArgv
    _ = runFuzzer(&argumentCount, &arguments) { bytes, count in
      FuzzRun.run(UnsafeRawBufferPointer(start: bytes, count: count))
      return 0
    }
  }

  static func run(_ bytes: UnsafeRawBufferPointer) {
    guard let runtime, let file = try? FileMapping(borrowing: bytes), let model = try? Model(file) else { return }
    _ = model.graph.description
    var options = SessionOptions()
    options.optimization = bytes.count % 3
    guard let session = try? Session(model, runtime: runtime, options: options) else { return }
    var limits = RunLimits()
    limits.bytes = 1 << 24
    limits.steps = 10_000
    for extent in [2, 3] {
      var inputs: [Value?] = []
      for info in model.inputs {
        guard let value = try? value(info.type ?? .tensor(.float32, dims: nil), extent: extent) else { return }
        inputs.append(value)
      }
      limits.deadline = monotonicNanoseconds() + 1_000_000_000
      _ = try? session.run(inputs, wanted: Array(model.outputs.indices), limits: limits)
    }
  }

  /// A value of the declared type with small varied elements.
  static func value(_ type: ValueType, extent: Int) throws(PinionError) -> Value {
    switch type {
    case .tensor(let element, let dims):
      var extents: [Int] = []
      for dimension in dims ?? [.unknown] {
        if case .known(let known) = dimension { extents.append(min(known, 64)) } else { extents.append(extent) }
      }
      let shape = try Shape(extents)
      guard shape.count <= 1 << 16 else { throw .invalidShape("too large for a fuzz run") }
      if element == .string { return .tensor(try Tensor(strings: (0..<shape.count).map { "s\($0)" }, shape)) }
      let tensor = try Tensor(TensorType(element, shape))
      let bytes = tensor.data.assumingMemoryBound(to: UInt8.self)
      for index in 0..<tensor.byteCount { bytes[index] = element == .bool ? UInt8(index % 2) : UInt8(truncatingIfNeeded: index &* 37 % 251) }
      if element == .int64 || element == .int32 {
        for index in 0..<shape.count {
          let small = index % 3
          if element == .int64 { tensor.data.storeBytes(of: Int64(small), toByteOffset: index * 8, as: Int64.self) }
          if element == .int32 { tensor.data.storeBytes(of: Int32(small), toByteOffset: index * 4, as: Int32.self) }
        }
      }
      return .tensor(tensor)
    case .sequence(let element): return .sequence([try value(element, extent: extent)], element: element)
    case .optional(let content): return extent == 2 ? .none(content) : try value(content, extent: extent)
    case .map(let key, _):
      let keys = key == .string ? try Tensor(strings: ["a"], .vector(1)) : try Tensor(vector: [1] as [Int64])
      return .map(keys: keys, values: try Tensor(vector: [1] as [Float]))
    }
  }
}
