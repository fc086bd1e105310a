extension Profile {
  /// Sums by node as a JSON object: `runs`, `total_ns`, `planned` with `made` and `kept`, `nodes` with `name`, `operator`, `calls`, `ns`.
  /// - Parameter quote: quotes a string as JSON.
  public func summaryJSON(_ quote: (String) -> String) -> String {
    let nodes = sums.map {
      "{\"name\":\(quote($0.node)),\"operator\":\(quote($0.operatorName)),\"calls\":\($0.calls),\"ns\":\($0.nanoseconds)}"
    }
    let total = sums.reduce(0) { $0 &+ $1.nanoseconds }
    let planning = planning
    return "{\"runs\":\(runs),\"total_ns\":\(total),\"planned\":{\"made\":\(planning.made),\"kept\":\(planning.kept)},\"nodes\":[\(nodes.joined(separator: ","))]}"
  }

  /// The last run's events in Chrome's trace event format.
  public func traceJSON(_ quote: (String) -> String) -> String {
    let events = lastRun
    let origin = events.first?.start ?? 0
    let lines = events.map { event in
      "{\"name\":\(quote(event.node.isEmpty ? event.operatorName : event.node)),\"cat\":\(quote(event.operatorName)),\"ph\":\"X\",\"pid\":1,\"tid\":1,"
        + "\"ts\":\(microseconds(event.start &- origin)),\"dur\":\(microseconds(event.end &- event.start))}"
    }
    return "{\"traceEvents\":[\(lines.joined(separator: ",\n"))],\"displayTimeUnit\":\"ns\"}"
  }

  private func microseconds(_ nanoseconds: UInt64) -> String {
    let fraction = String(nanoseconds % 1000)
    return "\(nanoseconds / 1000)." + String(repeating: "0", count: 3 - fraction.count) + fraction
  }
}
