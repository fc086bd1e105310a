import PinionBase
import PinionGraph
import PinionTensor
import Testing

@testable import PinionOperators

/// Two products of 2 operations a multiply and add: queries with keys, and weights with values.
@Suite struct AttentionOperationCountTests {
  private func type(_ dims: [Int]) throws -> TensorType { TensorType(.float32, try Shape(dims)) }

  private func count(
    _ name: String, domain: String = "", _ attributes: [String: AttributeValue] = [:], _ inputs: [TensorType?], _ outputs: [TensorType]
  ) throws -> Int {
    let values = (0..<(inputs.count + outputs.count)).map(ValueID.init)
    let node = try OperatorCatalog().node(
      name, domain: domain, name: "", attributes: attributes, inputs: inputs.indices.map { inputs[$0] == nil ? nil : values[$0] },
      outputs: outputs.indices.map { values[inputs.count + $0] })
    return node.op.operations(inputs: inputs, outputs: outputs)
  }

  @Test func counts() throws {
    // 2 heads of size 8, values of size 4, 3 queries, 5 keys and 6 before them.
    let past = [try type([1, 2, 6, 8]), try type([1, 2, 6, 4])]
    #expect(
      try count("Attention", [:], [type([1, 2, 3, 8]), type([1, 2, 5, 8]), type([1, 2, 5, 4]), nil] + past, [type([1, 2, 3, 4])])
        == 2 * 2 * 3 * 11 * (8 + 4))
    let heads: [String: AttributeValue] = ["num_heads": .int(2)]
    #expect(
      try count("MultiHeadAttention", domain: "com.microsoft", heads, [type([1, 3, 16]), type([1, 5, 16]), type([1, 5, 16])], [type([1, 3, 16])])
        == 2 * 2 * 2 * 3 * 5 * 8)
    // 3 heads of size 4 projected from 6 features: 4 rows times 36 columns.
    #expect(
      try count("Attention", domain: "com.microsoft", ["num_heads": .int(3)], [type([1, 4, 6]), type([6, 36])], [type([1, 4, 12])])
        == 2 * 4 * 6 * 36 + 2 * 2 * 3 * 4 * 4 * 4)
    #expect(
      try count(
        "GroupQueryAttention", domain: "com.microsoft", ["num_heads": .int(4), "kv_num_heads": .int(2)],
        [type([1, 1, 32]), type([1, 1, 16]), type([1, 1, 16]), type([1, 2, 9, 8]), type([1, 2, 9, 8]), TensorType(.int32, try Shape([1])), TensorType(.int32, .scalar)],
        [type([1, 1, 32]), type([1, 2, 10, 8]), type([1, 2, 10, 8])]) == 2 * 2 * 4 * 10 * 8)
  }
}
