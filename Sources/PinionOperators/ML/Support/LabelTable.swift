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
  /// The same for keys of the number types that have one.
  private let numbers: NumberTable?

  /// - Parameter control: what waits for the table.
  init(keys: Tensor, values: Tensor, missing: Tensor, _ control: RunControl) throws(PinionError) {
    guard keys.count == values.count else { throw .invalidModel("\(keys.count) keys, but \(values.count) values") }
    guard missing.element == values.element, missing.count == 1 else {
      throw .invalidModel("the default is \(missing.type), expected one \(values.element)")
    }
    let read = try LabelKey.reader(keys.element)
    var places: [LabelKey: Int] = [:]
    places.reserveCapacity(keys.count)
    var poll = Poll(control)
    for index in 0..<keys.count {
      try poll.count(64)
      places[read(UnsafeRawPointer(keys.data), index)] = index
    }
    self.keys = keys
    self.values = values
    self.missing = missing
    self.places = places
    numbers = try LabelTable.bits(keys).flatMap { (bits) throws(PinionError) in try NumberTable(bits, &poll) }
  }

  private static func bits(_ keys: Tensor) -> [UInt64]? {
    func read<K: NumberKey>(_: K.Type) -> [UInt64] {
      UnsafeBufferPointer(start: keys.data.assumingMemoryBound(to: K.self), count: keys.count).map(\.keyBits)
    }
    return switch keys.element {
    case .int64: read(Int64.self)
    case .int32: read(Int32.self)
    case .int16: read(Int16.self)
    case .float32: read(Float.self)
    case .float64: read(Double.self)
    default: nil
    }
  }

  /// A kernel that maps input 0 element by element.
  func kernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    if let numbers, type.element == keys.element {
      switch type.element {
      case .int64: return kernel(numbers, Int64.self, type.count)
      case .int32: return kernel(numbers, Int32.self, type.count)
      case .int16: return kernel(numbers, Int16.self, type.count)
      case .float32: return kernel(numbers, Float.self, type.count)
      case .float64: return kernel(numbers, Double.self, type.count)
      default: break
      }
    }
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

  private func kernel<K: NumberKey>(_ numbers: NumberTable, _ key: K.Type, _ count: Int) -> Kernel {
    switch values.element.byteWidth {
    case 1: kernel(numbers, key, UInt8.self, count)
    case 2: kernel(numbers, key, UInt16.self, count)
    case 4: kernel(numbers, key, UInt32.self, count)
    case 8: kernel(numbers, key, UInt64.self, count)
    default: kernel(numbers, key, StringElement.self, count)
    }
  }

  private func kernel<K: NumberKey, V: BitwiseCopyable>(_ numbers: NumberTable, _: K.Type, _: V.Type, _ count: Int) -> Kernel {
    .ranges(count, grain: 8192) { [self] frame, range in
      let input = frame.input(0, as: K.self)
      let output = frame.output(0, as: V.self)
      let known = values.data.assumingMemoryBound(to: V.self)
      let unknown = missing.data.assumingMemoryBound(to: V.self).pointee
      numbers.searching { find in
        for index in range {
          let place = find(input[index].keyBits)
          output[index] = place < 0 ? unknown : known[place]
        }
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
