import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionTensor
import Testing

@testable import PinionRuntime

/// A program over one float32 input `x`, made by `body` from the graph and the input to the output.
private func program(threads: Int = 1, _ body: (inout Graph, ValueID) throws -> [ValueID]) throws -> Program {
  var graph = Graph()
  let x = graph.addValue("x")
  graph.inputs = [x]
  graph.outputs = try body(&graph, x)
  return Program(
    graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: threads)), packed: PackedWeights())
}

extension Graph {
  fileprivate mutating func add(_ name: String, _ inputs: [ValueID?], attributes: [String: AttributeValue] = [:]) throws -> ValueID {
    let output = addValue("")
    nodes.append(try OperatorCatalog().node(name, name: name, attributes: attributes, inputs: inputs, outputs: [output]))
    return output
  }
}

/// A graph and the value that a test adds nodes to.
private struct Adding {
  var graph: Graph
  let value: ValueID
  mutating func add(_ name: String, _ inputs: [ValueID?], attributes: [String: AttributeValue] = [:]) throws -> ValueID {
    try graph.add(name, inputs, attributes: attributes)
  }
}

private func floats(_ elements: [Float]) throws -> Value { .tensor(try Tensor(vector: elements)) }

@Suite struct ProgramTests {
  /// Each node writes over the one before, and all of them into the output, so that the arena is empty.
  @Test func elementwiseChainRunsInOneBlock() throws {
    let program = try program { graph, x in
      var value = x
      for _ in 0..<10 { value = try graph.add("Neg", [value]) }
      return [try graph.add("Abs", [value])]
    }
    let result = try program.run([try floats([1, -2, 3])], control: RunControl())
    #expect(Array(try result[0].asTensor().elements(as: Float.self)) == [1, 2, 3])
    let segment = try program.rootSegment(for: [try floats([1, -2, 3])])
    #expect(segment.record.sizes.count == 1)
    #expect(segment.arenaBytes == 0)
  }

  @Test func plansAreKeptByShape() throws {
    let program = try program { graph, x in [try graph.add("Relu", [x])] }
    let first = try program.rootSegment(for: [try floats([1])])
    let other = try program.rootSegment(for: [try floats([1, 2])])
    #expect(first !== other)
    #expect(first === (try program.rootSegment(for: [try floats([5])])))
  }

  @Test func valueStillReadIsNotOverwritten() throws {
    let program = try program { graph, x in
      let a = try graph.add("Neg", [x])
      let b = try graph.add("Relu", [a])
      return [try graph.add("Sub", [a, b])]
    }
    let result = try program.run([try floats([1, -2])], control: RunControl())
    #expect(Array(try result[0].asTensor().elements(as: Float.self)) == [-1, 0])
  }

  /// A block that holds an output is not written over, whether the output is the value that a view shows or the view.
  @Test func outputsAreNotOverwrittenThroughViews() throws {
    let views: [(inout Adding) throws -> ValueID] = [
      { try $0.add("Flatten", [$0.value], attributes: ["axis": .int(0)]) },
      { try $0.add("Unsqueeze", [$0.value, $0.graph.addConstant(try Tensor(vector: [0] as [Int64]))]) },
      { try $0.add("Transpose", [try $0.add("Unsqueeze", [$0.value, $0.graph.addConstant(try Tensor(vector: [0] as [Int64]))])]) },
    ]
    for view in views {
      for isViewAnOutput in [true, false] {
        let program = try program { graph, x in
          let a = try graph.add("Abs", [x])
          var adding = Adding(graph: graph, value: a)
          let v = try view(&adding)
          graph = adding.graph
          return isViewAnOutput ? [v, try graph.add("Neg", [a])] : [a, try graph.add("Neg", [v])]
        }
        let result = try program.run([try floats([1, -2, 3])], control: RunControl())
        #expect(Array(try result[0].asTensor().elements(as: Float.self)) == [1, 2, 3])
        #expect(Array(try result[1].asTensor().elements(as: Float.self)) == [-1, -2, -3])
      }
    }
  }

  @Test func shapesThatDependOnDataCutThePlan() throws {
    let program = try program { graph, x in
      let positions = try graph.add("NonZero", [x])
      return [try graph.add("Shape", [positions]), positions]
    }
    for elements: [Float] in [[0, 1, 2], [0, 0, 0], [1, 1, 1], [0, 1, 2]] {
      let result = try program.run([try floats(elements)], control: RunControl())
      let count = elements.count { $0 != 0 }
      #expect(try result[0].asTensor().integers() == [1, Int64(count)])
      #expect(try result[1].asTensor().integers() == elements.indices.filter { elements[$0] != 0 }.map(Int64.init))
    }
  }

  @Test func outputOfAnEarlierSegmentStaysWhenALaterOneReadsIt() throws {
    let program = try program { graph, x in
      let early = try graph.add("Neg", [x])
      let positions = try graph.add("NonZero", [early])
      let turned = try graph.add("Transpose", [positions])
      let count = try graph.add("Shape", [turned])
      let again = try graph.add("NonZero", [turned])
      return [early, turned, count, try graph.add("Add", [early, early]), again, try graph.add("Mul", [turned, turned])]
    }
    let result = try program.run([try floats([0, 5, 7])], control: RunControl())
    #expect(Array(try result[0].asTensor().elements(as: Float.self)) == [0, -5, -7])
    #expect(try result[1].asTensor().integers() == [1, 2])
    #expect(Array(try result[3].asTensor().elements(as: Float.self)) == [0, -10, -14])
    #expect(try result[5].asTensor().integers() == [1, 4])
  }

  @Test func valueReadByAPostponedNodeIsNotOverwritten() throws {
    let program = try program { graph, x in
      let doubled = try graph.add("Add", [x, x])
      let positions = try graph.add("NonZero", [doubled])
      let later = try graph.add("GatherElements", [doubled, try graph.add("Squeeze", [positions])])
      return [later, try graph.add("Neg", [doubled])]
    }
    let result = try program.run([try floats([0, 5, 7])], control: RunControl())
    #expect(Array(try result[0].asTensor().elements(as: Float.self)) == [10, 14])
    #expect(Array(try result[1].asTensor().elements(as: Float.self)) == [0, -10, -14])
  }

  @Test func outputGivenTwiceIsWrittenTwice() throws {
    let program = try program { graph, x in
      let y = try graph.add("Neg", [x])
      return [y, y]
    }
    let result = try program.run([try floats([4])], control: RunControl())
    #expect(try result.map { Array(try $0.asTensor().elements(as: Float.self)) } == [[-4], [-4]])
  }

  @Test func callersMemoryTakesTheOutput() throws {
    let program = try program { graph, x in [try graph.add("Neg", [x])] }
    let input = try Tensor(vector: [1, 2] as [Float]), output = try Tensor(vector: [0, 0] as [Float])
    let unplanned = try program.runInPlace(inputs: 1, outputs: 1, input: { _ in input }, output: { _ in output }, control: nil)
    #expect(!unplanned)
    _ = try program.run([.tensor(input)], outputs: [output], control: RunControl())
    #expect(Array(try output.elements(as: Float.self)) == [-1, -2])
    let planned = try program.runInPlace(inputs: 1, outputs: 1, input: { _ in input }, output: { _ in output }, control: nil)
    #expect(planned)
  }

  @Test func limitsStopARun() throws {
    let program = try program { graph, x in
      var value = x
      for _ in 0..<5 { value = try graph.add("Neg", [value]) }
      return [value]
    }
    var steps = RunLimits()
    steps.steps = 3
    var bytes = RunLimits()
    bytes.bytes = 3  // The output takes 4.
    var token = RunLimits()
    token.token = CancelToken()
    token.token?.cancel()
    var deadline = RunLimits()
    deadline.deadline = 1
    for (limits, code) in [(steps, ErrorCode.budgetExceeded), (bytes, .budgetExceeded), (token, .cancelled), (deadline, .deadlineExceeded)] {
      do {
        _ = try program.run([try floats([1])], control: RunControl(limits))
        Issue.record("the run was not stopped")
      } catch let error as PinionError { #expect(error.code == code) }
    }
    #expect(try program.run([try floats([1])], control: RunControl()).count == 1)
  }

  @Test func errorsNameTheNode() throws {
    let program = try program { graph, x in
      let two = graph.addConstant(try Tensor(vector: [1, 2] as [Float]))
      return [try graph.add("Add", [x, two])]
    }
    do {
      _ = try program.run([try floats([1, 2, 3])], control: RunControl())
      Issue.record("shapes that do not broadcast were accepted")
    } catch let error as PinionError {
      #expect(error.code == .invalidShape && error.operatorName == "Add" && error.inputTypes == ["float32[3]", "float32[2]"])
    }
  }

  @Test func manyThreadsRunOneProgram() async throws {
    let program = try program(threads: 2) { graph, x in
      let y = try graph.add("Mul", [x, x])
      return [try graph.add("Add", [y, x])]
    }
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<8 {
        group.addTask {
          for round in 0..<200 {
            let a = Float(index * 200 + round)
            let result = try program.run([try floats([Float](repeating: a, count: 40_000))], control: RunControl())
            #expect(try result[0].asTensor().elements(as: Float.self).allSatisfy { $0 == a * a + a })
          }
        }
      }
      try await group.waitForAll()
    }
  }
}
