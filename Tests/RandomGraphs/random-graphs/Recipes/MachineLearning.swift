import PinionTensor

extension GraphMaker {
  static let ml = "ai.onnx.ml"
  func rows(_ elements: [ElementType] = [.float32]) -> Operand? { tensor(elements, ranks: 2...2, .plain) }
}

extension GraphMaker {
  /// An input that is a map from whole numbers to numbers.
  func mapInput() -> Operand? {
    guard !scopes.contains(where: \.isClosed), let keys = try? Tensor(vector: [1, 2, 4] as [Int64]), let values = try? random.tensor(.float32, [3]) else { return nil }
    let name = freshName("m"), value = Value.map(keys: keys, values: values)
    scopes[0].graph.inputs.append(ValueSpec(name: name, type: .map(key: .int64, value: .tensor(.float32, dims: []))))
    feeds[name] = value
    return register(name, value, isConstant: false, scope: 0)
  }
}

extension Recipe {
  static let machineLearning: [Recipe] = [
    Recipe("ai.onnx.ml::Scaler", "ai.onnx.ml::Normalizer", "ai.onnx.ml::Binarizer", "ai.onnx.ml::Imputer", weight: 2) { g in
      guard let x = g.rows() else { return }
      switch g.random.below(4) {
      case 0: g.node("Scaler", [x], [("offset", .floats([0.5])), ("scale", .floats((0..<x.dims[1]).map { Float($0) + 0.5 }))].filter { x.dims[1] > 0 || $0.0 == "offset" }, domain: GraphMaker.ml)
      case 1: g.node("Normalizer", [x], [("norm", .string(g.random.pick(["MAX", "L1", "L2"])))], domain: GraphMaker.ml)
      case 2: g.node("Binarizer", [x], [("threshold", .float(0.25))], domain: GraphMaker.ml)
      default: g.node("Imputer", [x], [("imputed_value_floats", .floats([7])), ("replaced_value_float", .float(1))], domain: GraphMaker.ml)
      }
    },
    Recipe("ai.onnx.ml::LinearRegressor", "ai.onnx.ml::LinearClassifier", "ai.onnx.ml::ZipMap", weight: 3) { g in
      guard let x = g.rows(), x.dims[1] > 0 else { return }
      let count = g.random.int(1...3)
      let coefficients = (0..<count * x.dims[1]).map { _ in Float(g.random.unit() * 2 - 1) }, intercepts = (0..<count).map { _ in Float(g.random.unit()) }
      let post = g.random.pick(["NONE", "SOFTMAX", "LOGISTIC"])
      if g.random.chance(0.4) {
        g.node("LinearRegressor", [x], [("coefficients", .floats(coefficients)), ("intercepts", .floats(intercepts)), ("targets", .int(count)), ("post_transform", .string(post))], domain: GraphMaker.ml)
      } else {
        let labels: (name: String, value: AttributeSpec) = g.random.chance(0.5) ? ("classlabels_ints", .ints(Array(0..<max(2, count)))) : ("classlabels_strings", .strings((0..<max(2, count)).map { "class\($0)" }))
        guard let y = g.node("LinearClassifier", [x], outputs: 2, [("coefficients", .floats(coefficients)), ("intercepts", .floats(intercepts)), labels, ("post_transform", .string(post))], domain: GraphMaker.ml), g.random.chance(0.6) else { return }
        let zip: (name: String, value: AttributeSpec) = labels.name == "classlabels_ints" ? ("classlabels_int64s", labels.value) : labels
        g.node("ZipMap", [y[1]], [zip], domain: GraphMaker.ml)
      }
    },
    Recipe("ai.onnx.ml::TreeEnsembleRegressor", "ai.onnx.ml::TreeEnsembleClassifier", weight: 3) { g in
      guard let x = g.rows(), x.dims[1] > 0 else { return }
      let features = x.dims[1], trees = g.random.int(1...3)
      var tree: [Int] = [], nodes: [Int] = [], feature: [Int] = [], yes: [Int] = [], no: [Int] = [], modes: [String] = [], values: [Float] = []
      var leafTree: [Int] = [], leafNode: [Int] = [], target: [Int] = [], weights: [Float] = []
      for index in 0..<trees {
        // Node 0 splits, 1 splits or is a leaf, the others are leaves.
        let isDeep = g.random.chance(0.5)
        for node in 0..<(isDeep ? 5 : 3) {
          let splits = node == 0 || (isDeep && node == 1)
          tree.append(index)
          nodes.append(node)
          feature.append(splits ? g.random.below(features) : 0)
          yes.append(node == 0 ? 1 : splits ? 3 : 0)
          no.append(node == 0 ? 2 : splits ? 4 : 0)
          modes.append(splits ? g.random.pick(["BRANCH_LEQ", "BRANCH_LEQ", "BRANCH_LT", "BRANCH_GT"]) : "LEAF")
          values.append(splits ? Float(g.random.int(-3...3)) / 2 : 0)
          if !splits {
            leafTree.append(index)
            leafNode.append(node)
            target.append(g.random.below(2))
            weights.append(Float(g.random.unit() * 2 - 1))
          }
        }
      }
      let structure: GraphMaker.Attributes = [
        ("nodes_treeids", .ints(tree)), ("nodes_nodeids", .ints(nodes)), ("nodes_featureids", .ints(feature)), ("nodes_truenodeids", .ints(yes)), ("nodes_falsenodeids", .ints(no)),
        ("nodes_modes", .strings(modes)), ("nodes_values", .floats(values)), ("post_transform", .string(g.random.pick(["NONE", "SOFTMAX", "LOGISTIC"]))),
      ]
      if g.random.chance(0.5) {
        g.node("TreeEnsembleRegressor", [x], structure + [("n_targets", .int(2)), ("target_treeids", .ints(leafTree)), ("target_nodeids", .ints(leafNode)), ("target_ids", .ints(target)), ("target_weights", .floats(weights))], domain: GraphMaker.ml)
      } else {
        g.node("TreeEnsembleClassifier", [x], outputs: 2, structure + [("classlabels_int64s", .ints([3, 5])), ("class_treeids", .ints(leafTree)), ("class_nodeids", .ints(leafNode)), ("class_ids", .ints(target)), ("class_weights", .floats(weights))], domain: GraphMaker.ml)
      }
    },
    Recipe("ai.onnx.ml::SVMRegressor", "ai.onnx.ml::SVMClassifier", weight: 1) { g in
      guard let x = g.rows(), x.dims[1] > 0 else { return }
      let n = x.dims[1]
      let kernel = g.random.pick(["LINEAR", "RBF", "POLY", "SIGMOID"])
      let common: GraphMaker.Attributes = [("kernel_type", .string(kernel)), ("kernel_params", .floats([0.5, 0.1, 2])), ("support_vectors", .floats((0..<2 * n).map { Float($0 % 3) - 1 }))]
      if g.random.chance(0.5) {
        g.node("SVMRegressor", [x], common + [("coefficients", .floats([0.5, -0.25])), ("rho", .floats([0.125])), ("n_supports", .int(2))], domain: GraphMaker.ml)
      } else {
        g.node("SVMClassifier", [x], outputs: 2, common + [("coefficients", .floats([0.5, -0.25])), ("rho", .floats([0.125])), ("vectors_per_class", .ints([1, 1])), ("classlabels_ints", .ints([0, 1]))], domain: GraphMaker.ml)
      }
    },
    Recipe("ai.onnx.ml::LabelEncoder", "ai.onnx.ml::CategoryMapper", "ai.onnx.ml::OneHotEncoder", weight: 3) { g in
      switch g.random.below(4) {
      case 0:
        guard let x = g.tensor([.string], ranks: 1...2) else { return }
        g.node("LabelEncoder", [x], [("keys_strings", .strings(["a", "ab", ""])), ("values_int64s", .ints([1, 2, 3])), ("default_int64", .int(-1))], domain: GraphMaker.ml)
      case 1:
        guard let x = g.tensor([.int64], ranks: 1...2, .ties) else { return }
        g.node("LabelEncoder", [x], [("keys_int64s", .ints([0, 1, 2])), ("values_strings", .strings(["zero", "one", "a string of many bytes"])), ("default_string", .string("?"))], domain: GraphMaker.ml)
      case 2:
        guard let x = g.tensor([.string], ranks: 1...2) else { return }
        g.node("CategoryMapper", [x], [("cats_strings", .strings(["a", "b"])), ("cats_int64s", .ints([4, 5])), ("default_int64", .int(-2))], domain: GraphMaker.ml)
      default:
        guard let x = g.tensor([.int64], ranks: 1...2, .ties) else { return }
        g.node("OneHotEncoder", [x], [("cats_int64s", .ints([0, 1, 2]))], domain: GraphMaker.ml)
      }
    },
    Recipe("ai.onnx.ml::TreeEnsemble", weight: 2) { g in
      guard g.spec.mlOpset >= 5, let x = g.rows([.float32, .float64]), x.dims[1] > 0, let element = x.element else { return }
      func list(_ values: [Double]) -> AttributeSpec? {
        if element == .float64 { return (try? Tensor(vector: values)).map(AttributeSpec.tensor) }
        return (try? Tensor(vector: values.map(Float.init))).map(AttributeSpec.tensor)
      }
      guard let splits = list([0.5, -0.25]), let weights = list([1, 2, -0.75]), let modes = try? Tensor(vector: [0, UInt8(g.random.below(4))]) else { return }
      g.node("TreeEnsemble", [x], [
        ("n_targets", .int(2)), ("aggregate_function", .int(1)), ("post_transform", .int(0)), ("tree_roots", .ints([0])), ("nodes_modes", .tensor(modes)),
        ("nodes_featureids", .ints([0, g.random.below(x.dims[1])])), ("nodes_splits", splits), ("nodes_truenodeids", .ints([1, 0])), ("nodes_trueleafs", .ints([0, 1])),
        ("nodes_falsenodeids", .ints([2, 1])), ("nodes_falseleafs", .ints([1, 1])), ("leaf_targetids", .ints([0, 1, 0])), ("leaf_weights", weights),
      ], domain: GraphMaker.ml)
    },
    Recipe("ai.onnx.ml::CastMap", "ai.onnx.ml::DictVectorizer", weight: 1) { g in
      guard let map = g.mapInput() else { return }
      if g.random.chance(0.5) { g.node("CastMap", [map], [("cast_to", .string("TO_FLOAT")), ("map_form", .string("DENSE"))], domain: GraphMaker.ml) } else
      { g.node("DictVectorizer", [map], [("int64_vocabulary", .ints([1, 4, 2, 9]))], domain: GraphMaker.ml) }
    },
    Recipe("ai.onnx.ml::ArrayFeatureExtractor", "ai.onnx.ml::FeatureVectorizer", weight: 2) { g in
      guard let x = g.rows([.float32, .int64]), x.dims[1] > 0 else { return }
      if g.random.chance(0.5) {
        guard let places = g.ints([g.random.below(x.dims[1]), 0], shape: [1, 2]) else { return }
        g.node("ArrayFeatureExtractor", [x, places], domain: GraphMaker.ml)
      } else {
        guard let y = g.new(.float32, [x.dims[0], 2], .plain) else { return }
        g.node("FeatureVectorizer", [x, y], [("inputdimensions", .ints([x.dims[1], 2]))], domain: GraphMaker.ml)
      }
    },
  ]
}
