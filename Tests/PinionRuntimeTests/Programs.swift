import PinionBackend
import PinionCPU
import PinionGraph
import PinionOperators

@testable import PinionRuntime

/// A program of a graph in the text form, for one thread.
func program(_ text: String) throws -> Program {
  let graph = try Graph(parsing: text, resolver: OperatorCatalog())
  return Program(
    graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: 1)), packed: PackedWeights())
}

/// y = -x where `sixteen` is 16, else |x|: the If is planned in place once the input's value is known to decide.
let byValue = """
  graph "g" {
    input %x: float32[n]
    input %sixteen: int64[]
    constant %c: int64[] [16]
    %is = Equal(%sixteen, %c)
    %y = If(%is) {then_branch = graph "a" {
      capture %x = %x
      %u = Neg(%x)
      output %u
    }, else_branch = graph "b" {
      capture %x = %x
      %v = Abs(%x)
      output %v
    }}
    output %y
  }
  """
