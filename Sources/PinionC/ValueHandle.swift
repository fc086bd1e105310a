import CPinion
import Pinion
import PinionBase

/// A value of the C interface.
final class ValueBox: @unchecked Sendable {
  private(set) var value: Value
  /// The extents, at a fixed address.
  let dims: UnsafeMutablePointer<Int64>
  /// The elements as the C interface shows them where that is not how kernels hold them: types of less than a byte.
  let packed: Buffer?
  /// Whether the tensor is a copy of memory that the caller lent, since that is not laid out or aligned as kernels need it: what a run
  /// would write there, the caller would not see.
  let isCopyOfLent: Bool
  /// The strings as the C interface shows them all at once, made when they are asked for.
  private let flat = Lock<FlatStrings?>(nil)
  /// The extents of a sequence's tensors one after the other, made when they are asked for.
  private let elementDims = Lock<ElementDims?>(nil)

  init(_ value: Value, isCopyOfLent: Bool = false) throws(PinionError) {
    self.value = value
    self.isCopyOfLent = isCopyOfLent
    guard case .tensor(let tensor) = value else {
      dims = .allocate(capacity: 1)
      packed = nil
      return
    }
    dims = .allocate(capacity: max(tensor.shape.rank, 1))
    for (axis, extent) in tensor.shape.dims.enumerated() { dims[axis] = Int64(extent) }
    guard tensor.element.bitWidth < 8 else {
      packed = nil
      return
    }
    do { packed = try packNarrow(tensor) } catch {
      dims.deallocate()
      throw error
    }
  }

  deinit { dims.deallocate() }

  var tensor: Tensor? {
    guard case .tensor(let tensor) = value else { return nil }
    return tensor
  }

  /// The value as kernels take it.
  func current() throws(PinionError) -> Value {
    guard let packed, let tensor else { return value }
    return .tensor(try unpackNarrow(packed, tensor.type))
  }

  /// Shows what a run has written to the tensor.
  func refresh(from tensor: Tensor) {
    guard let packed else { return }
    packNarrow(tensor, into: packed.pointer)
  }

  func flatStrings(of tensor: Tensor) throws(PinionError) -> FlatStrings {
    if let existing = flat.withLock({ $0 }) { return existing }
    let made = try FlatStrings(tensor)
    return flat.withLock {
      if let existing = $0 { return existing }
      $0 = made
      return made
    }
  }

  func append(_ element: Value) throws(PinionError) {
    guard case .sequence(var values, var type) = value else { throw .invalidArgument("the value is no sequence") }
    let added = try element.typeAsElement()
    if values.isEmpty {
      type = added
    } else if !added.hasKind(of: type) {
      throw .invalidShape("a sequence of \(type) cannot take \(added)")
    }
    values.append(element)
    value = .sequence(values, element: type)
    elementDims.withLock { $0 = nil }
  }

  func elementDims(of values: [Value]) -> ElementDims {
    elementDims.withLock { dims in
      if let dims { return dims }
      let made = ElementDims(values)
      dims = made
      return made
    }
  }

  var kind: pinion_kind {
    switch value {
    case .tensor: PINION_KIND_TENSOR
    case .sequence: PINION_KIND_SEQUENCE
    case .map: PINION_KIND_MAP
    case .none: PINION_KIND_NONE
    }
  }
}

/// The extents of tensors at fixed addresses.
// Unchecked: written when it is made, only read afterwards.
final class ElementDims: @unchecked Sendable {
  private let extents: UnsafeMutablePointer<Int64>
  /// Where those of each tensor begin.
  private let starts: [Int]

  init(_ values: [Value]) {
    var starts: [Int] = [], count = 0
    starts.reserveCapacity(values.count)
    for value in values {
      starts.append(count)
      if case .tensor(let tensor) = value { count &+= tensor.shape.rank }
    }
    extents = .allocate(capacity: max(count, 1))
    self.starts = starts
    var next = extents
    for case .tensor(let tensor) in values {
      for extent in tensor.shape.dims {
        next.initialize(to: Int64(extent))
        next += 1
      }
    }
  }

  deinit { extents.deallocate() }

  subscript(index: Int) -> UnsafePointer<Int64> { UnsafePointer(extents + starts[index]) }
}

func valueBox(_ pointer: OpaquePointer?) -> ValueBox? { pointer.map { object($0, ValueBox.self) } }

// MARK: Elements of less than a byte

private func packedBytes(_ type: TensorType) -> Int { (type.count &* type.element.bitWidth &+ 7) / 8 }

private func packNarrow(_ tensor: Tensor) throws(PinionError) -> Buffer {
  let buffer = try Allocator.system.buffer(bytes: packedBytes(tensor.type))
  packNarrow(tensor, into: buffer.pointer)
  return buffer
}

/// Writes elements of a byte each in the layout of files, the first one in the lowest bits.
private func packNarrow(_ tensor: Tensor, into target: UnsafeMutableRawPointer) {
  let bits = tensor.element.bitWidth
  let perByte = 8 / bits
  let mask = UInt8((1 << bits) - 1)
  let source = tensor.data.assumingMemoryBound(to: UInt8.self)
  target.initializeMemory(as: UInt8.self, repeating: 0, count: packedBytes(tensor.type))
  let bytes = target.assumingMemoryBound(to: UInt8.self)
  for index in 0..<tensor.count { bytes[index / perByte] |= (source[index] & mask) << UInt8(index % perByte &* bits) }
}

private func unpackNarrow(_ buffer: Buffer, _ type: TensorType) throws(PinionError) -> Tensor {
  let tensor = try Tensor(type)
  unpackNarrow(
    UnsafeRawBufferPointer(start: buffer.pointer, count: packedBytes(type)), type.element,
    into: UnsafeMutableRawBufferPointer(start: tensor.data, count: type.byteCount))
  return tensor
}
