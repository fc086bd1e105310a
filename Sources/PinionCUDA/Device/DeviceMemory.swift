import CCUDA
import PinionBase

/// A place in a device's memory.
package struct DeviceAddress: Hashable, Sendable {
  package let bits: UInt64
  package init(_ bits: UInt64) { self.bits = bits }
  package func offset(by bytes: Int) -> DeviceAddress { DeviceAddress(bits &+ UInt64(bitPattern: Int64(bytes))) }
}

/// Bytes on a device, given back with the last reference. What was queued on them must be done by then.
// Unchecked: an address and a size, set once; who writes to the bytes is the callers' concern.
package final class DeviceMemory: @unchecked Sendable {
  package let context: DeviceContext
  package let address: DeviceAddress
  package let byteCount: Int

  /// - Throws: `outOfMemory`, with what is free.
  package init(_ context: DeviceContext, bytes: Int) throws(PinionError) {
    guard bytes >= 0 else { throw .invalidArgument("cannot allocate \(bytes) bytes") }
    self.context = context
    var address: cc_address = 0
    let wanted = max(bytes, 1)
    let status = try context.result { $0.cuMemAlloc_v2(&address, wanted) }
    if status == Int32(CC_ERROR_OUT_OF_MEMORY) {
      var free = 0, total = 0
      let isKnown = try context.result { $0.cuMemGetInfo_v2(&free, &total) } == 0
      let detail = isKnown ? ": \(free) of \(total) bytes are free" : ""
      throw PinionError(.outOfMemory, "cannot allocate \(bytes) bytes on cuda:\(context.device.ordinal) (\(context.device.name))\(detail)")
    }
    if status != 0 { throw context.failure(status, "cuMemAlloc") }
    self.address = DeviceAddress(address)
    byteCount = bytes
  }

  deinit { context.dispose { $0.cuMemFree_v2(address.bits) } }
}

/// Where blocks lie in one allocation.
package struct SlabLayout: Sendable {
  /// Enough for any vector load, and for what cublasLt asks of its operands.
  package static let alignment = 256
  package private(set) var offsets: [Int] = []
  package private(set) var byteCount = 0
  package init() {}

  /// Adds a block behind those that are there.
  /// - Returns: its offset.
  @discardableResult package mutating func add(bytes: Int) throws(PinionError) -> Int {
    guard bytes >= 0 else { throw .invalidArgument("a block of \(bytes) bytes") }
    let offset = byteCount
    byteCount = try offset.adding(try alignedUp(bytes, to: SlabLayout.alignment))
    offsets.append(offset)
    return offset
  }
}

/// Many blocks in one allocation, e.g. all weights of a model.
package final class DeviceSlab: Sendable {
  package let memory: DeviceMemory
  package let layout: SlabLayout

  package init(_ context: DeviceContext, _ layout: SlabLayout) throws(PinionError) {
    self.layout = layout
    memory = try DeviceMemory(context, bytes: layout.byteCount)
  }

  package func address(_ block: Int) -> DeviceAddress { memory.address.offset(by: layout.offsets[block]) }
}

/// Memory of the host that a device copies from and to without the processor.
// Unchecked: as for a device's memory.
package final class PinnedMemory: @unchecked Sendable {
  package let context: DeviceContext
  package let pointer: UnsafeMutableRawPointer
  package let byteCount: Int

  package init(_ context: DeviceContext, bytes: Int) throws(PinionError) {
    guard bytes >= 0 else { throw .invalidArgument("cannot allocate \(bytes) bytes") }
    self.context = context
    var pointer: UnsafeMutableRawPointer?
    try context.call("cuMemHostAlloc") { $0.cuMemHostAlloc(&pointer, max(bytes, 1), 0) }
    guard let pointer else { throw .internal("cuMemHostAlloc gave no memory") }
    self.pointer = pointer
    byteCount = bytes
  }

  deinit { context.dispose { $0.cuMemFreeHost(pointer) } }
}
