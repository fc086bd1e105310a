import PinionBase

/// Work in pieces, each of which looks at the limits, that goes on where a limit has ended it: what is called again makes the same pieces
/// in the same order, of which those that are done are left out.
public final class PieceWork {
  private var control: RunControl?
  private var done = 0
  private var next = 0
  /// Memory that the work needs on its way, in the order in which it is asked for.
  private var memory: [Buffer] = []
  private var memoryInUse = 0

  /// - Parameter control: what waits for the work; nil for nobody who would end it.
  public init(_ control: RunControl? = nil) { self.control = control }

  /// Begins again from the first piece, for another who waits.
  func resume(_ control: RunControl?) {
    self.control = control
    next = 0
    memoryInUse = 0
  }

  /// Calls `body` with pieces of `0..<count` in order.
  /// - Parameter body: a piece, of a millisecond or two, that leaves nothing behind but what it writes to the work's result.
  public func inPieces(of size: Int, _ count: Int, _ body: (Range<Int>) throws(PinionError) -> Void) throws(PinionError) {
    let size = max(size, 1)
    var start = 0
    while start < count {
      let end = min(start &+ size, count)
      if next >= done {
        try control?.check()
        try body(start..<end)
        done = next &+ 1
      }
      next &+= 1
      start = end
    }
  }

  /// Memory that is there until the work is done, also where a limit ends it meanwhile.
  /// - Parameter make: gives new memory.
  func buffer(_ make: () throws(PinionError) -> Buffer) throws(PinionError) -> Buffer {
    if memoryInUse == memory.count { memory.append(try make()) }
    memoryInUse += 1
    let buffer = memory[memoryInUse - 1]
    try populate(buffer)
    return buffer
  }

  /// Gives back what was needed on the way.
  func finish() { memory = [] }

  /// Lets the system provide the pages of new memory.
  func populate(_ buffer: Buffer) throws(PinionError) {
    guard buffer.isLate else { return }
    try inPieces(of: 4 << 20, buffer.byteCount) { buffer.populate($0) }
  }
}
