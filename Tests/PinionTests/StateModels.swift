import Pinion

/// Models that carry values from run to run.
enum StateModel: String, CaseIterable, Sendable {
  /// Concat, MatMul, Softmax, MatMul.
  case chain
  /// ai.onnx's Attention with past and present.
  case attention
  /// com.microsoft's MultiHeadAttention with past and present.
  case multiHead

  static let heads = 4
  static let keySize = 6
  static let valueSize = 6

  /// y of queries, keys and values over a past, and z = y[:, :, indices], which fails behind it where an index is out of range.
  func model() throws -> Model {
    let past = ["B", "4", "P", "6"], key = "past_key_values.0.key", value = "past_key_values.0.value"
    let isByRow = self == .multiHead
    let new = isByRow ? ["B", "S", "24"] : ["B", "4", "S", "6"]
    var nodes: [ONNX.Node]
    switch self {
    case .chain:
      nodes = [
        ONNX.Node("Concat", [key, "k"], ["present.0.key"], [("axis", .int(-2))]),
        ONNX.Node("Concat", [value, "v"], ["present.0.value"], [("axis", .int(2))]),
        ONNX.Node("Transpose", ["present.0.key"], ["t"], [("perm", .ints([0, 1, 3, 2]))]),
        ONNX.Node("MatMul", ["q", "t"], ["m"]), ONNX.Node("Softmax", ["m"], ["p"]),
        ONNX.Node("MatMul", ["p", "present.0.value"], ["y"]),
      ]
    case .attention:
      nodes = [ONNX.Node("Attention", ["q", "k", "v", "", key, value], ["y", "present.0.key", "present.0.value"], [("is_causal", .int(1))])]
    case .multiHead:
      nodes = [
        ONNX.Node(
          "MultiHeadAttention", ["q", "k", "v", "", "", "", key, value], ["y", "present.0.key", "present.0.value"], [("num_heads", .int(4))],
          domain: "com.microsoft")
      ]
    }
    nodes.append(ONNX.Node("Gather", ["y", "indices"], ["z"], [("axis", .int(isByRow ? 1 : 2))]))
    let graph = ONNX.Graph(
      nodes: nodes,
      inputs: [
        ("q", .named(.float32, new)), ("k", .named(.float32, new)), ("v", .named(.float32, new)), ("indices", .named(.int64, ["I"])),
        (key, .named(.float32, past)), (value, .named(.float32, past)),
      ], outputs: ["y", "z", "present.0.key", "present.0.value"],
      outputTypes: ["present.0.key": .named(.float32, ["B", "4", "T", "6"]), "present.0.value": .named(.float32, ["B", "4", "P + S", "6"])])
    return try load(ONNX.model(graph, opset: 23, ir: 11))
  }

  /// The inputs of a step besides the caches.
  func inputs(batch: Int, rows: Int, seed: Int, index: Int64 = 0) throws -> [String: Value] {
    let dims = self == .multiHead ? [batch, rows, 24] : [batch, 4, rows, 6]
    var result: [String: Value] = ["indices": .tensor(try Tensor(vector: [index]))]
    for (place, name) in ["q", "k", "v"].enumerated() { result[name] = .tensor(try noise(dims, seed: seed * 3 + place)) }
    return result
  }
}

/// Numbers in -1 ..< 1 that differ from seed to seed.
func noise(_ dims: [Int], seed: Int) throws(PinionError) -> Tensor {
  var state = UInt64(truncatingIfNeeded: seed) &* 0x9E37_79B9_7F4A_7C15 &+ 1
  let shape = try Shape(dims)
  return try Tensor(
    (0..<shape.count).map { _ -> Float in
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 23) - 1
    }, shape)
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
