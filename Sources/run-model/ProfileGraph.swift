import Glibc
import Pinion
import RunModelInputs

/// The natural logarithm.
func logarithm(_ value: Double) -> Double { log(value) }

/// The nodes of the outermost graph as a picture: each below what it reads, the darker the longer it takes.
struct ProfileGraph {
  private let report: ProfileReport
  private let nodes: [ProfileReport.Node]
  /// For each node the row that it stands in, and where in it.
  private var rows: [Int] = []
  private var places: [Int] = []
  private var edges: [(from: Int, to: Int)] = []
  private var widest = 0

  private static let limit = 3000
  private static let box = (width: 150, height: 30, gap: 12, step: 52)

  init(_ report: ProfileReport) {
    self.report = report
    nodes = Array(report.nodes.filter { $0.sum.depth == 0 }.prefix(ProfileGraph.limit))
    var makers: [Int: Int] = [:]
    var counts: [Int] = []
    for (index, node) in nodes.enumerated() {
      var row = 0
      for maker in Set(node.sum.inputs.compactMap { makers[$0] }).sorted() {
        edges.append((maker, index))
        row = max(row, rows[maker] &+ 1)
      }
      while counts.count <= row { counts.append(0) }
      rows.append(row)
      places.append(counts[row])
      counts[row] &+= 1
      for output in node.sum.outputs { makers[output] = index }
    }
    widest = counts.max() ?? 0
  }

  private func corner(_ index: Int) -> (x: Int, y: Int) {
    let box = ProfileGraph.box
    return (box.gap &+ places[index] &* (box.width &+ box.gap), box.gap &+ rows[index] &* box.step)
  }

  var text: String {
    let box = ProfileGraph.box
    let width = widest &* (box.width &+ box.gap) &+ box.gap, height = ((rows.max() ?? 0) &+ 1) &* box.step &+ box.gap
    var parts = "<div class=\"wide\"><svg viewBox=\"0 0 \(width) \(height)\" width=\"\(width)\" height=\"\(height)\" role=\"img\" aria-label=\"Graph\">"
    for edge in edges {
      let from = corner(edge.from), to = corner(edge.to)
      let (x0, y0, x1, y1) = (from.x &+ box.width / 2, from.y &+ box.height, to.x &+ box.width / 2, to.y)
      let bend = (y1 &- y0) / 2
      parts += "<path class=\"edge\" d=\"M\(x0),\(y0) C\(x0),\(y0 &+ bend) \(x1),\(y1 &- bend) \(x1),\(y1)\"/>"
    }
    let longest = nodes.map(\.time).max() ?? 1
    for (index, node) in nodes.enumerated() {
      let (x, y) = corner(index)
      let heat = fixedText(0.05 + 0.75 * (longest > 0 ? node.time / longest : 0), decimals: 2)
      parts += "<g><title>\(markup(node.sum.node)): \(timeText(node.time)), \(percentText(report.shareOfTime(node.time))), "
        + "\(shortText(node.operationRate, digits: 3)) G/s, \(shortText(node.byteRate, digits: 3)) GB/s, \(percentText(node.share)) of the peak\(node.sum.kernel.isEmpty ? "" : ", \(markup(node.sum.kernel))")</title>"
        + "<rect class=\"box\" x=\"\(x)\" y=\"\(y)\" width=\"\(box.width)\" height=\"\(box.height)\" rx=\"4\" style=\"fill:rgba(var(--heat),\(heat))\"/>"
        + "<text x=\"\(x &+ 6)\" y=\"\(y &+ 13)\">\(markup(short(node.sum.operatorName)))</text>"
        + "<text class=\"faint\" x=\"\(x &+ 6)\" y=\"\(y &+ 25)\">\(timeText(node.time))</text></g>"
    }
    parts += "</svg></div>"
    let left = report.nodes.filter { $0.sum.depth == 0 }.count - nodes.count
    return left > 0 ? parts + "<p class=\"note\">\(left) further nodes are not drawn.</p>" : parts
  }

  private func short(_ name: String) -> String { name.count > 22 ? String(name.prefix(21)) + "…" : name }
}
