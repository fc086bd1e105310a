import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionTensor
import Testing

@testable import PinionRuntime

extension Graph {
  fileprivate mutating func add(
    _ name: String, _ inputs: [ValueID?], attributes: [String: AttributeValue] = [:], subgraphs: [Graph] = []
  ) throws -> ValueID {
    let output = addValue("")
    nodes.append(
      try OperatorCatalog().node(
        name, name: name, attributes: attributes, inputs: inputs, outputs: [output], subgraphs: subgraphs))
    return output
  }
}

private func program(_ graph: Graph) throws -> Program {
  Program(
    graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: 1)), packed: PackedWeights())
}

private func integers(_ elements: [Int64]) throws -> Tensor { try Tensor(vector: elements) }

private func ones(_ dims: [Int]) throws -> Tensor {
  let shape = try Shape(dims)
  return try Tensor([Float](repeating: 1, count: shape.count), shape)
}

/// The nodes that a run executes, each once.
private func executed(_ program: Program, _ inputs: [Tensor]) throws -> [String] {
  let profile = Profile()
  _ = try program.run(inputs.map(Value.tensor), control: RunControl(), profile: profile)
  return profile.sums.map(\.operatorName).sorted()
}

private func names(_ summary: PlanSummary) -> [String] { summary.nodes.map(\.operatorName).sorted() }

@Suite struct PlanSummaryTests {
  /// Conv, Relu, MaxPool, Reshape to a constant shape, MatMul: nothing depends on values.
  private func network() throws -> Program {
    var graph = Graph()
    let x = graph.addValue("x")
    graph.inputs = [x]
    let filters = graph.addConstant(try ones([4, 1, 3, 3]))
    let rows = graph.addConstant(try integers([1, 4]))
    let weights = graph.addConstant(try ones([4, 3]))
    let conv = try graph.add("Conv", [x, filters])
    let active = try graph.add("Relu", [conv])
    let pooled = try graph.add("MaxPool", [active], attributes: ["kernel_shape": .ints([2, 2])])
    let flat = try graph.add("Reshape", [pooled, rows])
    graph.outputs = [try graph.add("MatMul", [flat, weights])]
    return try program(graph)
  }

  @Test func aPlanByValueIsThatByType() throws {
    let program = try network()
    let x = try ones([1, 1, 4, 4])
    let byType = try program.summary(inputs: [.type(x.type)]), byValue = try program.summary(inputs: [.value(x)])
    for summary in [byType, byValue] {
      #expect(summary.isComplete)
      // The Reshape is a view of its input, and nothing to run.
      #expect(summary.nodes.map(\.operatorName) == ["Conv", "Relu", "MaxPool", "MatMul"])
      #expect(names(summary) == (try executed(program, [x])))
      #expect(summary.outputs.map { "\($0.map { "\($0)" } ?? "?")" } == ["float32[1,3]"])
    }
    #expect(byType.operations == byValue.operations)
    // Of the convolution alone: 4 x 2 x 2 outputs of 9 products and sums.
    #expect(byType.operations >= 4 * 2 * 2 * 9 * 2)
    #expect(byType.peakBytes == byValue.peakBytes)
  }

  @Test func aShapeThatIsFedIsKnownByValueOnly() throws {
    var graph = Graph()
    let x = graph.addValue("x"), s = graph.addValue("s")
    graph.inputs = [x, s]
    let two = graph.addConstant(try integers([2]))
    let doubled = try graph.add("Mul", [s, two])
    let negative = try graph.add("Neg", [x])
    let shaped = try graph.add("Reshape", [negative, doubled])
    graph.outputs = [try graph.add("Exp", [shaped])]
    let program = try program(graph)
    let tensor = try ones([24]), shape = try integers([3, 2])
    let unknown = try program.summary(inputs: [.type(tensor.type), .type(shape.type)])
    #expect(!unknown.isComplete && unknown.outputs[0] == nil)
    for x in [PlannedInput.type(tensor.type), .value(tensor)] {
      let summary = try program.summary(inputs: [x, .value(shape)])
      #expect(summary.isComplete)
      #expect(summary.outputs[0].map { "\($0)" } == "float32[6,4]")
      #expect(names(summary) == ["Exp", "Mul", "Neg", "Reshape"])
      #expect(names(summary) == (try executed(program, [tensor, shape])))
    }
    #expect { try program.summary(inputs: [.type(tensor.type), .value(try integers([5, 5]))]) } throws: {
      ($0 as? PinionError)?.operatorName == "Reshape"
    }
  }

  @Test func theModelsOwnWorkIsNotDone() throws {
    // The shape is that of the places where a product is not 0: its 2 * 256^3 operations are left to the run.
    var graph = Graph()
    let x = graph.addValue("x")
    graph.inputs = [x]
    let product = try graph.add("MatMul", [x, x])
    graph.outputs = [try graph.add("NonZero", [product])]
    let large = try program(graph).summary(inputs: [.value(try ones([256, 256]))])
    #expect(!large.isComplete)
    #expect(large.operations >= 2 * 256 * 256 * 256)
    #expect(large.nodes.map(\.operatorName) == ["MatMul"])
    // Little enough to find out.
    let small = try program(graph).summary(inputs: [.value(try ones([4, 4]))])
    #expect(small.isComplete && small.nodes.map(\.operatorName) == ["MatMul", "NonZero"])
    #expect(small.outputs[0].map { "\($0)" } == "int64[2,16]")
  }

  /// The sum of x decides, which only a run knows. Branches that give the same type leave no shape open, and the work is that of the longer one.
  @Test(arguments: [true, false]) func aBranchThatOnlyARunKnows(isAlike: Bool) throws {
    let program = try program(
      """
      graph "g" {
        input %x: float32[n]
        constant %zero: float32[] [0.0]
        %sum = ReduceSum(%x) {keepdims = 0}
        %c = Greater(%sum, %zero)
        %y = If(%c) {then_branch = graph "a" {
          capture %x = %x
          %u = Neg(%x)
          %v = Add(%u, %x)
          %w = Mul(%v, %x)
          output %w
        }, else_branch = graph "b" {
          capture %x = %x
          \(isAlike ? "%z = Abs(%x)" : "%z = Concat(%x, %x) {axis = 0}")
          output %z
        }}
        %e = Exp(%y)
        output %e
      }
      """)
    let tensor = try ones([6])
    let summary = try program.summary(inputs: [.type(tensor.type)])
    #expect(summary.isComplete == isAlike)
    #expect(summary.outputs[0].map { "\($0)" } == (isAlike ? "float32[6]" : nil))
    guard isAlike else { return }
    #expect(names(summary) == (try executed(program, [tensor])))
    // Three operators on 6 elements in the branch and one after it.
    #expect(summary.operations >= 4 * 6)
    // What runs when the shorter branch is taken is as large.
    let other = try program.run([.tensor(try Tensor(vector: [Float](repeating: -1, count: 6)))], control: RunControl())
    #expect(try other[0].asTensor().type == tensor.type)
  }

  @Test func aLoopIsPlannedOnceForAllIterations() throws {
    // sum = sum + x and the sums of all iterations, M times.
    func body(stops: Bool) throws -> Graph {
      var body = Graph()
      let step = body.addValue("i"), going = body.addValue("going"), sum = body.addValue("sum"), x = body.addValue("x")
      body.inputs = [step, going, sum]
      body.captures = [Capture(inner: x, input: 3)]
      let next = try body.add("Add", [sum, x])
      let stacked = try body.add("Neg", [next])
      body[stacked].type = .tensor(.float32, dims: [.known(2), .known(3)])
      body.outputs = [try body.add(stops ? "Not" : "Identity", [going]), next, stacked]
      return body
    }
    for (stops, count) in [(false, 5), (false, 0), (true, 5)] {
      var graph = Graph()
      let m = graph.addValue("m"), x = graph.addValue("x")
      graph.inputs = [m, x]
      let last = graph.addValue("last"), all = graph.addValue("all")
      var node = try OperatorCatalog().node(
        "Loop", name: "loop", attributes: ["body": .graph(0)], inputs: [m, nil, x], outputs: [last, all], subgraphs: [try body(stops: stops)])
      node.inputs.append(x)
      graph.nodes = [node]
      graph.outputs = [last, all]
      let program = try program(graph)
      let trips = try Tensor(scalar: Int64(count)), tensor = try ones([2, 3])
      let summary = try program.summary(inputs: [.value(trips), .type(tensor.type)])
      #expect(!(try program.summary(inputs: [.type(trips.type), .type(tensor.type)]).isComplete))
      #expect(summary.isComplete == !stops)
      guard !stops else { continue }
      #expect(summary.outputs.map { "\($0.map { "\($0)" } ?? "?")" } == ["float32[2,3]", "float32[\(count),2,3]"])
      #expect(names(summary) == (try executed(program, [trips, tensor])))
      // An addition and a change of sign of 6 elements in each iteration.
      #expect(summary.operations >= count * 12 && summary.operations < count * 12 + count * 4 + 1)
    }
  }
}
