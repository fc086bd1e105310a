import PinionBase

/// Pinned memory in equal parts that take turns, so that a part is filled while the device still copies the one before.
///
/// Used by one thread at a time.
package final class StagingRing {
  private let memory: PinnedMemory
  private let done: [DeviceEvent]
  private var isUsed: [Bool]
  private let partBytes: Int
  private var next = 0

  package init(_ context: DeviceContext, partBytes: Int = 4 << 20, parts: Int = 2) throws(PinionError) {
    guard partBytes > 0, parts > 0 else { throw .invalidArgument("a staging ring of \(parts) parts of \(partBytes) bytes") }
    memory = try PinnedMemory(context, bytes: try partBytes.multiplied(by: parts))
    var done: [DeviceEvent] = []
    for _ in 0..<parts { done.append(try DeviceEvent(context)) }
    self.done = done
    self.partBytes = partBytes
    isUsed = [Bool](repeating: false, count: parts)
  }

  deinit {
    // Copies may still read or write the memory, which goes with this object.
    for part in done.indices where isUsed[part] { do throws(PinionError) { try done[part].synchronize() } catch {} }
  }

  /// Copies from any memory of the host, which may change as soon as the call returns.
  package func upload(_ source: UnsafeRawBufferPointer, to target: DeviceAddress, in stream: DeviceStream) throws(PinionError) {
    var offset = 0
    while offset < source.count {
      let bytes = min(partBytes, source.count - offset)
      let part = try take()
      let staging = memory.pointer + part * partBytes
      if let base = source.baseAddress { staging.copyMemory(from: base + offset, byteCount: bytes) }
      try stream.copy(from: UnsafeRawPointer(staging), bytes: bytes, to: target.offset(by: offset))
      try finish(part, in: stream)
      offset += bytes
    }
  }

  /// Copies to any memory of the host, which is filled when the call returns.
  package func download(_ source: DeviceAddress, to target: UnsafeMutableRawBufferPointer, in stream: DeviceStream) throws(PinionError) {
    var waiting: (part: Int, offset: Int, bytes: Int)?
    func drain() throws(PinionError) {
      guard let (part, offset, bytes) = waiting, let base = target.baseAddress else { return }
      try done[part].synchronize()
      isUsed[part] = false
      (base + offset).copyMemory(from: memory.pointer + part * partBytes, byteCount: bytes)
      waiting = nil
    }
    var offset = 0
    while offset < target.count {
      let bytes = min(partBytes, target.count - offset)
      // With one part it must be emptied first; with more the device fills the next one meanwhile.
      if done.count == 1 { try drain() }
      let part = try take()
      try stream.copy(from: source.offset(by: offset), bytes: bytes, to: memory.pointer + part * partBytes)
      try finish(part, in: stream)
      try drain()
      waiting = (part, offset, bytes)
      offset += bytes
    }
    try drain()
  }

  private func take() throws(PinionError) -> Int {
    let part = next
    if isUsed[part] { try done[part].synchronize() }
    isUsed[part] = false
    next = (next + 1) % done.count
    return part
  }

  private func finish(_ part: Int, in stream: DeviceStream) throws(PinionError) {
    // Marked first: where recording fails the copy is under way all the same.
    do throws(PinionError) { try done[part].record(in: stream) } catch {
      do throws(PinionError) { try stream.synchronize() } catch {}
      throw error
    }
    isUsed[part] = true
  }
}
