import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// What becomes of an element that an update meets.
enum ScatterReduction: String, CaseIterable, Sendable { case none, add, mul, min, max }

/// Element types that a scatter can reduce.
protocol ReducibleElement: Element {
  static func reduce(_ reduction: ScatterReduction, _ old: Self, _ update: Self) -> Self
}

extension FixedWidthInteger {
  @inline(__always)
  static func reduce(_ reduction: ScatterReduction, _ old: Self, _ update: Self) -> Self {
    switch reduction {
    case .none: update
    case .add: old &+ update
    case .mul: old &* update
    case .min: update < old ? update : old
    case .max: update > old ? update : old
    }
  }
}

extension BinaryFloatingPoint {
  /// NaN wins over every number.
  @inline(__always)
  static func reduce(_ reduction: ScatterReduction, _ old: Self, _ update: Self) -> Self {
    switch reduction {
    case .none: update
    case .add: old + update
    case .mul: old * update
    case .min: update < old || update.isNaN ? update : old
    case .max: update > old || update.isNaN ? update : old
    }
  }
}

extension Int8: ReducibleElement {}
extension Int16: ReducibleElement {}
extension Int32: ReducibleElement {}
extension Int64: ReducibleElement {}
extension UInt8: ReducibleElement {}
extension UInt16: ReducibleElement {}
extension UInt32: ReducibleElement {}
extension UInt64: ReducibleElement {}
extension Float: ReducibleElement {}
extension Double: ReducibleElement {}
extension Float16: ReducibleElement {}

extension BFloat16: ReducibleElement {
  @inline(__always)
  static func reduce(_ reduction: ScatterReduction, _ old: BFloat16, _ update: BFloat16) -> BFloat16 {
    BFloat16(Float.reduce(reduction, old.float, update.float))
  }
}

extension Bool: ReducibleElement {
  @inline(__always)
  static func reduce(_ reduction: ScatterReduction, _ old: Bool, _ update: Bool) -> Bool {
    switch reduction {
    case .none: update
    case .add, .max: old || update
    case .mul, .min: old && update
    }
  }
}

/// How runs of updates reach the elements they are for.
protocol Update: Sendable {
  /// Applies `count` neighbouring updates.
  func apply(_ target: UnsafeMutableRawPointer, _ update: UnsafeRawPointer, count: Int)
}

struct Assignment: Update {
  let width: Int
  @inline(__always)
  func apply(_ target: UnsafeMutableRawPointer, _ update: UnsafeRawPointer, count: Int) { copyRun(target, update, count &* width) }
}

struct Reduction<T: ReducibleElement>: Update {
  let reduction: ScatterReduction
  @inline(__always)
  func apply(_ target: UnsafeMutableRawPointer, _ update: UnsafeRawPointer, count: Int) {
    let elements = target.assumingMemoryBound(to: T.self), updates = update.assumingMemoryBound(to: T.self)
    // A loop for each, which is known while it is compiled: then it goes by vectors.
    switch reduction {
    case .none: each(.none, elements, updates, count)
    case .add: each(.add, elements, updates, count)
    case .mul: each(.mul, elements, updates, count)
    case .min: each(.min, elements, updates, count)
    case .max: each(.max, elements, updates, count)
    }
  }

  @inline(__always)
  private func each(_ reduction: ScatterReduction, _ elements: UnsafeMutablePointer<T>, _ updates: UnsafePointer<T>, _ count: Int) {
    for index in 0..<count { elements[index] = T.reduce(reduction, elements[index], updates[index]) }
  }
}

/// An operator that starts from a copy of input 0 and applies input 2 at the places that input 1 names.
protocol ScatterOperator: CPUExecutable, LikeFirstInput {
  var reduction: ScatterReduction { get }
  func stage<Index: IndexElement, U: Update>(
    _: Index.Type, _ update: U, _ context: KernelContext) throws(PinionError) -> Kernel.Stage
}

extension ScatterOperator {
  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let element = try context.type(0).element
    guard reduction != .none else { return try kernel(Assignment(width: element.byteWidth), context) }
    return switch element {
    case .float32: try kernel(Reduction<Float>(reduction: reduction), context)
    case .float64: try kernel(Reduction<Double>(reduction: reduction), context)
    case .float16: try kernel(Reduction<Float16>(reduction: reduction), context)
    case .bfloat16: try kernel(Reduction<BFloat16>(reduction: reduction), context)
    case .int8: try kernel(Reduction<Int8>(reduction: reduction), context)
    case .int16: try kernel(Reduction<Int16>(reduction: reduction), context)
    case .int32: try kernel(Reduction<Int32>(reduction: reduction), context)
    case .int64: try kernel(Reduction<Int64>(reduction: reduction), context)
    case .uint8: try kernel(Reduction<UInt8>(reduction: reduction), context)
    case .uint16: try kernel(Reduction<UInt16>(reduction: reduction), context)
    case .uint32: try kernel(Reduction<UInt32>(reduction: reduction), context)
    case .uint64: try kernel(Reduction<UInt64>(reduction: reduction), context)
    case .bool: try kernel(Reduction<Bool>(reduction: reduction), context)
    default: throw context.unsupportedTypes()
    }
  }

  private func kernel<U: Update>(_ update: U, _ context: KernelContext) throws(PinionError) -> Kernel {
    let scatter = try context.type(1).element == .int64 ? stage(Int64.self, update, context) : stage(Int32.self, update, context)
    return Kernel(stages: [try unlessReusedCopy(context), scatter])
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}

/// Copies input 0 to output 0 where these are not the same memory.
func unlessReusedCopy(_ context: KernelContext) throws(PinionError) -> Kernel.Stage {
  .ranges(try context.type(0).byteCount, grain: 1 << 20) { frame, range in
    let from = frame.rawInput(0), to = frame.rawOutput(0)
    guard from != UnsafeRawPointer(to) else { return }
    (to + range.lowerBound).copyMemory(from: from + range.lowerBound, byteCount: range.count)
  }
}
