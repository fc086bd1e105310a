import Synchronization

/// Large blocks that came back, for those to come: what the system gives anew it has to clear page by page, which takes longer than most
/// work on it, and the C library's heap keeps none that is larger than those before, as caches are that grow. They are pages of their own,
/// so that none leaves a hole in that heap.
///
/// Blocks are rounded up to one of eight sizes an octave, of which the part that nobody asked for is never touched. One that comes back is
/// kept while there is room for it, and until four times as many were asked for as there are.
public final class RecycledMemory: Sendable {
  /// Smaller blocks are the C library's.
  public static let leastBytes = 64 << 10
  /// Before each block lies the `Buffer` that it is a part of.
  private static let header = Buffer.alignment
  private static let mostBlocks = 256

  private struct Block {
    let memory: Buffer
    let returned: Int
  }

  private struct State {
    /// Those returned longest ago first.
    var idle: [Block] = []
    /// How many are in use.
    var out = 0
    /// How many were asked for.
    var clock = 0
    var isClosed = false
    /// Who counts what is idle among other things, and how much these may be together.
    weak var owner: (any IdleMemory)?
    var ownersLimit = Int.max
  }

  private let state = Lock(State())
  /// Changed where the lock is held.
  private let idleBytes = Atomic<Int>(0)
  /// In bytes, of blocks that are idle.
  private let limit: Int

  /// - Parameter limit: bytes that may be idle.
  public init(limit: Int) { self.limit = limit }

  /// Keeps no block with which the owner, whose bytes those that are idle here are among, would hold more than so many.
  public func count(with owner: any IdleMemory, limit: Int) {
    state.withLock { state in
      state.owner = owner
      state.ownersLimit = limit
    }
  }

  /// Bytes that are idle.
  public var bytes: Int { idleBytes.load(ordering: .relaxed) }

  /// The C library's heap, and these for large blocks. Blocks may outlive the object.
  public var allocator: Allocator {
    Allocator(
      allocate: { bytes, alignment, context in
        guard bytes >= RecycledMemory.leastBytes, let context else { return Allocator.system.allocateFunction(bytes, alignment, nil) }
        return Unmanaged<RecycledMemory>.fromOpaque(context).takeUnretainedValue().take(bytes)
      },
      deallocate: { pointer, bytes, context in
        guard bytes >= RecycledMemory.leastBytes, let pointer else { return Allocator.system.deallocateFunction(pointer, bytes, nil) }
        let header = pointer - RecycledMemory.header
        let memory = header.load(as: Unmanaged<Buffer>.self).takeRetainedValue()
        // Each block counts as a reference to the object.
        (header + 8).load(as: Unmanaged<RecycledMemory>.self).takeRetainedValue().giveBack(memory)
      },
      context: Unmanaged.passUnretained(self).toOpaque())
  }

  private func take(_ bytes: Int) -> UnsafeMutableRawPointer? {
    guard bytes < Int.max / 4 else { return nil }
    let most = bytes &+ bytes / 2
    let found = state.withLock { state -> Buffer? in
      state.clock &+= 1
      state.out &+= 1
      var best: Int?
      for (index, block) in state.idle.enumerated() {
        let size = block.memory.byteCount &- RecycledMemory.header
        if size >= bytes, size <= most, best.map({ size <= state.idle[$0].memory.byteCount &- RecycledMemory.header }) ?? true { best = index }
      }
      guard let best else { return nil }
      let memory = state.idle.remove(at: best).memory
      idleBytes.wrappingSubtract(memory.byteCount, ordering: .relaxed)
      return memory
    }
    let memory: Buffer
    if let found { memory = found } else {
      let size = RecycledMemory.rounded(bytes) &+ RecycledMemory.header
      do throws(PinionError) { memory = try Allocator.latePages.buffer(bytes: size) } catch {
        state.withLock { $0.out &-= 1 }
        return nil
      }
      if bytes <= Buffer.populatedBytes { memory.populate(0..<bytes &+ RecycledMemory.header) }
    }
    memory.pointer.storeBytes(of: Unmanaged.passRetained(memory), as: Unmanaged<Buffer>.self)
    (memory.pointer + 8).storeBytes(of: Unmanaged.passRetained(self), as: Unmanaged<RecycledMemory>.self)
    return memory.pointer + RecycledMemory.header
  }

  private func giveBack(_ memory: Buffer) {
    // What may end with its last reference goes outside the lock.
    let (owner, most) = state.withLock { ($0.owner, $0.ownersLimit) }
    let hasRoom = owner.map { memory.byteCount <= most &- $0.bytes } ?? true
    let leaving = state.withLock { state -> [Block] in
      state.out &-= 1
      guard hasRoom, !state.isClosed, memory.byteCount <= limit else { return [] }
      state.idle.append(Block(memory: memory, returned: state.clock))
      idleBytes.wrappingAdd(memory.byteCount, ordering: .relaxed)
      let longest = 4 &* (state.idle.count &+ state.out)
      return takeOldest(of: &state) { state in
        bytes > limit || state.idle.count > RecycledMemory.mostBlocks || state.clock &- state.idle[0].returned > longest
      }
    }
    withExtendedLifetime(leaving) {}
  }

  /// Gives idle blocks back until no more than so many bytes are idle, those returned longest ago first.
  public func shrink(to bytes: Int) {
    let leaving = state.withLock { state in takeOldest(of: &state) { _ in self.bytes > bytes } }
    withExtendedLifetime(leaving) {}
  }

  /// Gives all back, and what is in use as soon as it comes back.
  public func close() {
    state.withLock { $0.isClosed = true }
    shrink(to: 0)
  }

  private func takeOldest(of state: inout State, while condition: (State) -> Bool) -> [Block] {
    var leaving: [Block] = []
    while !state.idle.isEmpty, condition(state) {
      let block = state.idle.removeFirst()
      idleBytes.wrappingSubtract(block.memory.byteCount, ordering: .relaxed)
      leaving.append(block)
    }
    return leaving
  }

  /// The next of eight sizes an octave; of less than a quarter of what an `Int` holds.
  public static func rounded(_ bytes: Int) -> Int {
    let step = 1 << max(Int.bitWidth - 1 - bytes.leadingZeroBitCount - 3, 0)
    return (bytes &+ step &- 1) & ~(step &- 1)
  }
}
