import PinionBase

/// The nodes in an order in which each follows those whose outputs it reads, as close to the file's order as that allows.
/// - Throws: `.invalidModel` where nodes depend on each other in a circle, what the limits of the load say.
/// - Parameters:
///   - isKnown: whether a name stands for something that no node makes.
///   - names: how many names the file has, where the nodes may have most of them.
func sorted(
  _ nodes: [ONNXNode], names: Int?, _ control: RunControl, isKnown: (ONNXName) -> Bool
) throws(PinionError) -> [ONNXNode] {
  var poll = Poll(control)
  var producer = NamedValues<Int>(names: names)
  var isOrdered = true
  for (index, node) in nodes.enumerated() {
    try poll.count(32 &+ 16 &* node.outputs.count)
    for name in node.outputs where !name.isEmpty {
      if isKnown(name) { throw .invalidModel("node \(index) gives '\(name)', which is an input or initializer of its graph") }
      if let first = producer[name] { throw .invalidModel("nodes \(first) and \(index) both give '\(name)'") }
      producer[name] = index
    }
  }
  for (index, node) in nodes.enumerated() where isOrdered {
    try poll.count(32 &+ 16 &* node.inputs.count)
    for name in node.inputs { if let source = producer[name], source >= index { isOrdered = false } }
    guard isOrdered, node.hasGraphs else { continue }
    for name in try freeNames(of: node, &poll) { if let source = producer[name], source >= index { isOrdered = false } }
  }
  if isOrdered { return nodes }

  var dependencies: [[Int]] = []
  for node in nodes {
    var needed: [Int] = []
    try poll.count(32 &+ 16 &* node.inputs.count)
    for name in node.inputs + (try freeNames(of: node, &poll)) { if let source = producer[name] { needed.append(source) } }
    dependencies.append(needed)
  }

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
    let stuck = nodes.indices.filter { missing[$0] > 0 }.prefix(4).map { "'\(nodes[$0].name)' (\(nodes[$0].opType.text))" }
    throw .invalidModel("nodes depend on each other in a circle: " + stuck.joined(separator: ", "))
  }
  return result
}

/// Names that a node's subgraphs read from outside.
private func freeNames(of node: ONNXNode, _ poll: inout Poll) throws(PinionError) -> [ONNXName] {
  var free: [ONNXName] = []
  for attribute in node.attributes {
    guard let graph = attribute.g else { continue }
    var bound = Set(graph.inputs.map(\.name.number)).union(graph.initializers.map(\.name.number))
    for inner in graph.nodes {
      try poll.count(32 &+ 16 &* inner.outputs.count)
      bound.formUnion(inner.outputs.map(\.number))
    }
    for inner in graph.nodes {
      try poll.count(16 &* inner.inputs.count)
      for name in inner.inputs + (try freeNames(of: inner, &poll)) where !name.isEmpty && !bound.contains(name.number) { free.append(name) }
    }
    for output in graph.outputs where !bound.contains(output.name.number) { free.append(output.name) }
  }
  return free
}
