extension Profile {
  /// Sums by node as a JSON object: `runs`, `run_ns`, `total_ns` (in nodes, each counted once), `between_ns`, `planned` with `made` and
  /// `kept`, `nodes` with `name`, `operator`, `calls`, `ns`, `own_ns`, `operations`, `bytes`, `kernel` and `element`.
  /// - Parameter quote: quotes a string as JSON.
  package func summaryJSON(_ quote: (String) -> String) -> String {
    let nodes = sums.map {
      "{\"name\":\(quote($0.node)),\"operator\":\(quote($0.operatorName)),\"calls\":\($0.calls),\"ns\":\($0.nanoseconds),"
        + "\"own_ns\":\($0.ownNanoseconds),\"operations\":\($0.operations),\"bytes\":\($0.bytes),\"kernel\":\(quote($0.kernel)),"
        + "\"element\":\($0.element.map { quote("\($0)") } ?? "null")}"
    }
    let total = nodeNanoseconds, whole = runNanoseconds
    let planning = planning
    return "{\"runs\":\(runs),\"run_ns\":\(whole),\"total_ns\":\(total),\"between_ns\":\(whole > total ? whole &- total : 0),"
      + "\"planned\":{\"made\":\(planning.made),\"kept\":\(planning.kept)},\"nodes\":[\(nodes.joined(separator: ","))]}"
  }

  /// The last run's events in Chrome's trace event format.
  package func traceJSON(_ quote: (String) -> String) -> String {
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
