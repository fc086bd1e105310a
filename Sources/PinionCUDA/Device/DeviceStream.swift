import CCUDA
import PinionBase

/// A queue of work on a device, in order. Does not wait for the process's default stream.
// Unchecked: a handle of the driver's, set once. The driver lets any thread queue work on it; in which order threads do is the callers' concern.
package final class DeviceStream: @unchecked Sendable {
  package let context: DeviceContext
  let handle: UnsafeMutableRawPointer
  private let isOwned: Bool

  package init(_ context: DeviceContext) throws(PinionError) {
    self.context = context
    var stream: UnsafeMutableRawPointer?
    try context.call("cuStreamCreate") { $0.cuStreamCreate(&stream, UInt32(CC_STREAM_NON_BLOCKING)) }
    guard let stream else { throw .internal("cuStreamCreate gave no stream") }
    handle = stream
    isOwned = true
  }

  /// Another library's stream of the same device, which outlives this object.
  package init(_ context: DeviceContext, borrowing handle: UnsafeMutableRawPointer) {
    self.context = context
    self.handle = handle
    isOwned = false
  }

  deinit {
    if isOwned { context.dispose { $0.cuStreamDestroy_v2(handle) } }
  }

  /// Waits for all work that is in the queue; what failed in it is thrown here.
  package func synchronize() throws(PinionError) { try context.call("cuStreamSynchronize") { $0.cuStreamSynchronize(handle) } }

  /// Whether the queue is empty.
  package func isIdle() throws(PinionError) -> Bool { try context.poll("cuStreamQuery") { $0.cuStreamQuery(handle) } }

  /// Lets later work of this stream wait for the event.
  package func wait(for event: DeviceEvent) throws(PinionError) {
    try context.call("cuStreamWaitEvent") { $0.cuStreamWaitEvent(handle, event.handle, 0) }
  }

  /// Copies from the host. `source` must stay as it is until the copy is done; only pinned memory lets the call return before.
  package func copy(from source: UnsafeRawPointer, bytes: Int, to target: DeviceAddress) throws(PinionError) {
    guard bytes > 0 else { return }
    try context.call("cuMemcpyHtoDAsync") { $0.cuMemcpyHtoDAsync_v2(target.bits, source, bytes, handle) }
  }

  /// Copies to the host. `target` is filled once the stream has come so far.
  package func copy(from source: DeviceAddress, bytes: Int, to target: UnsafeMutableRawPointer) throws(PinionError) {
    guard bytes > 0 else { return }
    try context.call("cuMemcpyDtoHAsync") { $0.cuMemcpyDtoHAsync_v2(target, source.bits, bytes, handle) }
  }

  package func copy(from source: DeviceAddress, bytes: Int, to target: DeviceAddress) throws(PinionError) {
    guard bytes > 0 else { return }
    try context.call("cuMemcpyDtoDAsync") { $0.cuMemcpyDtoDAsync_v2(target.bits, source.bits, bytes, handle) }
  }

  /// Sets every byte to `value`.
  package func fill(_ target: DeviceAddress, bytes: Int, with value: UInt8) throws(PinionError) {
    guard bytes > 0 else { return }
    try context.call("cuMemsetD8Async") { $0.cuMemsetD8Async(target.bits, value, bytes, handle) }
  }
}

/// A point in a stream that others wait for.
// Unchecked: a handle of the driver's, set once, which any thread may record and wait for.
package final class DeviceEvent: @unchecked Sendable {
  package let context: DeviceContext
  let handle: UnsafeMutableRawPointer

  /// - Parameter isTimed: whether the time between two such events can be asked; recording one costs more.
  package init(_ context: DeviceContext, isTimed: Bool = false) throws(PinionError) {
    self.context = context
    var event: UnsafeMutableRawPointer?
    try context.call("cuEventCreate") { $0.cuEventCreate(&event, isTimed ? 0 : UInt32(CC_EVENT_DISABLE_TIMING)) }
    guard let event else { throw .internal("cuEventCreate gave no event") }
    handle = event
  }

  deinit { context.dispose { $0.cuEventDestroy_v2(handle) } }

  package func record(in stream: DeviceStream) throws(PinionError) {
    try context.call("cuEventRecord") { $0.cuEventRecord(handle, stream.handle) }
  }

  package func synchronize() throws(PinionError) { try context.call("cuEventSynchronize") { $0.cuEventSynchronize(handle) } }

  package func isDone() throws(PinionError) -> Bool { try context.poll("cuEventQuery") { $0.cuEventQuery(handle) } }

  /// Milliseconds from `start` to this event, both done and timed.
  package func milliseconds(since start: DeviceEvent) throws(PinionError) -> Float {
    var time: Float = 0
    try context.call("cuEventElapsedTime") { $0.cuEventElapsedTime(&time, start.handle, handle) }
    return time
  }
}
