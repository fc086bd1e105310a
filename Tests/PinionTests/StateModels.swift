import Pinion

/// Models that carry values from run to run.
enum StateModel: String, CaseIterable, Sendable {
  /// Concat, MatMul, Softmax, MatMul.
  case chain
  /// ai.onnx's Attention with past and present.
  case attention
  /// com.microsoft's MultiHeadAttention with past and present.
  case multiHead
  /// com.microsoft's GroupQueryAttention.
  case groupQuery
  // The same in half precision.
  case halfAttention, halfMultiHead, halfGroupQuery
  /// Attention in half precision among other nodes, with which it computes in float32.
  case halfRegion
  /// Concat in half precision before what passes recognise as attention, by itself and in a region that computes in float32.
  case halfChain, halfChainRegion
  case brainAttention, brainGroupQuery

  static let heads = 4
  static let keySize = 6
  static let valueSize = 6

  var element: ElementType {
    switch self {
    case .chain, .attention, .multiHead, .groupQuery: .float32
    case .halfAttention, .halfMultiHead, .halfGroupQuery, .halfRegion, .halfChain, .halfChainRegion: .float16
    case .brainAttention, .brainGroupQuery: .bfloat16
    }
  }

  /// Whether the new rows are [batch, rows, heads * size].
  var isByRow: Bool { hasLengths || self == .multiHead || self == .halfMultiHead }

  /// Whether sequences end where runs say: a state then leaves 16 rows more than it is asked for.
  var hasLengths: Bool { self == .groupQuery || self == .halfGroupQuery || self == .brainGroupQuery }

  /// y of queries, keys and values over a past, and z = y[:, :, indices], which fails behind it where an index is out of range.
  func model() throws -> Model {
    let past = ["B", "4", "P", "6"], key = "past_key_values.0.key", value = "past_key_values.0.value"
    let presents = ["y", "present.0.key", "present.0.value"]
    let new = isByRow ? ["B", "S", "24"] : ["B", "4", "S", "6"]
    var nodes: [ONNX.Node]
    switch self {
    case .chain, .halfChain, .halfChainRegion:
      nodes = [
        ONNX.Node("Concat", [key, "k"], ["present.0.key"], [("axis", .int(-2))]),
        ONNX.Node("Concat", [value, "v"], ["present.0.value"], [("axis", .int(2))]),
        ONNX.Node("Transpose", ["present.0.key"], ["t"], [("perm", .ints([0, 1, 3, 2]))]),
        ONNX.Node("MatMul", ["q", "t"], ["m"]), ONNX.Node("Softmax", ["m"], ["p"]),
        ONNX.Node("MatMul", ["p", "present.0.value"], [self == .halfChainRegion ? "w" : "y"]),
      ]
      if self == .halfChainRegion { nodes.append(ONNX.Node("Softmax", ["w"], ["y"])) }
    case .attention, .halfAttention, .brainAttention:
      nodes = [ONNX.Node("Attention", ["q", "k", "v", "", key, value], presents, [("is_causal", .int(1))])]
    case .halfRegion:
      // Keys and values that are not rounded before attention reads them, and are before the next run does.
      nodes = [
        ONNX.Node("Softmax", ["k"], ["k2"]), ONNX.Node("Softmax", ["v"], ["v2"]),
        ONNX.Node("Attention", ["q", "k2", "v2", "", key, value], ["a"] + presents.dropFirst(), [("is_causal", .int(1))]),
        ONNX.Node("Softmax", ["a"], ["y"]),
      ]
    case .multiHead, .halfMultiHead:
      nodes = [ONNX.Node("MultiHeadAttention", ["q", "k", "v", "", "", "", key, value], presents, [("num_heads", .int(4))], domain: "com.microsoft")]
    case .groupQuery, .halfGroupQuery, .brainGroupQuery:
      nodes = [
        ONNX.Node("Shape", [key], ["p"], [("start", .int(2)), ("end", .int(3))]), ONNX.Node("Shape", ["q"], ["s"], [("start", .int(1)), ("end", .int(2))]),
        ONNX.Node("Shape", ["q"], ["b"], [("end", .int(1))]), ONNX.Node("Add", ["p", "s"], ["t"]), ONNX.Node("Cast", ["t"], ["total"], [("to", .int(6))]),
        ONNX.Node("Sub", ["total", "one"], ["last"]), ONNX.Node("Expand", ["last", "b"], ["lengths"]),
        ONNX.Node(
          "GroupQueryAttention", ["q", "k", "v", key, value, "lengths", "total"], presents, [("num_heads", .int(4)), ("kv_num_heads", .int(4))],
          domain: "com.microsoft"),
      ]
    }
    nodes.append(ONNX.Node("Gather", ["y", "indices"], ["z"], [("axis", .int(isByRow ? 1 : 2))]))
    let graph = ONNX.Graph(
      nodes: nodes,
      inputs: [
        ("q", .named(element, new)), ("k", .named(element, new)), ("v", .named(element, new)), ("indices", .named(.int64, ["I"])),
        (key, .named(element, past)), (value, .named(element, past)),
      ], outputs: ["y", "z", "present.0.key", "present.0.value"], initializers: [("one", try Tensor(vector: [1] as [Int32]))],
      outputTypes: ["present.0.key": .named(element, ["B", "4", "T", "6"]), "present.0.value": .named(element, ["B", "4", "P + S", "6"])])
    return try load(ONNX.model(graph, opset: 23, ir: 11))
  }

  /// The inputs of a step besides the caches.
  func inputs(batch: Int, rows: Int, seed: Int, index: Int64 = 0) throws -> [String: Value] {
    let dims = isByRow ? [batch, rows, 24] : [batch, 4, rows, 6]
    var result: [String: Value] = ["indices": .tensor(try Tensor(vector: [index]))]
    for (place, name) in ["q", "k", "v"].enumerated() { result[name] = .tensor(try noise(dims, seed: seed * 3 + place, element)) }
    return result
  }
}

/// Numbers in -1 ..< 1 that differ from seed to seed.
func noise(_ dims: [Int], seed: Int, _ element: ElementType = .float32) throws(PinionError) -> Tensor {
  var state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
  let shape = try Shape(dims)
  let numbers = (0..<shape.count).map { _ -> Float in
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return Float(state >> 40) / Float(1 << 23) - 1
  }
  guard element != .float32 else { return try Tensor(numbers, shape) }
  let tensor = try Tensor(TensorType(element, shape)), halves = tensor.data.assumingMemoryBound(to: UInt16.self)
  for (index, number) in numbers.enumerated() {
    halves[index] = element == .float16 ? Float16(number).bitPattern : UInt16(number.bitPattern >> 16)
  }
  return tensor
}

/// The model with its caches as plain inputs and outputs.
struct PlainCaches {
  let session: Session
  let pairs: [StatePair]
  var values: [String: Value]

  init(_ session: Session, pairs: [StatePair]? = nil, values: [String: Value]) {
    self.session = session
    self.pairs = pairs ?? session.model.recognisedPairs
    self.values = values
  }

  /// - Returns: the outputs that are in no pair.
  mutating func step(_ inputs: [String: Value]) throws(PinionError) -> [Value] {
    let results = try session.run(inputs.merging(values) { first, _ in first })
    var free: [Value] = []
    for (info, result) in zip(session.model.outputs, results) {
      if let pair = pairs.first(where: { $0.output == info.name }) { values[pair.input] = result } else { free.append(result) }
    }
    return free
  }
}

/// The bytes of tensors.
func bits(_ values: [Value]) throws -> [[UInt8]] { try values.map { bits(try $0.asTensor()) } }

func bits(_ tensor: Tensor) -> [UInt8] { withExtendedLifetime(tensor) { Array(tensor.bytes) } }
