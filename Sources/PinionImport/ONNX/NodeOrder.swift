import PinionBase

/// The nodes in an order in which each follows those whose outputs it reads, as close to the file's order as that allows.
/// - Throws: `.invalidModel` where nodes depend on each other in a circle, what the limits of the load say.
func sorted(_ nodes: [ONNXNode], known: Set<String>, _ control: RunControl) throws(PinionError) -> [ONNXNode] {
  var poll = Poll(control)
  var producer: [String: Int] = [:]
  var isOrdered = true
  var hasDuplicates = false
  for (index, node) in nodes.enumerated() {
    try poll.count(32 &+ 16 &* node.outputs.count)
    for name in node.outputs where !name.isEmpty {
      if producer.updateValue(index, forKey: name) != nil || known.contains(name) { hasDuplicates = true }
    }
  }
  var dependencies: [[Int]] = []
  for (index, node) in nodes.enumerated() {
    var needed: [Int] = []
    try poll.count(32 &+ 16 &* node.inputs.count)
    for name in node.inputs + (try freeNames(of: node, &poll)) {
      guard let source = producer[name] else { continue }
      if source >= index { isOrdered = false }
      needed.append(source)
    }
    dependencies.append(needed)
  }
  // Where a name is given twice, only the file's order tells which one a reader means.
  if isOrdered || hasDuplicates { return nodes }

  var readers = [[Int]](repeating: [], count: nodes.count)
  var missing = [Int](repeating: 0, count: nodes.count)
  for (index, needed) in dependencies.enumerated() {
    try poll.count(16 &+ 16 &* needed.count)
    for source in Set(needed) {
      readers[source].append(index)
      missing[index] += 1
    }
  }
  var result: [ONNXNode] = []
  var ready = Array(nodes.indices.filter { missing[$0] == 0 }.reversed())
  while let index = ready.popLast() {
    result.append(nodes[index])
    try poll.count(16 &+ 8 &* readers[index].count)
    for reader in readers[index].reversed() {
      missing[reader] -= 1
      if missing[reader] == 0 { ready.append(reader) }
    }
  }
  guard result.count == nodes.count else {
    let stuck = nodes.indices.filter { missing[$0] > 0 }.prefix(4).map { "'\(nodes[$0].name)' (\(nodes[$0].opType))" }
    throw .invalidModel("nodes depend on each other in a circle: " + stuck.joined(separator: ", "))
  }
  return result
}

/// Names that a node's subgraphs read from outside.
private func freeNames(of node: ONNXNode, _ poll: inout Poll) throws(PinionError) -> [String] {
  var free: [String] = []
  for attribute in node.attributes {
    guard let graph = attribute.g else { continue }
    var bound = Set(graph.inputs.map(\.name)).union(graph.initializers.map(\.name))
    for inner in graph.nodes {
      try poll.count(32 &+ 16 &* inner.outputs.count)
      bound.formUnion(inner.outputs)
    }
    for inner in graph.nodes {
      try poll.count(16 &* inner.inputs.count)
      for name in inner.inputs + (try freeNames(of: inner, &poll)) where !name.isEmpty && !bound.contains(name) { free.append(name) }
    }
    for output in graph.outputs where !bound.contains(output.name) { free.append(output.name) }
  }
  return free
}
