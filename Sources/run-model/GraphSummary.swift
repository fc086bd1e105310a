import Pinion

/// Counts over a graph and all graphs inside its nodes.
struct GraphSummary {
  private(set) var nodeCount = 0
  /// Most frequent first.
  private(set) var operators: [(name: String, count: Int)] = []
  /// Largest first.
  private(set) var weights: [(name: String, type: TensorType)] = []
  /// Most bytes first.
  private(set) var bytesByType: [(element: ElementType, bytes: Int)] = []

  var bytes: Int { bytesByType.reduce(0) { $0 &+ $1.bytes } }

  init(_ graph: Graph) {
    var counts: [String: Int] = [:]
    add(graph, &counts)
    nodeCount = counts.values.reduce(0, +)
    operators = counts.map { ($0.key, $0.value) }.sorted { $0.count != $1.count ? $0.count > $1.count : $0.name < $1.name }
    weights.sort { $0.type.byteCount != $1.type.byteCount ? $0.type.byteCount > $1.type.byteCount : $0.name < $1.name }
    var bytes: [ElementType: Int] = [:]
    for weight in weights { bytes[weight.type.element, default: 0] &+= weight.type.byteCount }
    bytesByType = bytes.map { ($0.key, $0.value) }.sorted { $0.bytes != $1.bytes ? $0.bytes > $1.bytes : "\($0.element)" < "\($1.element)" }
  }

  private mutating func add(_ graph: Graph, _ counts: inout [String: Int]) {
    for (value, tensor) in graph.constants { weights.append((graph[value].name, tensor.type)) }
    for node in graph.nodes {
      counts[node.schema.qualifiedName, default: 0] += 1
      for subgraph in node.subgraphs { add(subgraph, &counts) }
    }
  }
}
