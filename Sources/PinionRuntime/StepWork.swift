import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// What a step of a plan does, for a profile.
struct StepWork: Sendable {
  /// False for the further stages of a node, which stand for no work of their own.
  var isFirst = true
  var operations = 0
  var bytes = 0
  var kernel = ""
  var element: ElementType?
  /// Numbers of the values that the node reads and makes, those in another shape counted as what they are views of.
  var inputs: [Int] = []
  var outputs: [Int] = []
}

extension Program {
  /// The work of each of a segment's steps.
  func work(of segment: Segment) -> [StepWork] {
    let layout = segment.record.layout
    // A view moves nothing: who reads it reads what it is made from.
    var sources = [Int](graph.values.indices)
    for (position, index) in segment.record.nodes.enumerated() where layout.placedIndex[position] < 0 && index != segment.eagerNode {
      guard let input = graph.nodes[index].inputs.first ?? nil else { continue }
      for case let output? in graph.nodes[index].outputs { sources[output.index] = sources[input.index] }
    }
    var works: [StepWork] = []
    for step in 0..<segment.steps.count {
      let node = segment.steps[step].node
      if step > 0, node >= 0, segment.steps[step &- 1].node == node {
        works.append(StepWork(isFirst: false))
      } else if node >= 0 {
        works.append(work(of: node, knowledge: segment.knowledge, sources: sources))
      } else {
        works.append(StepWork())
      }
    }
    for (placed, first) in zip(layout.placed, layout.firstSteps) where works.indices.contains(first) { works[first].kernel = placed.kernel.name }
    return works
  }

  /// The work of a node for types that are known.
  func work(of index: Int, knowledge: KnowledgeTable, sources: [Int]? = nil) -> StepWork {
    let node = graph.nodes[index]
    let inputs = node.inputs.map { $0.flatMap { knowledge[$0.index].type } }
    let outputs = node.outputs.compactMap { $0.flatMap { knowledge[$0.index].type } }
    var work = StepWork()
    if outputs.count == node.outputs.count(where: { $0 != nil }), node.subgraphs.isEmpty {
      work.operations = node.op.operations(inputs: inputs, outputs: outputs)
    }
    for case let type? in inputs { work.bytes = work.bytes.addingSaturating(type.byteCount) }
    for type in outputs { work.bytes = work.bytes.addingSaturating(type.byteCount) }
    work.element = inputs.first.flatMap { $0?.element } ?? outputs.first?.element
    work.inputs = node.inputs.compactMap { $0.map { sources?[$0.index] ?? $0.index } }
    work.outputs = node.outputs.compactMap { $0?.index }
    return work
  }

  /// The work of a node that ran outside of a plan.
  func work(of index: Int, inputs: [Value?], results: [Value]) -> StepWork {
    var knowledge = KnowledgeTable([Knowledge](repeating: .unknown, count: graph.values.count))
    for (value, input) in zip(graph.nodes[index].inputs, inputs) { if let value { knowledge[value.index] = Program.knowledge(of: input) } }
    for (value, result) in zip(graph.nodes[index].outputs, results) { if let value { knowledge[value.index] = Program.knowledge(of: result) } }
    return work(of: index, knowledge: knowledge)
  }
}
