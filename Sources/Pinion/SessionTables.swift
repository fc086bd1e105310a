import PinionBase
import PinionGraph
import PinionOperators
import PinionRuntime
import PinionTensor

// What ZipMap makes of a tensor are as many maps as it has rows, all with the same keys. Callers that make containers of their own take
// the keys once and the tensor from each run.
extension Session {
  /// The keys of an output that ZipMap makes; nil for any other.
  public func tableKeys(ofOutput index: Int) -> Tensor? {
    guard model.graph.outputs.indices.contains(index) else { return nil }
    return model.graph.zipMap(making: model.graph.outputs[index])?.keys
  }

  /// Whether all text of an output comes from the model and none from inputs. What operators make of their own counts as theirs.
  public func givesOwnText(output index: Int) -> Bool {
    let graph = program.graph
    guard graph.outputs.indices.contains(index), model.graph.outputs.indices.contains(index) else { return false }
    let producers = graph.producers()
    let entries = Set(graph.inputs)
    var open = [graph.outputs[index]], seen: Set<ValueID> = []
    while let value = open.popLast() {
      guard seen.insert(value).inserted, graph.constants[value] == nil else { continue }
      // Of values of unknown types there is no telling.
      guard !entries.contains(value), let producer = producers[value.index], graph.nodes[producer].subgraphs.isEmpty else { return false }
      for case let input? in graph.nodes[producer].inputs {
        if case .tensor(let element, _)? = graph[input].type, element != .string { continue }
        open.append(input)
      }
    }
    return true
  }

  /// The program of runs that take no input with a default and give these outputs, those in `tables` as the tensors behind the maps.
  package func tableProgram(outputs: [Int], tables: [Int]) throws(PinionError) -> Program {
    try program(overrides: [], outputs: outputs, isTied: true, tables: tables, control: RunControl())
  }
}

extension Graph {
  fileprivate func zipMap(making value: ValueID) -> ZipMap? { nodes.last { $0.outputs.contains(value) }?.op as? ZipMap }

  /// Gives the tensors in the place of the maps that ZipMap makes of them.
  /// - Parameter positions: among the outputs.
  mutating func giveTables(_ positions: [Int]) throws(PinionError) {
    for position in positions {
      guard let node = nodes.last(where: { $0.outputs.contains(outputs[position]) }), node.op is ZipMap, let rows = node.inputs[0] else {
        throw .internal("output \(position) is not made by ZipMap")
      }
      outputs[position] = rows
    }
    let uses = useCounts()
    nodes.removeAll { node in node.op is ZipMap && node.outputs.allSatisfy { $0.map { uses[$0.index] == 0 } ?? true } }
  }
}
