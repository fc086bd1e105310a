import PinionBase
import PinionTensor
import Synchronization

/// Constants in the layouts that kernels want, each made once for all plans of a model.
public final class PackedWeights: Sendable {
  private struct Key: Hashable {
    let address: UInt
    let type: TensorType
    let form: String
  }

  /// Keeps the constant as well: its address is part of the key and must not be used again.
  private struct Entry {
    let constant: Tensor
    let buffer: Buffer
  }

  private let entries = Mutex<[Key: Entry]>([:])
  private let allocator: Allocator

  public init(allocator: Allocator = .system) { self.allocator = allocator }

  /// The buffer for the constant in this form; `fill` is called where it does not exist yet.
  public func buffer(
    _ constant: Tensor, form: String, bytes: Int, _ fill: (UnsafeMutableRawPointer) throws(PinionError) -> Void
  ) throws(PinionError) -> Buffer {
    let key = Key(address: UInt(bitPattern: constant.data), type: constant.type, form: form)
    if let entry = entries.withLock({ $0[key] }) { return entry.buffer }
    let buffer = try allocator.buffer(bytes: bytes)
    try fill(buffer.pointer)
    return entries.withLock {
      if let entry = $0[key] { return entry.buffer }
      $0[key] = Entry(constant: constant, buffer: buffer)
      return buffer
    }
  }

  /// Bytes held.
  public var byteCount: Int { entries.withLock { $0.values.reduce(0) { $0 &+ $1.buffer.byteCount } } }
}
