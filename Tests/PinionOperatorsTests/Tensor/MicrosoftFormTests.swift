import Foundation
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionOperators
import PinionRuntime
import PinionTensor
import Testing

/// Runs a node of com.microsoft that stands for others, made as the importer makes it.
private func evaluate(
  form name: String, attributes: [String: AttributeValue] = [:], _ inputs: [Tensor?], constants: Set<Int> = [], outputs: Int = 1
) throws -> [Tensor] {
  let catalog = OperatorCatalog()
  var graph = Graph()
  var operands: [NodeDraft.Operand] = [], fed: [Value] = []
  for (index, input) in inputs.enumerated() {
    guard let input else {
      operands.append(.none)
      continue
    }
    if constants.contains(index) {
      operands.append(.constant(input))
    } else {
      let value = graph.addValue("x\(index)")
      graph.inputs.append(value)
      fed.append(.tensor(input))
      operands.append(.value(value))
    }
  }
  graph.outputs = (0..<outputs).map { graph.addValue("y\($0)") }
  var draft = NodeDraft(
    domain: "com.microsoft", name: name, opset: 1, attributes: attributes, inputs: operands, outputs: [Bool](repeating: true, count: outputs))
  guard let type = try draft.adapt(catalog) else { throw PinionError.internal("no operator \(name)") }
  let (op, nodeInputs) = try graph.make(type, draft, named: "node", catalog)
  graph.nodes.append(
    Node(name: "node", op: op, opset: type.schema.since, attributes: draft.attributes, inputs: nodeInputs, outputs: graph.outputs))
  let program = Program(
    graph: graph, backend: CPUBackend(), executor: StageExecutor(pool: try ThreadPool(threads: 1)), packed: PackedWeights())
  return try program.run(fed, control: RunControl()).map { try $0.asTensor() }
}

/// com.microsoft's operators that are others in another form: what they give is what the others give, which have tests of their own.
@Suite struct MicrosoftFormTests {
  private let x = [0, 1, 2, 3, 4, 5] as [Float]

  @Test func gridSample() throws {
    let image = try tensor([1, 2, 3, 4, 5, 6, 7, 8, 9] as [Float], [1, 1, 3, 3]), grid = try tensor([-1, -1, 0, 0, 0.5, 1] as [Float], [1, 1, 3, 2])
    for (mode, newer) in [("bilinear", "linear"), ("nearest", "nearest"), ("bicubic", "cubic")] {
      let found = try evaluate(form: "GridSample", attributes: ["mode": .string(mode), "align_corners": .int(1)], [image, grid])[0]
      let expected = try evaluate("GridSample", attributes: ["mode": .string(newer), "align_corners": .int(1)], [image, grid])
      #expect(found.hasSameContents(as: expected))
    }
    let corners = try evaluate(form: "GridSample", attributes: ["align_corners": .int(1)], [image, grid])[0]
    try expect(corners, near: [1, 5, 8.5], [1, 1, 1, 3])
  }

  /// The documentation's example, with its pads in a row.
  @Test func pad() throws {
    let data = try tensor([1, 1.2, 2.3, 3.4, 4.5, 5.7] as [Float], [3, 2])
    for dims in [[4], [1, 4]] {
      let y = try evaluate(form: "Pad", [data, try tensor([0, 2, 0, 0] as [Int64], dims)])[0]
      try expect(y, [0, 0, 1, 1.2, 0, 0, 2.3, 3.4, 0, 0, 4.5, 5.7] as [Float], [3, 4])
    }
    let y = try evaluate(
      form: "Pad", attributes: ["mode": .string("constant")],
      [try tensor(x, [6]), try tensor([1, -2] as [Int64], [2]), try tensor([9] as [Float], [1])], constants: [1, 2])[0]
    try expect(y, [9, 0, 1, 2, 3] as [Float], [5])
  }

  @Test func trilu() throws {
    let y = try evaluate(form: "Trilu", attributes: ["upper": .int(0)], [try tensor(x, [2, 3]), try tensor([1] as [Int64], [])])[0]
    try expect(y, [0, 1, 0, 3, 4, 5] as [Float], [2, 3])
  }

  @Test func range() throws {
    func scalar<T: Element>(_ value: T) throws -> Tensor { try Tensor(scalar: value) }
    try expect(try evaluate(form: "Range", [try scalar(2 as Int64), try scalar(5 as Int64)])[0], [2, 3, 4] as [Int64], [3])
    try expect(try evaluate(form: "Range", [try scalar(0.5 as Float), try scalar(3 as Float)], constants: [0])[0], [0.5, 1.5, 2.5] as [Float], [3])
    let y = try evaluate(form: "Range", [try tensor([5] as [Int16], [1]), try tensor([0] as [Int16], [1]), try tensor([-2] as [Int16], [1])])[0]
    try expect(y, [5, 3, 1] as [Int16], [3])
  }

  /// The documentation's first and last examples.
  @Test func gatherND() throws {
    let first = try evaluate(form: "GatherND", [try tensor([0, 1, 2, 3] as [Float], [2, 2]), try tensor([0, 0, 1, 1] as [Int32], [2, 2])])[0]
    try expect(first, [0, 3] as [Float], [2])
    let cube = try tensor([0, 1, 2, 3, 4, 5, 6, 7] as [Float], [2, 2, 2])
    try expect(try evaluate(form: "GatherND", [cube, try tensor([0, 1, 1, 0] as [Int64], [2, 1, 2])])[0], [2, 3, 4, 5] as [Float], [2, 1, 2])
  }

  @Test func expandDims() throws {
    for (axis, dims) in [(0, [1, 2, 3]), (1, [2, 1, 3]), (2, [2, 3, 1]), (-1, [2, 3, 1]), (-3, [1, 2, 3])] as [(Int32, [Int])] {
      try expect(try evaluate(form: "ExpandDims", [try tensor(x, [2, 3]), try Tensor(scalar: axis)])[0], x, dims)
    }
    #expect(throws: PinionError.self) { try evaluate(form: "ExpandDims", [try tensor(x, [2, 3]), try Tensor(scalar: 3 as Int32)]) }
  }

  /// The documentation's example.
  @Test func unique() throws {
    let outputs = try evaluate("Unique", domain: "com.microsoft", [.tensor(try tensor([2, 1, 1, 3, 4, 3] as [Float], [6]))], outputCount: 3)
    try expect(try outputs[0].asTensor(), [2, 1, 3, 4] as [Float], [4])
    try expect(try outputs[1].asTensor(), [0, 1, 1, 2, 3, 2] as [Int64], [6])
    try expect(try outputs[2].asTensor(), [1, 2, 2, 1] as [Int64], [4])
    #expect(throws: PinionError.self) { try evaluate("Unique", domain: "com.microsoft", [.tensor(try tensor(x, [2, 3]))], outputCount: 3) }
  }

  @Test func products() throws {
    let a = try tensor(x, [3, 2]), b = try tensor(x, [3, 2])
    let y = try evaluate(form: "TransposeMatMul", attributes: ["transA": .int(1), "alpha": .float(0.5)], [a, b])[0]
    try expect(y, near: [10, 13, 13, 17.5], [2, 2])
    let whole = try evaluate(
      form: "MatMulInteger16", [try tensor([300, -32768] as [Int16], [1, 2]), try tensor([1, 200, 2, 32767] as [Int16], [2, 2])])[0]
    try expect(whole, [300 - 65536, 60_000 - 32768 * 32767] as [Int32], [1, 2])
  }

  @Test func activations() throws {
    func silu(_ x: Float) -> Float { x / (1 + exp(-x)) }
    let data = try tensor(x, [2, 3])
    try expect(try evaluate(form: "ScaledSiLU", [data])[0], near: x.map(silu), [2, 3])
    try expect(try evaluate(form: "ScaledSiLU", attributes: ["alpha": .float(0.5)], [data])[0], near: x.map { silu($0 / 2) }, [2, 3])
    let scaled = try evaluate(form: "ScaledSiLU", attributes: ["alpha": .float(0.5)], [data, try Tensor(scalar: 2 as Float16)])[0]
    try expect(scaled, near: x.map { silu(2 * $0) }, [2, 3])
    let sum = try evaluate(form: "GatedAdd", [data, data, try tensor([10, 100] as [Float], [2, 1])])[0]
    try expect(sum, [0, 11, 22, 303, 404, 505] as [Float], [2, 3])
    #expect(throws: PinionError.self) { try evaluate(form: "GatedAdd", [data, data, data, data]) }
  }

  /// As EmbedLayerNormalization on (code - zero) * scale.
  @Test func quantizedEmbedding() throws {
    let ids = try tensor([1, 0, 2, 1] as [Int32], [2, 2]), mask = try tensor([1, 1, 1, 0] as [Int32], [2, 2])
    func codes(_ count: Int, _ dims: [Int]) throws -> Tensor { try tensor((0..<count).map { UInt8($0 * 37 % 200) }, dims) }
    let tables = [try codes(9, [3, 3]), try codes(6, [2, 3]), try codes(6, [2, 3]), try codes(3, [3]), try codes(3, [3])]
    let scales = try [0.1, 0.2, 0.3, 0.01, 0.02].map { try Tensor(scalar: Float($0)) }, zeros = try [10, 20, 30, 100, 7].map { try Tensor(scalar: UInt8($0)) }
    let numbers = try zip(tables, zip(scales, zeros)).map { table, other in try evaluate("DequantizeLinear", [table, other.0, other.1]) }
    for hasSegments in [true, false] {
      func optional(_ tensor: Tensor) -> Tensor? { hasSegments ? tensor : nil }
      let segments = try tensor([0, 1, 1, 0] as [Int32], [2, 2])
      let expected = try evaluate(
        "EmbedLayerNormalization", domain: "com.microsoft",
        [ids, optional(segments), numbers[0], numbers[1], optional(numbers[2]), numbers[3], numbers[4], mask].map { $0.map(Value.tensor) }, outputCount: 2)
      let found = try evaluate(
        form: "QEmbedLayerNormalization",
        [
          ids, optional(segments), tables[0], tables[1], optional(tables[2]), tables[3], tables[4], mask, scales[0], scales[1], optional(scales[2]),
          scales[3], scales[4], zeros[0], zeros[1], optional(zeros[2]), zeros[3], zeros[4],
        ], constants: hasSegments ? Set(2..<18) : [], outputs: 2)
      for (a, b) in zip(found, expected) { #expect(a.hasSameContents(as: try b.asTensor())) }
    }
  }
}

@Suite struct SliceAndHashTests {
  @Test func unfold() throws {
    let x = (0..<10).map { Int64($0) }
    let y = try evaluate("UnfoldTensor", domain: "com.microsoft", attributes: ["size": .int(3), "step": .int(2)], [try tensor(x, [2, 5])])
    try expect(y, [0, 1, 2, 2, 3, 4, 5, 6, 7, 7, 8, 9] as [Int64], [2, 2, 3])
    let rows = try evaluate("UnfoldTensor", domain: "com.microsoft", attributes: ["size": .int(2), "dim": .int(0)], [try tensor(x, [5, 2])])
    try expect(rows, [0, 2, 1, 3, 2, 4, 3, 5, 4, 6, 5, 7, 6, 8, 7, 9] as [Int64], [4, 2, 2])
    #expect(throws: PinionError.self) { try evaluate("UnfoldTensor", domain: "com.microsoft", attributes: ["size": .int(6)], [try tensor(x, [2, 5])]) }
  }

  /// 1 2 ends the first row: after 1 2 came 3, after 2 came 3 and 1.
  @Test func ngramRepeats() throws {
    let ids = try tensor([1, 2, 3, 2, 1, 2] as [Int64], [1, 6]), scores = try tensor([0, 1, 2, 3, 4] as [Float], [1, 5])
    let none = -Float.infinity
    for (size, expected) in [(3, [0, 1, 2, none, 4]), (2, [0, none, 2, none, 4]), (1, [0, none, none, none, 4]), (7, [0, 1, 2, 3, 4])] as [(Int64, [Float])] {
      let y = try evaluate("NGramRepeatBlock", domain: "com.microsoft", attributes: ["ngram_size": .int(size)], [ids, scores])
      try expect(y, expected, [1, 5])
    }
    #expect(throws: PinionError.self) {
      try evaluate(
        "NGramRepeatBlock", domain: "com.microsoft", attributes: ["ngram_size": .int(1)], [try tensor([5] as [Int64], [1, 1]), scores])
    }
  }

  /// Known hashes of the algorithm's authors and users, and of integers as those of their bytes.
  @Test func murmurHash() throws {
    func hash(_ x: Tensor, _ seed: Int64, positive: Bool = true) throws -> Tensor {
      try evaluate("MurmurHash3", domain: "com.microsoft", attributes: ["seed": .int(seed), "positive": .int(positive ? 1 : 0)], [x])
    }
    let texts = ["", "test", "Hello, world!", "The quick brown fox jumps over the lazy dog"]
    try expect(try hash(try Tensor(strings: texts, .vector(4)), 0), [0, 0xba6b_d213, 0xc036_3e43, 0x2e4f_f723] as [UInt32], [4])
    try expect(try hash(try Tensor(strings: texts, .vector(4)), 0x9747_b28c), [0xebb6_c228, 0x704b_81dc, 0x2488_4cba, 0x2fa8_26cd] as [UInt32], [4])
    let bytes = try hash(try Tensor(strings: ["abcd", "abcdefgh"], .vector(2)), 7, positive: false)
    let words = try hash(try tensor([0x6463_6261] as [Int32], [1]), 7, positive: false)
    let long = try hash(try tensor([0x6867_6665_6463_6261] as [UInt64], [1]), 7, positive: false)
    try expect(bytes, try words.elements(as: Int32.self) + long.elements(as: Int32.self), [2])
  }
}
