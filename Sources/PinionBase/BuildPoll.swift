/// Polls the limits of what waits while something is built that is not kept where a limit ends it: what is placed and laid out of a plan, a node's
/// operands, the trees of an ensemble.
///
/// Each try may do twice as much of it as the one before without looking at the limits: those with one deadline come to an end, however
/// short the deadline is.
package struct BuildPoll {
  /// Steps of some nanoseconds that the first try after an interrupted one does in any case.
  private static let firstGrace = 1 << 18
  private var grace: Int
  private var poll: Poll
  /// The steps that the next try may do.
  package let nextGrace: Int

  /// - Parameters:
  ///   - control: nil for what nobody waits for.
  ///   - grace: what an interrupted try before has left.
  package init(_ control: RunControl?, grace: Int = 0) {
    poll = Poll(control ?? RunControl())
    self.grace = grace
    nextGrace = max(grace &* 2, BuildPoll.firstGrace)
  }

  /// Counts steps that have been taken or are about to be, each of some nanoseconds.
  @inline(__always)
  package mutating func count(_ steps: Int) throws(PinionError) {
    guard grace <= 0 else {
      grace &-= steps
      return
    }
    try poll.count(steps)
  }
}
