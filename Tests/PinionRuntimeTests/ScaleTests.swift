import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionTensor
import Testing

@testable import PinionRuntime

/// Graphs with very many nodes, inputs and outputs are planned and run in time that grows as they do.
@Suite(.serialized) struct ScaleTests {
  enum Kind: CaseIterable { case chain, fan, inputs, outputs }

  /// - Returns: a graph of about `count` nodes; each output is a sum of inputs, all of them `[1]`.
  private func graph(_ kind: Kind, _ count: Int) throws -> Graph {
    var graph = Graph()
    let add = try OperatorCatalog().node("Add", name: "n", attributes: [:], inputs: [nil, nil], outputs: [nil])
    func sum(_ a: ValueID, _ b: ValueID) -> ValueID {
      let output = graph.addValue("")
      var node = add
      (node.inputs, node.outputs) = ([a, b], [output])
      graph.nodes.append(node)
      return output
    }
    let x = graph.addValue("x")
    graph.inputs = [x]
    switch kind {
    case .chain: graph.outputs = [(0..<count).reduce(x) { value, _ in sum(value, x) }]
    case .fan:
      // Half of the values are read in the order opposite to that in which they are made, so that all are there at once.
      var values = [x]
      for _ in 0..<(count / 2) { values.append(sum(values[values.count - 1], x)) }
      graph.outputs = [values.reversed().reduce(x) { sum($0, $1) }]
    case .inputs:
      graph.inputs += (1..<count).map { graph.addValue("x\($0)") }
      graph.outputs = [graph.inputs.reduce(x) { sum($0, $1) }]
    case .outputs: graph.outputs = (0..<count).map { _ in sum(x, x) }
    }
    return graph
  }

  /// Nanoseconds of making the program, planning and running it once.
  private func time(_ kind: Kind, _ count: Int, _ pool: ThreadPool) throws -> UInt64 {
    let graph = try graph(kind, count)
    let one = Value.tensor(try Tensor(vector: [1] as [Float]))
    let start = monotonicNanoseconds()
    let program = Program(graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: pool), packed: PackedWeights())
    let results = try program.run([Value](repeating: one, count: graph.inputs.count), control: RunControl())
    let end = monotonicNanoseconds()
    let half = Float(count / 2)
    let expected: Float =
      switch kind {
      case .chain, .inputs: Float(count + 1)
      case .fan: 1 + (half + 1) * (half + 2) / 2
      case .outputs: 2
      }
    for result in results {
      let found = try result.asTensor().elements(as: Float.self)[0]
      #expect(abs(found - expected) <= expected * 1e-3)
    }
    return end - start
  }

  @Test(arguments: Kind.allCases) func timeGrowsAsTheGraphDoes(kind: Kind) throws {
    let pool = try ThreadPool(threads: 1)
    let small = try (0..<3).map { _ in try time(kind, 1500, pool) }.min() ?? 0
    let large = try (0..<3).map { _ in try time(kind, 12_000, pool) }.min() ?? 0
    // Eight times the nodes: work that looked at pairs would take 64 times as long.
    #expect(large < 24 * small)
  }
}
