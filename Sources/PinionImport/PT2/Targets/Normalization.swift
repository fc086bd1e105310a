import PinionBase
import PinionGraph
import PinionTensor

/// Normalisations and softmax.
extension Lowering {
  func normalization(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "batch_norm":
      let x = try c.tensor("input")
      if try c.bool("training") || !c.has("running_mean") { return [try batchStatistics(c, x)] }
      return [try batchNormalized(c, x)]
    case "_native_batch_norm_legit_no_training", "_batch_norm_no_update":
      let x = try c.tensor("input")
      let none = Term(id: try vector([]), element: .int64, dims: [0])
      return [try batchNormalized(c, x), none, none]
    case "_native_batch_norm_legit":
      guard c.key == "_native_batch_norm_legit.no_stats" else { throw .unsupported("batch normalisation in training; export the model after model.eval()") }
      let x = try c.tensor("input")
      return [try batchStatistics(c, x)]
    case "instance_norm":
      let x = try c.tensor("input")
      try requireRank(x, 2, c)
      guard try c.bool("use_input_stats") else { return [try batchNormalized(c, x)] }
      return [try normalized(x, Array(2..<x.rank), try c.float("eps"), try channelwise(c, "weight", x), try channelwise(c, "bias", x))]
    case "layer_norm", "native_layer_norm": return try layerNormalized(c)
    case "rms_norm":
      let x = try c.tensor("input")
      let count = try c.ints("normalized_shape").count
      let eps = try c.optionalFloat("eps") ?? (x.element == .float64 ? 2.220446049250313e-16 : x.element == .float16 ? 0.0009765625 : x.element == .bfloat16 ? 0.0078125 : 1.1920928955078125e-07)
      guard count <= x.rank else { throw .invalidModel("normalized_shape has \(count) entries for a tensor of rank \(x.rank)") }
      let axes = Array((x.rank - count)..<x.rank)
      if count == 1, let weight = try c.optionalTensor("weight"), weight.element == x.element {
        return [try op("RMSNormalization", [x, weight], ["axis": .int(-1), "epsilon": .float(Float(eps))])]
      }
      let wide = try cast(x, x.element == .float64 ? .float64 : .float32)
      let mean = try reduce("ReduceMean", try mul(wide, wide), axes, keep: true)
      let result = try cast(try div(wide, try op("Sqrt", [try add(mean, eps)])), x.element)
      guard let weight = try c.optionalTensor("weight") else { return [result] }
      return [try mul(result, weight)]
    case "group_norm", "native_group_norm":
      let x = try c.tensor("input")
      let groups = try c.int(c.base == "group_norm" ? "num_groups" : "group")
      let result = try groupNormalized(x, groups, try c.optionalTensor("weight"), try c.optionalTensor("bias"), try c.float("eps"))
      return [result]
    case "softmax", "_softmax", "log_softmax", "_log_softmax", "_safe_softmax", "softmin", "special_softmax", "special_log_softmax":
      let x = try c.tensor("self")
      let element = try c.outputElement() ?? x.element
      let name = c.base.contains("log_softmax") ? "LogSoftmax" : "Softmax"
      let input = try cast(x, element)
      if x.rank == 0 { return [name == "Softmax" ? try scalar(1.0, element) : try scalar(0.0, element)] }
      let axis = try axis(try c.int("dim"), x.rank)
      let result = try op(name, [input], ["axis": .int(Int64(axis))])
      guard c.base == "_safe_softmax" else { return [result] }
      let isMasked = try all(try equal(input, try scalar(-.infinity, element)), [axis], keep: true)
      return [try choose(isMasked, try scalar(0.0, element), result)]
    case "_weight_norm", "_weight_norm_interface":
      let v = try c.tensor("v"), g = try c.tensor("g")
      let axis = try axis(try c.int("dim"), v.rank)
      let length = try reduce("ReduceL2", v, (0..<v.rank).filter { $0 != axis }, keep: true)
      return [try mul(v, try div(g, length)), length]
    case "renorm":
      let x = try c.tensor("self")
      let axis = try axis(try c.int("dim"), x.rank)
      let limit = try scalar(try c.float("maxnorm"), x.element)
      let length = try norm(x, try c.float("p"), (0..<x.rank).filter { $0 != axis }, keep: true)
      let factor = try div(limit, try add(length, 1e-7))
      return [try mul(x, try choose(try less(limit, length), factor, try scalar(1.0, x.element)))]
    default: return nil
    }
  }

  /// A vector over channels in a shape that broadcasts over the second dimension of `x`.
  private func channelwise(_ c: Call, _ name: String, _ x: Term) throws(PinionError) -> Term? {
    guard let vector = try c.optionalTensor(name) else { return nil }
    return try reshape(vector, [-1] + [Int64](repeating: 1, count: max(x.rank - 2, 0)))
  }

  /// (x - mean) / √(variance + eps) · weight + bias over the axes
  func normalized(_ x: Term, _ axes: [Int], _ eps: Double, _ weight: Term?, _ bias: Term?) throws(PinionError) -> Term {
    let wide = try cast(x, x.element == .float64 ? .float64 : .float32)
    let gap = try sub(wide, try reduce("ReduceMean", wide, axes, keep: true))
    let variance = try reduce("ReduceMean", try mul(gap, gap), axes, keep: true)
    var result = try cast(try div(gap, try op("Sqrt", [try add(variance, eps)])), x.element)
    if let weight { result = try mul(result, try cast(weight, x.element)) }
    if let bias { result = try add(result, try cast(bias, x.element)) }
    return result
  }

  private func batchStatistics(_ c: Call, _ x: Term) throws(PinionError) -> Term {
    try normalized(x, [0] + Array(2..<max(x.rank, 2)), try c.float("eps"), try channelwise(c, "weight", x), try channelwise(c, "bias", x))
  }

  private func batchNormalized(_ c: Call, _ x: Term) throws(PinionError) -> Term {
    let mean = try c.tensor("running_mean"), variance = try c.tensor("running_var")
    func vector(_ name: String, _ fill: Double) throws(PinionError) -> Term {
      if let given = try c.optionalTensor(name) { return given }
      guard let channels = mean.dims[0] else { return try filled(try scalar(fill, mean.element), [try extent(mean, 0)]) }
      if mean.element == .float32 { return try list([Int64(channels)]) { _ in Float(fill) } }
      return try filled(try scalar(fill, mean.element), [.known(Int64(channels))])
    }
    let operands = [x, try vector("weight", 1), try vector("bias", 0), mean, variance]
    return try op("BatchNormalization", operands, ["epsilon": .float(Float(try c.float("eps")))])
  }

  private func layerNormalized(_ c: Call) throws(PinionError) -> [Term] {
    let x = try c.tensor("input")
    let shape = try c.extents("normalized_shape")
    let eps = try c.float("eps")
    let first = x.rank - shape.count
    guard first >= 0 else { throw .invalidModel("normalized_shape has \(shape.count) entries for a tensor of rank \(x.rank)") }
    let bias = try c.optionalTensor("bias")
    var weight = try c.optionalTensor("weight")
    if weight == nil { weight = try filled(try scalar(1.0, x.element), shape) }
    guard let weight else { return [] }
    let statistic = c.base == "native_layer_norm" && c.outputMeta(1) != nil ? 3 : 1
    let ids = try emit(
      "LayerNormalization", [x.id, try cast(weight, x.element).id, try bias.map { (term) throws(PinionError) in try cast(term, x.element).id }],
      ["axis": .int(Int64(first)), "epsilon": .float(Float(eps))], outputs: statistic)
    let small: [Int?] = Array(x.dims[..<first]) + [Int?](repeating: 1, count: shape.count)
    return ids.enumerated().map { Term(id: $1, element: $0 == 0 ? x.element : x.element == .float64 ? .float64 : .float32, dims: $0 == 0 ? x.dims : small) }
  }

  private func groupNormalized(_ x: Term, _ groups: Int64, _ weight: Term?, _ bias: Term?, _ eps: Double) throws(PinionError) -> Term {
    guard groups > 0, let channels = x.dims[1] else { throw .unsupported("groups of channels that a run decides") }
    func vector(_ given: Term?, _ fill: Float) throws(PinionError) -> Term {
      if let given { return given }
      return try cast(try list([Int64(channels)]) { _ in fill }, x.element)
    }
    return try op(
      "GroupNormalization", [x, try vector(weight, 1), try vector(bias, 0)], ["num_groups": .int(groups), "epsilon": .float(Float(eps))])
  }
}
