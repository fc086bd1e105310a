import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor
import Testing

/// A kernel may write each output that its operator computes in any case, also where the node does not name it.
@Suite struct UnnamedOutputTests {
  /// From 0 to 2: scale 2 / 255, zero point 0; 1.2 is 153 of its steps.
  @Test func quantizedAlone() throws {
    let y = try evaluate("DynamicQuantizeLinear", [try tensor([0, 1.2, 2] as [Float], [3])])
    try expect(y, [0, 153, 255] as [UInt8], [3])
  }

  /// Whatever a node names, it has an entry for each output that is not optional.
  @Test func everyOperator() throws {
    for type in OperatorCatalog.all {
      let schema = type.schema
      let required = schema.outputs.lastIndex { !$0.isOptional && !$0.isVariadic }.map { $0 + 1 } ?? 0
      #expect(schema.leastOutputs == required, "\(schema.qualifiedName)")
    }
    var graph = Graph()
    let x = graph.addValue("x"), y = graph.addValue("y")
    var node = try OperatorCatalog().node("DynamicQuantizeLinear", inputs: [x], outputs: [y])
    #expect(node.outputs == [y, nil, nil])
    node.outputs = []
    #expect(node.outputs == [nil, nil, nil])
  }
}
