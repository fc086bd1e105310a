/// How many runs took how long, in bins of equal width from the least to the 99.5th percentile; the last bin has no upper end.
struct LatencyHistogram {
  struct Bin {
    /// Nanoseconds; nil for the last.
    let end: Double?
    let start: Double
    var count = 0
  }
  private(set) var bins: [Bin] = []

  /// - Parameter sorted: nanoseconds, ascending.
  init(_ sorted: [UInt64], bins count: Int = 16) {
    guard let least = sorted.first, let last = sorted.last else { return }
    let high = sorted[min(sorted.count - 1, sorted.count * 995 / 1000)]
    guard high > least else {
      bins = [Bin(end: nil, start: Double(least), count: sorted.count)]
      return
    }
    let width = Double(high - least) / Double(count)
    for index in 0..<count { bins.append(Bin(end: Double(least) + width * Double(index + 1), start: Double(least) + width * Double(index))) }
    if last > high { bins.append(Bin(end: nil, start: Double(high))) }
    for time in sorted {
      let place = time > high ? count : min(Int(Double(time - least) / width), count - 1)
      bins[place].count += 1
    }
  }

  /// A line for each bin: where it begins, how many runs, and a bar.
  var lines: [String] {
    let most = bins.map(\.count).max() ?? 0, starts = bins.map { timeText($0.start) }, counts = bins.map { "\($0.count)" }
    let startWidth = starts.map(\.count).max() ?? 0, countWidth = counts.map(\.count).max() ?? 0
    return bins.indices.map { index in
      let bar = most == 0 ? 0 : (bins[index].count * 40 + most - 1) / most
      let start = String(repeating: " ", count: startWidth - starts[index].count) + starts[index]
      let count = String(repeating: " ", count: countWidth - counts[index].count) + counts[index]
      return "  \(bins[index].end == nil && bins.count > 1 ? "over " : "from ")\(start)  \(count)  " + String(repeating: "#", count: bar)
    }
  }

  var json: JSON {
    .list(bins.map { .object([("from_ns", .number($0.start)), ("to_ns", $0.end.map { .number($0) } ?? .null), ("runs", .integer($0.count))]) })
  }
}
