import PinionBase

/// Polls the limits of a run that waits for a plan while what is resolved is placed and laid out.
///
/// That work is not kept where a limit ends it, so that each try may do twice as much of it as the one before without looking at the
/// limits: runs with one deadline come to a plan in the end, however short the deadline is.
struct BuildPoll {
  /// Steps of some nanoseconds that the first try after an interrupted one does in any case.
  private static let firstGrace = 1 << 18
  private var grace: Int
  private var poll: Poll
  /// The steps that the next try may do.
  let nextGrace: Int

  /// - Parameters:
  ///   - control: nil for a plan that no run waits for.
  ///   - grace: what an interrupted try before has left.
  init(_ control: RunControl?, grace: Int = 0) {
    poll = Poll(control ?? RunControl())
    self.grace = grace
    nextGrace = max(grace &* 2, BuildPoll.firstGrace)
  }

  /// Counts steps that have been taken or are about to be, each of some nanoseconds.
  @inline(__always)
  mutating func count(_ steps: Int) throws(PinionError) {
    guard grace <= 0 else {
      grace &-= steps
      return
    }
    try poll.count(steps)
  }
}
