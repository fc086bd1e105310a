import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A table from keys to values, each a vector of any element type.
///
/// Of equal keys the last counts. NaN is a key that every NaN finds; 0 and -0 are the same.
final class LabelTable: Sendable {
  let keys: Tensor
  let values: Tensor
  /// One element, for keys that the table lacks.
  let missing: Tensor
  private let places: [LabelKey: Int]

  init(keys: Tensor, values: Tensor, missing: Tensor) throws(PinionError) {
    guard keys.count == values.count else { throw .invalidModel("\(keys.count) keys, but \(values.count) values") }
    guard missing.element == values.element, missing.count == 1 else {
      throw .invalidModel("the default is \(missing.type), expected one \(values.element)")
    }
    let read = try LabelKey.reader(keys.element)
    var places: [LabelKey: Int] = [:]
    places.reserveCapacity(keys.count)
    for index in 0..<keys.count { places[read(UnsafeRawPointer(keys.data), index)] = index }
    self.keys = keys
    self.values = values
    self.missing = missing
    self.places = places
  }

  /// A kernel that maps input 0 element by element.
  func kernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let read = try LabelKey.reader(type.element)
    let width = values.element.byteWidth
    return .ranges(type.count, grain: 1024) { [self] frame, range in
      for index in range {
        let found = places[read(frame.rawInput(0), index)]
        (frame.rawOutput(0) + index &* width).copyMemory(
          from: found.map { values.data + $0 &* width } ?? missing.data, byteCount: width)
      }
    }
  }
}

/// An element as the key of a dictionary.
enum LabelKey: Hashable, Sendable {
  case number(Double)
  case integer(Int64)
  case nan
  case text(StringElement)

  /// Reads the element at an index of memory with elements of this type.
  static func reader(_ element: ElementType) throws(PinionError) -> @Sendable (UnsafeRawPointer, Int) -> LabelKey {
    switch element {
    case .string: { .text($0.assumingMemoryBound(to: StringElement.self)[$1]) }
    case .int64: { .integer($0.assumingMemoryBound(to: Int64.self)[$1]) }
    case .int32: { .integer(Int64($0.assumingMemoryBound(to: Int32.self)[$1])) }
    case .int16: { .integer(Int64($0.assumingMemoryBound(to: Int16.self)[$1])) }
    case .int8: { .integer(Int64($0.assumingMemoryBound(to: Int8.self)[$1])) }
    case .uint8, .bool: { .integer(Int64($0.assumingMemoryBound(to: UInt8.self)[$1])) }
    case .uint16: { .integer(Int64($0.assumingMemoryBound(to: UInt16.self)[$1])) }
    case .uint32: { .integer(Int64($0.assumingMemoryBound(to: UInt32.self)[$1])) }
    case .float32: { LabelKey(Double($0.assumingMemoryBound(to: Float.self)[$1])) }
    case .float64: { LabelKey($0.assumingMemoryBound(to: Double.self)[$1]) }
    case .float16: { LabelKey(Double($0.assumingMemoryBound(to: Float16.self)[$1])) }
    default: throw .unsupported("keys of type \(element)")
    }
  }

  init(_ value: Double) { self = value.isNaN ? .nan : .number(value) }
}
