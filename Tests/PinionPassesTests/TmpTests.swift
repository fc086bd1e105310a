import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionRuntime
import PinionTensor
import Testing
@testable import PinionPasses
func run(_ graph: Graph, _ inputs: [Value]) throws -> [Value] {
    let program = Program(
      graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: 2)), packed: PackedWeights())
    return try program.run(inputs, control: RunControl())
}
@Suite struct TmpTests {
  @Test(arguments: [(1024, 1000, "Gemm", false), (1024, 1000, "Gemm", true), (1024, 1000, "MatMul", false), (64, 72, "Gemm", false), (64, 72, "Gemm", true), (64, 72, "MatMul", false), (4, 3, "MatMul", false)])
  func packed(_ k: Int, _ n: Int, _ op: String, _ t: Bool) throws {
   for m in [1, 3, 30] {
    var g = Generator()
    let b = try g.value(.tensor(.float32, dims: t ? [.known(n), .known(k)] : [.known(k), .known(n)])).asTensor()
    let bias = op == "Gemm" ? ", %d" : ""
    var graph = try parse("graph { input %a: float32[\(m),\(k)] constant %b: float32[1] [0.0] constant %d: float32[1] [0.5] %c = \(op)(%a, %b\(bias)) \(t ? "{transB = 1}" : "") output %c }")
    let id = graph.nodes[0].inputs[1]!
    graph.constants[id] = b
    graph[id].type = nil
    var other = graph
    other.constants[id] = nil
    other.inputs.append(id)
    let a = try g.value(graph[graph.inputs[0]].type)
    let x = try run(graph, [a])[0].asTensor(), y = try run(other, [a, .tensor(b)])[0].asTensor()
    let p = try x.elements(as: Float.self), q = try y.elements(as: Float.self)
    let bad = (0..<p.count).filter { abs(p[$0] - q[$0]) > 1e-2 }
    #expect(bad.isEmpty, "m \(m): \(bad.count) of \(p.count), first \(bad.first ?? -1)")
   }
  }
}
