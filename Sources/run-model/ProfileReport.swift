import Pinion
import RunModelInputs

/// A profile in numbers of one run.
struct ProfileReport {
  struct Node {
    let sum: Profile.Sum
    /// Nanoseconds of a run, without what runs inside.
    let time: Double
    let calls: Double
    let operations: Double
    let bytes: Double
    /// The share of what the machine gives: of arithmetic or of memory, whichever is nearer.
    let share: Double

    /// Billions a second.
    var operationRate: Double { time > 0 ? operations / time : 0 }
    var byteRate: Double { time > 0 ? bytes / time : 0 }
  }

  let peak: MachinePeak
  let runs: Int
  let elapsed: Double
  /// Nanoseconds of a run in nodes.
  let inNodes: Double
  /// Nanoseconds of a run in the library outside of nodes.
  let between: Double
  let nodes: [Node]

  init(_ profile: Profile, runs: Int, elapsed: Double, peak: MachinePeak) {
    self.peak = peak
    self.runs = runs
    self.elapsed = elapsed
    let count = Double(runs)
    inNodes = Double(profile.nodeNanoseconds) / count
    between = max(Double(profile.runNanoseconds) / count - inNodes, 0)
    nodes = profile.sums.map { sum in
      let time = Double(sum.ownNanoseconds) / count
      let operations = Double(sum.operations) / count, bytes = Double(sum.bytes) / count
      let limit = max(operations / peak.arithmetic(sum.element), peak.memory > 0 ? bytes / peak.memory : 0)
      return Node(
        sum: sum, time: time, calls: Double(sum.calls) / count, operations: operations, bytes: bytes, share: time > 0 ? limit / time : 0)
    }
  }

  func shareOfTime(_ time: Double) -> Double { inNodes > 0 ? time / inNodes : 0 }

  /// By operator, the longest first.
  var byOperator: [(name: String, nodes: Int, calls: Double, time: Double)] {
    var entries: [String: (nodes: Int, calls: Double, time: Double)] = [:]
    for node in nodes {
      var entry = entries[node.sum.operatorName] ?? (0, 0, 0)
      entry.nodes += 1
      entry.calls += node.calls
      entry.time += node.time
      entries[node.sum.operatorName] = entry
    }
    return entries.map { ($0.key, $0.value.nodes, $0.value.calls, $0.value.time) }.sorted { $0.time != $1.time ? $0.time > $1.time : $0.name < $1.name }
  }

  var slowestFirst: [Node] { nodes.sorted { $0.time > $1.time } }

  var peakText: String {
    let int8 = peak.int8 > 0 ? ", of bytes \(shortText(peak.int8, digits: 3))" : ""
    return "this machine, one thread: \(shortText(peak.float32, digits: 3)) G float32 operations/s\(int8); \(shortText(peak.memory, digits: 3)) GB/s from memory"
  }

  func print(nodes count: Int) {
    Swift.print(
      "\(timeText(elapsed)) a run, \(timeText(inNodes)) in nodes, \(timeText(between)) between them, \(nodes.count) nodes, \(runs) runs")
    Swift.print(peakText + "\n")
    var operators = Table([("time", .right), ("share", .right), ("nodes", .right), ("calls", .right), ("operator", .left)])
    for entry in byOperator {
      let calls = shortText(entry.calls, digits: 6)
      operators.add([timeText(entry.time), percentText(shareOfTime(entry.time)), String(entry.nodes), calls, entry.name])
    }
    operators.print()
    guard count > 0 else { return }
    Swift.print("")
    var table = Table([
      ("time", .right), ("share", .right), ("GFLOP/s", .right), ("GB/s", .right), ("of peak", .right), ("bytes", .right), ("operator", .left),
      ("kernel", .left), ("node", .left),
    ])
    let sorted = slowestFirst
    for node in sorted.prefix(count) {
      table.add([
        timeText(node.time), percentText(shareOfTime(node.time)), shortText(node.operationRate, digits: 3), shortText(node.byteRate, digits: 3),
        percentText(node.share), byteText(Int(node.bytes / max(node.calls, 1))), node.sum.operatorName, node.sum.kernel, escaped(node.sum.node),
      ])
    }
    table.print()
    if sorted.count > count { Swift.print("  … \(sorted.count - count) more; --nodes N shows them") }
  }
}
