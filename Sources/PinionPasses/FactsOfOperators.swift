import PinionGraph
import PinionTensor

extension Facts {
  /// What follows for output 0 where the inputs' types are known in part.
  func general(_ name: String, _ node: Node, _ inputs: [Fact]) -> Fact? {
    guard let first = inputs.first else { return nil }
    switch name {
    case "Abs", "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Ceil", "Celu", "Clip", "Cos", "Cosh", "Elu", "Erf", "Exp", "Floor",
      "Gelu", "HardSigmoid", "HardSwish", "Identity", "LeakyRelu", "Log", "LogSoftmax", "Mish", "Neg", "Reciprocal", "Relu", "Round",
      "Selu", "Sigmoid", "Sign", "Sin", "Sinh", "Softmax", "Softplus", "Softsign", "Sqrt", "Swish", "Tan", "Tanh", "ThresholdedRelu",
      "Dropout", "BatchNormalization", "InstanceNormalization", "LayerNormalization", "GroupNormalization", "LRN", "LpNormalization",
      "CumSum", "Trilu", "PRelu", "BitwiseNot", "Not":
      return Fact(element: first.element, dims: first.dims)
    case "Add", "Sub", "Mul", "Div", "Mod", "Sum", "Min", "Max", "Mean":
      return Fact(element: inputs.lazy.compactMap(\.element).first, dims: Fact.broadcast(inputs.map(\.dims), symbols))
    case "Pow": return Fact(element: first.element, dims: Fact.broadcast(inputs.map(\.dims), symbols))
    case "Equal", "Greater", "GreaterOrEqual", "Less", "LessOrEqual", "And", "Or", "Xor":
      return Fact(element: .bool, dims: Fact.broadcast(inputs.map(\.dims), symbols))
    case "Where":
      guard inputs.count == 3 else { return nil }
      return Fact(element: inputs[1].element ?? inputs[2].element, dims: Fact.broadcast(inputs.map(\.dims), symbols))
    case "Cast":
      guard case .int(let raw)? = node.attributes["to"] else { return nil }
      return Fact(element: Int32(exactly: raw).flatMap(ElementType.init(rawValue:)), dims: first.dims)
    case "MatMul": return product(inputs)
    case "pinion::FusedMatMul": return isTransposed(node) ? Fact(element: first.element) : product(inputs)
    case "Gemm", "pinion::FusedGemm":
      let column = inputs.count > 1 ? inputs[1].extent(node.attributes["transB"] == .int(1) ? 0 : 1) : nil
      let row = first.extent(node.attributes["transA"] == .int(1) ? 1 : 0)
      return Fact(element: first.element ?? inputs.dropFirst().first?.element, dims: [row, column])
    case "Conv", "pinion::FusedConv":
      guard inputs.count > 1, let rank = first.rank ?? inputs[1].rank, rank > 1 else { return nil }
      let kernel = (2..<rank).map { inputs[1].known($0) }
      return Fact(
        element: first.element ?? inputs[1].element,
        dims: [first.extent(0), inputs[1].extent(0)] + windows(node, over: (2..<rank).map { first.extent($0) }, kernel: kernel))
    case "ConvTranspose":
      guard inputs.count > 1, let rank = first.rank ?? inputs[1].rank, rank > 1 else { return nil }
      return Fact(element: first.element ?? inputs[1].element, dims: [first.extent(0)] + [Int?](repeating: nil, count: rank - 1))
    case "MaxPool", "AveragePool", "LpPool":
      guard let dims = first.dims, dims.count > 1 else { return Fact(element: first.element) }
      var kernel = [Int?](repeating: nil, count: dims.count - 2)
      if case .ints(let shape)? = node.attributes["kernel_shape"], shape.count == kernel.count { kernel = shape.map { Int(exactly: $0) } }
      return Fact(element: first.element, dims: Array(dims[..<2]) + windows(node, over: Array(dims[2...]), kernel: kernel))
    case "GlobalAveragePool", "GlobalMaxPool":
      guard let dims = first.dims, dims.count > 1 else { return Fact(element: first.element) }
      return Fact(element: first.element, dims: Array(dims[..<2]) + [Int?](repeating: 1, count: dims.count - 2))
    case "Slice": return Fact(element: first.element, dims: first.dims.map { sliced($0, node, inputs) })
    case "Pad", "Tile", "Resize": return Fact(element: first.element, dims: first.dims.map { $0.map { _ in nil } })
    case "RMSNormalization", "SimplifiedLayerNormalization":
      return Fact(element: inputs.count > 1 ? inputs[1].element : nil, dims: first.dims)
    case "Attention": return attention(node, inputs)
    default: return moved(name, node, inputs, first)
    }
  }

  /// The spatial extents behind a convolution or pooling.
  private func windows(_ node: Node, over extents: [Int?], kernel: [Int?]) -> [Int?] {
    func numbers(_ name: String, default value: Int, count: Int) -> [Int]? {
      guard let attribute = node.attributes[name] else { return [Int](repeating: value, count: count) }
      guard case .ints(let values) = attribute, values.count == count, values.allSatisfy({ $0 >= 0 && $0 < 1 << 31 }) else { return nil }
      return values.map { Int($0) }
    }
    let rank = extents.count, mode = node.attributes["auto_pad"], ceils = node.attributes["ceil_mode"]
    guard mode == nil || mode == .string("NOTSET"), ceils == nil || ceils == .int(0),
      let pads = numbers("pads", default: 0, count: rank * 2),
      let strides = numbers("strides", default: 1, count: rank), let dilations = numbers("dilations", default: 1, count: rank)
    else { return [Int?](repeating: nil, count: rank) }
    return extents.indices.map { axis in
      guard let size = kernel[axis], size > 0, size < 1 << 31 else { return nil }
      return symbols.windows(
        over: extents[axis], reach: (size &- 1) &* dilations[axis] &+ 1, stride: strides[axis], padding: pads[axis] &+ pads[axis &+ rank])
    }
  }

  private func attention(_ node: Node, _ inputs: [Fact]) -> Fact? {
    guard inputs.count > 2, let dims = inputs[0].dims else { return nil }
    if dims.count == 4 { return Fact(element: inputs[0].element, dims: Array(dims[..<3]) + [inputs[2].extent(3)]) }
    guard dims.count == 3 else { return nil }
    let hasOwnHeads = node.attributes["q_num_heads"] == node.attributes["kv_num_heads"]
    return Fact(element: inputs[0].element, dims: Array(dims[..<2]) + [hasOwnHeads ? inputs[2].extent(2) : nil])
  }

  /// The extents after a Slice; known for axes that it leaves alone and those cut from the front only.
  private func sliced(_ dims: [Int?], _ node: Node, _ inputs: [Fact]) -> [Int?] {
    let unknown = [Int?](repeating: nil, count: dims.count)
    guard inputs.count > 2, let starts = inputs[1].values, let ends = inputs[2].values, starts.count == ends.count else { return unknown }
    var axes: [Int64?] = (0..<Int64(starts.count)).map { $0 }
    if inputs.count > 3, node.inputs[3] != nil {
      guard let values = inputs[3].values, values.count == starts.count else { return unknown }
      axes = values
    }
    var steps: [Int64?] = starts.map { _ in 1 }
    if inputs.count > 4, node.inputs[4] != nil {
      guard let values = inputs[4].values, values.count == starts.count else { return unknown }
      steps = values
    }
    var result = dims
    for (position, axis) in axes.enumerated() {
      guard let axis, let index = Int(exactly: axis < 0 ? axis &+ Int64(dims.count) : axis), dims.indices.contains(index) else {
        return unknown
      }
      guard starts[position] == 0, steps[position] == 1, let end = ends[position], let extent = dims[index],
        end >= 0 || Symbols.isSymbol(end)
      else {
        result[index] = nil
        continue
      }
      result[index] = end >= 1 << 46 ? extent : symbols.minimum(extent, Int(end))
    }
    return result
  }

  private func isTransposed(_ node: Node) -> Bool {
    ["transA", "transB", "transBatchA", "transBatchB"].contains { node.attributes[$0] == .int(1) }
  }

  private func product(_ inputs: [Fact]) -> Fact? {
    guard inputs.count > 1 else { return nil }
    let element = inputs[0].element ?? inputs[1].element
    guard let a = inputs[0].dims, let b = inputs[1].dims, a.count > 1, b.count > 1 else { return Fact(element: element) }
    guard let lead = Fact.broadcast([Array(a.dropLast(2)), Array(b.dropLast(2))], symbols) else { return Fact(element: element) }
    return Fact(element: element, dims: lead + [a[a.count - 2], b[b.count - 1]])
  }

  /// Operators that only move elements, and those that take axes away.
  private func moved(_ name: String, _ node: Node, _ inputs: [Fact], _ first: Fact) -> Fact? {
    switch name {
    case "Transpose":
      guard case .ints(let permutation)? = node.attributes["perm"] else {
        return Fact(element: first.element, dims: first.dims?.reversed())
      }
      return Fact(element: first.element, dims: permutation.map { axis in Int(exactly: axis).flatMap { $0 < 0 ? nil : first.extent($0) } })
    case "Reshape":
      guard inputs.count > 1 else { return nil }
      guard let values = inputs[1].values else {
        guard let length = inputs[1].known(0), length <= Fact.valueLimit else { return Fact(element: first.element) }
        return Fact(element: first.element, dims: [Int?](repeating: nil, count: length))
      }
      var dims = values.enumerated().map { axis, extent -> Int? in
        guard let extent, extent > 0 || Symbols.isSymbol(extent) else {
          return extent == 0 && node.attributes["allowzero"] != .int(1) ? first.extent(axis) : nil
        }
        return Int(exactly: extent)
      }
      // The number of elements stays, which tells one extent from the others.
      if let all = first.dims, let open = dims.firstIndex(of: nil), dims.lastIndex(of: nil) == open {
        var others = dims
        others.remove(at: open)
        dims[open] = symbols.rest(of: all, without: others)
      }
      return Fact(element: first.element, dims: dims)
    case "Expand":
      guard inputs.count > 1, let values = inputs[1].values else { return Fact(element: first.element) }
      let shape = values.map { $0.flatMap { Int(exactly: $0) } }
      return Fact(element: first.element, dims: Fact.broadcast([first.dims, shape], symbols))
    case "Flatten":
      guard node.attributes["axis"] == nil || node.attributes["axis"] == .int(1), let dims = first.dims, !dims.isEmpty else {
        return Fact(element: first.element, dims: [nil, nil])
      }
      let rest = dims.dropFirst().compactMap { $0.flatMap { $0 >= 0 && $0 < 1 << 20 ? $0 : nil } }
      return Fact(
        element: first.element, dims: [dims[0], rest.count == dims.count - 1 && rest.count <= 3 ? rest.reduce(1, &*) : nil])
    case "Unsqueeze":
      guard inputs.count > 1, let axes = inputs[1].values, let dims = first.dims else { return Fact(element: first.element) }
      return Fact(element: first.element, dims: Facts.inserting(axes, into: dims))
    case "pinion::AlignAxes": return aligned(node, inputs, first)
    case "Squeeze":
      guard inputs.count > 1, let axes = inputs[1].values, let dims = first.dims else { return Fact(element: first.element) }
      return Fact(element: first.element, dims: Facts.removing(axes, from: dims))
    case "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceSumSquare",
      "ReduceLogSum", "ReduceLogSumExp":
      return Fact(element: first.element, dims: Facts.reduced(node, inputs, first))
    case "Concat":
      let element = inputs.lazy.compactMap(\.element).first
      guard let rank = inputs.lazy.compactMap(\.rank).first, case .int(let axis)? = node.attributes["axis"] else {
        return Fact(element: element)
      }
      let position = axis < 0 ? axis &+ Int64(rank) : axis
      let dims = (0..<rank).map { index -> Int? in
        if Int64(index) == position {
          let extents = inputs.compactMap { $0.rank == rank ? $0.known(index) : nil }
          return extents.count == inputs.count ? extents.reduce(0, &+) : nil
        }
        return inputs.lazy.compactMap { $0.rank == rank ? $0.dims?[index] : nil }.first
      }
      return Fact(element: element, dims: dims)
    case "Gather":
      guard inputs.count > 1, let data = first.dims, let indices = inputs[1].dims else { return Fact(element: first.element) }
      var axis: Int64 = 0
      if case .int(let value)? = node.attributes["axis"] { axis = value < 0 ? value &+ Int64(data.count) : value }
      guard let axis = Int(exactly: axis), data.indices.contains(axis) else { return nil }
      return Fact(element: first.element, dims: Array(data[..<axis]) + indices + Array(data[(axis + 1)...]))
    case "Shape": return Fact(element: .int64, dims: [first.rank.map { Facts.shapeRange(node, rank: $0).count }])
    case "Size": return Fact(element: .int64, dims: [])
    case "Range":
      let element = inputs.lazy.compactMap(\.element).first
      guard inputs.count == 3, inputs[0].single == 0, inputs[2].single == 1, let values = inputs[1].values, values.count == 1,
        let limit = values[0], limit >= 0 || Symbols.isSymbol(limit)
      else { return Fact(element: element, dims: [nil]) }
      return Fact(element: element, dims: [Int(limit)])
    case "GatherND":
      guard inputs.count > 1, node.attributes["batch_dims"] ?? .int(0) == .int(0), let data = first.dims, let indices = inputs[1].dims,
        let length = inputs[1].known(-1), length <= data.count
      else { return Fact(element: first.element) }
      return Fact(element: first.element, dims: indices.dropLast() + data[length...])
    default: return nil
    }
  }

  /// The rank of the data, and where it begins along the other operand, say how many axes of one element follow.
  private func aligned(_ node: Node, _ inputs: [Fact], _ first: Fact) -> Fact {
    guard let dims = first.dims, inputs.count > 1, let rank = inputs[1].rank, case .int(let axis)? = node.attributes["axis"] else {
      return Fact(element: first.element)
    }
    guard dims.count < rank else { return first }
    guard let start = Int(exactly: axis < 0 ? axis &+ Int64(rank) : axis), start >= 0, start <= rank - dims.count else {
      return Fact(element: first.element)
    }
    return Fact(element: first.element, dims: dims + [Int?](repeating: 1, count: rank - dims.count - start))
  }

  private static func inserting(_ axes: [Int64?], into dims: [Int?]) -> [Int?]? {
    let rank = dims.count + axes.count
    var isNew = [Bool](repeating: false, count: rank)
    for axis in axes {
      guard let axis, let position = Int(exactly: axis < 0 ? axis &+ Int64(rank) : axis), isNew.indices.contains(position) else {
        return nil
      }
      isNew[position] = true
    }
    guard isNew.count(where: { $0 }) == axes.count else { return nil }
    var rest = dims.makeIterator()
    return isNew.map { $0 ? 1 : rest.next() ?? nil }
  }

  private static func removing(_ axes: [Int64?], from dims: [Int?]) -> [Int?]? {
    var isGone = [Bool](repeating: false, count: dims.count)
    for axis in axes {
      guard let axis, let position = Int(exactly: axis < 0 ? axis &+ Int64(dims.count) : axis), isGone.indices.contains(position) else {
        return nil
      }
      isGone[position] = true
    }
    return zip(dims, isGone).compactMap { $1 ? nil : .some($0) }
  }

  private static func reduced(_ node: Node, _ inputs: [Fact], _ first: Fact) -> [Int?]? {
    guard let dims = first.dims, inputs.count > 1, let axes = inputs[1].values, !axes.isEmpty,
      let rest = removing(axes, from: dims)
    else { return nil }
    guard node.attributes["keepdims"] != .int(0) else { return rest }
    return dims.enumerated().map { axis, extent in
      axes.contains { $0.map { $0 < 0 ? $0 &+ Int64(dims.count) : $0 } == Int64(axis) } ? 1 : extent
    }
  }
}
