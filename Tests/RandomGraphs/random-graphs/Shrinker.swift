import Pinion
import PinionBase
import PinionTensor

/// Makes a model that fails a check smaller as long as it fails the same check.
final class Shrinker {
  private let runtime: Runtime
  private let fails: (ModelSpec) -> Bool
  private var attempts = 800
  private var counter = 1_000_000

  /// - Parameter fails: whether a model fails the check.
  init(runtime: Runtime, fails: @escaping (ModelSpec) -> Bool) {
    self.runtime = runtime
    self.fails = fails
  }

  func shrink(_ spec: ModelSpec) -> ModelSpec {
    var best = first(of: [spec]) ?? spec
    let steps = [fewerRuns, fewerOutputs, fewerCarried, fewerNodes, smallerBodies, plainInputs]
    var hasShrunk = true
    while hasShrunk, attempts > 0 {
      hasShrunk = false
      for step in steps {
        while let smaller = first(of: step(best)) {
          best = smaller
          hasShrunk = true
        }
      }
    }
    return best
  }

  private func first(of candidates: [ModelSpec]) -> ModelSpec? {
    for candidate in candidates where attempts > 0 {
      attempts -= 1
      let tidy = candidate.withoutDeadParts()
      if fails(tidy) { return tidy }
      // A plan's memory also depends on nodes that nothing needs.
      if tidy.graph.nodes.count < candidate.graph.nodes.count, fails(candidate) { return candidate }
    }
    return nil
  }

  private func fewerRuns(_ spec: ModelSpec) -> [ModelSpec] {
    guard spec.runs.count > 1 else { return [] }
    var candidates: [ModelSpec] = []
    for index in spec.runs.indices {
      var candidate = spec
      candidate.runs = [spec.runs[index]]
      candidates.append(candidate)
    }
    if spec.runs.count > 2 {
      for index in spec.runs.indices {
        var candidate = spec
        candidate.runs.remove(at: index)
        candidates.append(candidate)
      }
    }
    return candidates
  }

  /// What a state keeps becomes an input like others.
  private func fewerCarried(_ spec: ModelSpec) -> [ModelSpec] {
    guard spec.carried.count > 1 else { return [] }
    return spec.carried.indices.map { index in
      var candidate = spec
      let pair = candidate.carried.remove(at: index)
      for run in candidate.runs.indices { candidate.runs[run][pair.input] = spec.initial[pair.input] }
      return candidate
    }
  }

  private func fewerOutputs(_ spec: ModelSpec) -> [ModelSpec] {
    guard spec.graph.outputs.count > 1 else { return [] }
    return spec.graph.outputs.indices.map { index in
      var candidate = spec
      candidate.graph.outputs.remove(at: index)
      return candidate
    }
  }

  /// A node goes: what it gives becomes an input, or one of its inputs takes its place.
  private func fewerNodes(_ spec: ModelSpec) -> [ModelSpec] {
    var candidates: [ModelSpec] = []
    let interpreter = Interpreter(spec, runtime: runtime)
    let environments = spec.runs.map { try? interpreter.finalEnvironment($0) }
    for index in spec.graph.nodes.indices.reversed() {
      let node = spec.graph.nodes[index]
      if environments.allSatisfy({ $0 != nil }) {
        var candidate = spec
        candidate.graph.nodes.remove(at: index)
        for name in node.outputs where !name.isEmpty {
          guard let value = environments[0]?[name]?.value else { continue }
          candidate.graph.inputs.append(ValueSpec(name: name, type: value.openType))
          for run in candidate.runs.indices { candidate.runs[run][name] = try? environments[run]?[name]?.value.deepCopy() }
        }
        candidates.append(candidate)
      }
      for input in node.inputs where !input.isEmpty {
        guard let output = node.outputs.first else { continue }
        var candidate = spec
        candidate.graph.nodes.remove(at: index)
        candidate.graph.rename(output, input)
        candidates.append(candidate)
      }
    }
    return candidates
  }

  /// The same inside subgraphs and functions.
  private func smallerBodies(_ spec: ModelSpec) -> [ModelSpec] {
    var candidates: [ModelSpec] = []
    for (index, node) in spec.graph.nodes.enumerated() {
      for smaller in smaller(node) {
        var candidate = spec
        candidate.graph.nodes[index] = smaller
        candidates.append(candidate)
      }
    }
    for (index, function) in spec.functions.enumerated() {
      var body = GraphSpec()
      body.nodes = function.nodes
      body.outputs = function.outputs.map { ValueSpec(name: $0, type: nil) }
      for smaller in smaller(body) {
        var candidate = spec
        candidate.functions[index].nodes = smaller.nodes
        candidate.functions[index].outputs = smaller.outputs.map(\.name)
        candidates.append(candidate)
      }
    }
    return candidates
  }

  private func smaller(_ node: NodeSpec) -> [NodeSpec] {
    var results: [NodeSpec] = []
    for (index, (name, value)) in node.attributes.enumerated() {
      guard case .graph(let body) = value else { continue }
      for body in smaller(body) {
        var copy = node
        copy.attributes[index] = (name, .graph(body))
        results.append(copy)
      }
    }
    guard node.op == "Loop" || node.op == "Scan", let place = node.attributes.firstIndex(where: { $0.name == "body" }),
      case .graph(let body) = node.attributes[place].value
    else { return results }
    // A carried value or scan output less.
    let fixed = node.op == "Loop" ? 2 : 0, condition = node.op == "Loop" ? 1 : 0
    let carried = node.op == "Loop" ? node.inputs.count - 2 : node.inputs.count - (node.int("num_scan_inputs") ?? 0)
    for index in 0..<max(carried, 0) {
      var copy = node, inner = body
      copy.inputs.remove(at: fixed + index)
      copy.outputs.remove(at: index)
      inner.inputs.remove(at: fixed + index)
      inner.outputs.remove(at: condition + index)
      copy.attributes[place] = ("body", .graph(inner))
      results.append(copy)
    }
    for index in max(carried, 0)..<max(node.outputs.count, carried, 0) {
      guard node.attribute("scan_output_directions") == nil else { break }
      var copy = node, inner = body
      copy.outputs.remove(at: index)
      inner.outputs.remove(at: condition + index)
      copy.attributes[place] = ("body", .graph(inner))
      results.append(copy)
    }
    return results
  }

  private func smaller(_ body: GraphSpec) -> [GraphSpec] {
    var results: [GraphSpec] = []
    for (index, node) in body.nodes.enumerated().reversed() {
      for input in node.inputs where !input.isEmpty {
        guard let output = node.outputs.first else { continue }
        var copy = body
        copy.nodes.remove(at: index)
        copy.rename(output, input)
        results.append(copy)
      }
      for smaller in smaller(node) {
        var copy = body
        copy.nodes[index] = smaller
        results.append(copy)
      }
    }
    return results
  }

  /// No overrides, and inputs that declare what they are.
  private func plainInputs(_ spec: ModelSpec) -> [ModelSpec] {
    var candidates: [ModelSpec] = []
    let initializers = Set(spec.graph.initializers.map(\.name))
    for (index, input) in spec.graph.inputs.enumerated() {
      if initializers.contains(input.name) {
        var candidate = spec
        candidate.graph.inputs.remove(at: index)
        for run in candidate.runs.indices { candidate.runs[run][input.name] = nil }
        candidates.append(candidate)
      } else if case .tensor(let element, let dims)? = input.type, dims == nil || dims?.contains(where: { if case .known = $0 { false } else { true } }) ?? false,
        spec.runs.count == 1, let tensor = spec.runs[0][input.name]?.tensor {
        var candidate = spec
        candidate.graph.inputs[index].type = .tensor(element, dims: tensor.shape.dims.map(Dimension.known))
        candidates.append(candidate)
      }
    }
    return candidates
  }
}

extension GraphSpec {
  /// Makes every reader of `old` read `new`, in subgraphs as well.
  mutating func rename(_ old: String, _ new: String) {
    for index in nodes.indices {
      nodes[index].inputs = nodes[index].inputs.map { $0 == old ? new : $0 }
      for (place, (name, value)) in nodes[index].attributes.enumerated() {
        guard case .graph(var body) = value else { continue }
        body.rename(old, new)
        nodes[index].attributes[place] = (name, .graph(body))
      }
    }
    for index in outputs.indices where outputs[index].name == old { outputs[index].name = new }
  }

  /// Without nodes, initializers and inputs that nothing uses.
  /// - Parameter kept: inputs that stay in any case.
  fileprivate func withoutDeadParts(isMain: Bool, kept: Set<String> = []) -> GraphSpec {
    var copy = self
    var used = Set(outputs.map(\.name))
    var nodes: [NodeSpec] = []
    for var node in self.nodes.reversed() where node.outputs.contains(where: { used.contains($0) }) {
      for (index, (name, value)) in node.attributes.enumerated() {
        if case .graph(let body) = value { node.attributes[index] = (name, .graph(body.withoutDeadParts(isMain: false))) }
      }
      used.formUnion(node.inputs)
      for body in node.subgraphs { used.formUnion(body.outerNames) }
      nodes.append(node)
    }
    copy.nodes = nodes.reversed()
    copy.initializers.removeAll { !used.contains($0.name) }
    if isMain { copy.inputs.removeAll { !used.contains($0.name) && !kept.contains($0.name) } }
    return copy
  }
}

extension ModelSpec {
  func withoutDeadParts() -> ModelSpec {
    var copy = self
    copy.carried.removeAll { pair in
      !graph.outputs.contains { $0.name == pair.output } || !graph.inputs.contains { $0.name == pair.input }
    }
    copy.graph = graph.withoutDeadParts(isMain: true, kept: Set(copy.carried.map(\.input)))
    let inputs = Set(copy.graph.inputs.map(\.name))
    for name in Set(carried.map(\.input)).subtracting(copy.carried.map(\.input)) where inputs.contains(name) {
      for run in copy.runs.indices { copy.runs[run][name] = initial[name] }
    }
    for run in copy.runs.indices { copy.runs[run] = copy.runs[run].filter { inputs.contains($0.key) } }
    func calls(_ graph: GraphSpec) -> [String] { graph.nodes.flatMap { [$0.op] + $0.subgraphs.flatMap(calls) } }
    let called = Set(calls(copy.graph))
    copy.functions.removeAll { !called.contains($0.name) }
    return copy
  }
}
