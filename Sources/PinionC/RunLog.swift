import CPinion
import Pinion
import PinionBase

/// Microseconds of the monotonic clock since `begin`.
func microseconds(since begin: UInt64) -> UInt64 { (monotonicNanoseconds() &- begin) / 1000 }

extension SessionBox {
  /// What a run gives that may plan, with what the log is told of it where it succeeds; errors are for the call that asks for the run.
  func logging<T>(_ inputs: [Value?], _ run: () throws(PinionError) -> T) throws(PinionError) -> T {
    let begin = monotonicNanoseconds()
    let result = try run()
    if let name = session.takeNameOfUnequalExtents() {
      runtime.log(
        PINION_LOG_WARNING,
        "dimensions named '\(name)' are unequal; runs whose inputs do not keep to the names are planned as if no dimension had one")
    }
    runtime.log(PINION_LOG_DEBUG, "ran in \(microseconds(since: begin)) us: \(text(inputs))")
    return result
  }

  private func text(_ inputs: [Value?]) -> String {
    zip(self.inputs, inputs).compactMap { info, value in value.map { "\(String(cString: info.name.pointer)) \($0.type)" } }.joined(separator: ", ")
  }
}
