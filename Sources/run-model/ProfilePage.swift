import Pinion
import RunModelInputs

/// A profile as one page of HTML that needs nothing else; colours follow the reader's setting.
struct ProfilePage {
  let report: ProfileReport
  let title: String

  init(_ report: ProfileReport, title: String) {
    self.report = report
    self.title = title
  }

  private static let style = """
    :root { color-scheme: light dark; --ink: #1b1b1f; --paper: #fdfdfc; --faint: #8a8a93; --line: #d9d9dd; --own: #0b6bcb; --heat: 194, 87, 26; }
    @media (prefers-color-scheme: dark) { :root { --ink: #e6e6ea; --paper: #17171a; --faint: #8f8f99; --line: #34343a; --own: #62a8f5; --heat: 238, 154, 95; } }
    body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 80rem; margin: 2rem auto; padding: 0 1rem; }
    h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; } .note, .faint { color: var(--faint); fill: var(--faint); }
    table { border-collapse: collapse; font-variant-numeric: tabular-nums; } th { color: var(--faint); font-weight: 500; }
    th, td { padding: .1rem .6rem; text-align: right; border-bottom: 1px solid var(--line); } .left { text-align: left; }
    .bar { display: inline-block; height: .7em; background: var(--own); } .wide { overflow: auto; max-height: 90vh; border: 1px solid var(--line); }
    svg { font: 11px system-ui, sans-serif; } svg text { fill: var(--ink); } svg text.faint { fill: var(--faint); }
    .edge { fill: none; stroke: var(--faint); } .box { stroke: var(--line); } .roof { fill: none; stroke: var(--faint); } circle { fill: var(--own); fill-opacity: .6; }
    """

  var text: String {
    let head = "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\"><title>\(markup(title))</title><style>\(ProfilePage.style)</style>"
    return head + "<h1>\(markup(title))</h1><p>\(timeText(report.elapsed)) a run: \(timeText(report.inNodes)) in \(report.nodes.count) nodes, "
      + "\(timeText(report.between)) between them; mean of \(report.runs) runs on \(report.peak.threads) threads.</p>"
      + "<p class=\"note\">\(markup(report.peakText)). Shares of the peak are of all threads' arithmetic or of one thread's memory, whichever is nearer; what lies in a cache can exceed memory.</p>"
      + "<h2>Operators</h2>" + operators + "<h2>Nodes under the roof</h2>" + roof + "<h2>Nodes</h2>" + nodes + "<h2>Graph</h2>"
      + ProfileGraph(report).text + "</html>\n"
  }

  private var operators: String {
    let longest = report.byOperator.first?.time ?? 1
    let rows = report.byOperator.map { entry in
      let width = shortText(12 * entry.time / max(longest, 1), digits: 3)
      return "<tr><td class=\"left\">\(markup(entry.name))<td>\(timeText(entry.time))<td>\(percentText(report.shareOfTime(entry.time)))"
        + "<td>\(entry.nodes)<td>\(shortText(entry.calls, digits: 6))<td class=\"left\"><span class=\"bar\" style=\"width:\(width)rem\"></span></tr>"
    }
    return "<table><tr><th class=\"left\">operator<th>time<th>share<th>nodes<th>calls<th></tr>\(rows.joined())</table>"
  }

  private var nodes: String {
    let rows = report.slowestFirst.map { node in
      "<tr><td>\(timeText(node.time))<td>\(percentText(report.shareOfTime(node.time)))<td>\(shortText(node.operationRate, digits: 3))"
        + "<td>\(shortText(node.byteRate, digits: 3))<td>\(percentText(node.share))<td>\(byteText(Int(node.bytes / max(node.calls, 1))))"
        + "<td>\(shortText(node.calls, digits: 6))<td class=\"left\">\(markup(node.sum.operatorName))<td class=\"left\">\(markup(node.sum.kernel))"
        + "<td class=\"left\">\(node.sum.element.map { "\($0)" } ?? "")<td class=\"left\">\(markup(node.sum.node))</tr>"
    }
    return "<table><tr><th>time<th>share<th>GFLOP/s<th>GB/s<th>of peak<th>bytes<th>calls<th class=\"left\">operator<th class=\"left\">kernel"
      + "<th class=\"left\">element<th class=\"left\">node</tr>\(rows.joined())</table>"
  }

  /// Operations a second over operations a byte, both logarithmic; circles are as large as the nodes' times.
  private var roof: String {
    let (left, top, width, height) = (50.0, 12.0, 680.0, 300.0)
    let peak = report.peak.float32 * Double(report.peak.threads)
    let (lowX, highX, lowY) = (0.02, 2000.0, 0.02), highY = max(peak, report.peak.int8) * 4
    func x(_ value: Double) -> Double { left + width * logarithm(min(max(value, lowX), highX) / lowX) / logarithm(highX / lowX) }
    func y(_ value: Double) -> Double { top + height - height * logarithm(min(max(value, lowY), highY) / lowY) / logarithm(highY / lowY) }
    func number(_ value: Double) -> String { fixedText(value, decimals: 1) }
    var parts = "<svg viewBox=\"0 0 \(Int(left + width + 20)) \(Int(top + height + 36))\" width=\"\(Int(left + width + 20))\" role=\"img\" aria-label=\"Roofline of nodes\">"
    if report.peak.memory > 0 {
      let bend = peak / report.peak.memory
      parts += "<polyline class=\"roof\" points=\"\(number(x(lowX))),\(number(y(lowX * report.peak.memory))) \(number(x(bend))),\(number(y(peak))) \(number(x(highX))),\(number(y(peak)))\"/>"
    }
    for node in report.nodes where node.operations > 0 && node.bytes > 0 && node.time > 0 {
      let radius = 2 + 26 * report.shareOfTime(node.time).squareRoot()
      parts += "<circle cx=\"\(number(x(node.operations / node.bytes)))\" cy=\"\(number(y(node.operationRate)))\" r=\"\(number(radius))\">"
        + "<title>\(markup(node.sum.operatorName)) \(markup(node.sum.node)): \(timeText(node.time)), \(shortText(node.operationRate, digits: 3)) G/s, \(percentText(node.share)) of the peak</title></circle>"
    }
    for tick in [0.1, 1, 10, 100, 1000] {
      parts += "<text class=\"faint\" x=\"\(number(x(tick)))\" y=\"\(Int(top + height + 15))\" text-anchor=\"middle\">\(shortText(tick, digits: 4))</text>"
      if tick < highY { parts += "<text class=\"faint\" x=\"\(Int(left - 5))\" y=\"\(number(y(tick) + 4))\" text-anchor=\"end\">\(shortText(tick, digits: 4))</text>" }
    }
    return parts + "<text class=\"faint\" x=\"\(Int(left + width / 2))\" y=\"\(Int(top + height + 31))\" text-anchor=\"middle\">operations a byte; G operations/s upwards</text></svg>"
  }
}

/// Text as it stands between tags and in attributes.
func markup(_ text: String) -> String {
  var result = ""
  for scalar in text.unicodeScalars {
    switch scalar {
    case "&": result += "&amp;"
    case "<": result += "&lt;"
    case ">": result += "&gt;"
    case "\"": result += "&quot;"
    case "'": result += "&#39;"
    case _ where scalar.value < 32: result += " "
    default: result.unicodeScalars.append(scalar)
    }
  }
  return result
}
