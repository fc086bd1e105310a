import PinionBase
import PinionGraph
import PinionTensor

/// Targets that reduce dimensions.
extension Lowering {
  func reduction(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "sum", "mean", "nansum", "nanmean", "prod", "amax", "amin", "aminmax", "all", "any", "_is_all_true", "_is_any_true", "argmax", "argmin", "logsumexp",
      "special_logsumexp", "var",
      "std", "var_mean", "std_mean", "count_nonzero", "linalg_vector_norm", "linalg_norm", "linalg_matrix_norm", "norm", "trace":
      break
    case "max", "min":
      if c.key.hasSuffix(".other") { return nil }
    default: return nil
    }
    let x = try c.tensor("self")
    if c.base == "trace" { return [try sum(try diagonal(x, 0, 0, 1), [0])] }
    let keep = c.has("keepdim") ? try c.bool("keepdim") : false
    var axes: [Int] = []
    if x.rank > 0, let given = try c.optionalInts("dim") { axes = try self.axes(given, x.rank) }
    switch c.base {
    case "sum": return [try sum(try cast(x, try c.outputElement() ?? x.element), axes, keep: keep)]
    case "prod": return [try reduce("ReduceProd", try cast(x, try c.outputElement() ?? x.element), axes, keep: keep)]
    case "mean": return [try reduce("ReduceMean", try cast(x, try c.outputElement() ?? x.element), axes, keep: keep)]
    case "nansum", "nanmean":
      let isNone = try op("IsNaN", [x], element: .bool)
      let total = try sum(try choose(isNone, try scalar(0.0, x.element), x), axes, keep: keep)
      if c.base == "nansum" { return [total] }
      return [try div(total, try sum(try cast(try not(isNone), x.element), axes, keep: keep))]
    case "amax", "amin": return [try reduce(c.base == "amax" ? "ReduceMax" : "ReduceMin", x, axes, keep: keep)]
    case "aminmax": return [try reduce("ReduceMin", x, axes, keep: keep), try reduce("ReduceMax", x, axes, keep: keep)]
    case "max", "min":
      let isMax = c.base == "max"
      guard c.key.hasSuffix(".dim") else { return [try reduce(isMax ? "ReduceMax" : "ReduceMin", x, axes, keep: keep)] }
      let values = try reduce(isMax ? "ReduceMax" : "ReduceMin", x, axes, keep: keep)
      guard c.outputMeta(1) != nil, x.rank > 0 else { return [values, try scalar(Int64(0), .int64)] }
      guard let axis = axes.first else { throw .invalidModel("argument 'dim' is missing") }
      return [values, try place(isMax ? "ArgMax" : "ArgMin", x, axis, keep: keep)]
    case "argmax", "argmin":
      let name = c.base == "argmax" ? "ArgMax" : "ArgMin"
      guard c.has("dim") else {
        let found = try place(name, try reshape(x, [-1]), 0, keep: false)
        return [keep ? try unsqueeze(found, Array(0..<x.rank)) : found]
      }
      guard let axis = axes.first else { return [try scalar(Int64(0), .int64)] }
      return [try place(name, x, axis, keep: keep)]
    case "all", "_is_all_true": return [try all(x, axes, keep: keep)]
    case "any", "_is_any_true": return [try any(x, axes, keep: keep)]
    case "count_nonzero": return [try sum(try cast(try cast(x, .bool), .int64), axes, keep: false)]
    case "logsumexp", "special_logsumexp": return [try reduce("ReduceLogSumExp", x, axes, keep: keep)]
    case "var", "std", "var_mean", "std_mean": return try variances(c, x, axes, keep: keep)
    case "linalg_vector_norm":
      return [try norm(try cast(x, try c.outputElement() ?? x.element), try c.float("ord"), axes, keep: keep)]
    case "norm":
      return [try norm(try cast(x, try c.outputElement() ?? x.element), try c.optionalFloat("p") ?? 2, axes, keep: keep)]
    default: return [try matrixNorm(c, x, axes, keep: keep)]
    }
  }

  private func place(_ name: String, _ x: Term, _ axis: Int, keep: Bool) throws(PinionError) -> Term {
    var dims = x.dims
    guard dims.indices.contains(axis) else { throw .invalidModel("dimension \(axis) of a tensor of rank \(x.rank)") }
    if keep { dims[axis] = 1 } else { dims.remove(at: axis) }
    let numbers = x.element == .bool ? try cast(x, .uint8) : x
    return try op(name, [numbers], ["axis": .int(Int64(axis)), "keepdims": .int(keep ? 1 : 0)], element: .int64, dims: dims)
  }

  private func variances(_ c: Call, _ x: Term, _ axes: [Int], keep: Bool) throws(PinionError) -> [Term] {
    let wide = try cast(x, x.element == .float64 ? .float64 : .float32)
    let correction: Double
    if c.key.hasSuffix(".correction") { correction = try c.optionalFloat("correction") ?? 1 } else { correction = try c.bool("unbiased") ? 1 : 0 }
    let kept = try reduce("ReduceMean", wide, axes, keep: true)
    let gap = try sub(wide, kept)
    let squares = try sum(try mul(gap, gap), axes, keep: keep)
    let freedom = try binary("Max", try add(try count(x, axes, wide.element), -correction), try scalar(0.0, wide.element))
    var result = try div(squares, freedom)
    if c.base.hasPrefix("std") { result = try op("Sqrt", [result]) }
    result = try cast(result, x.element)
    guard c.base.hasSuffix("_mean") else { return [result] }
    let mean = keep || x.rank == 0 ? kept : try squeeze(kept, axes.isEmpty ? Array(0..<x.rank) : axes)
    return [result, try cast(mean, x.element)]
  }

  /// The p-norm over axes, all for none.
  func norm(_ x: Term, _ order: Double, _ axes: [Int], keep: Bool) throws(PinionError) -> Term {
    switch order {
    case 2: return try reduce("ReduceL2", x, axes, keep: keep)
    case 1: return try reduce("ReduceL1", x, axes, keep: keep)
    case .infinity: return try reduce("ReduceMax", try op("Abs", [x]), axes, keep: keep)
    case -.infinity: return try reduce("ReduceMin", try op("Abs", [x]), axes, keep: keep)
    case 0: return try sum(try cast(try not(try equal(x, try scalar(0.0, x.element))), x.element), axes, keep: keep)
    default: return try pow(try sum(try pow(try op("Abs", [x]), order), axes, keep: keep), 1 / order)
    }
  }

  private func matrixNorm(_ c: Call, _ x: Term, _ axes: [Int], keep: Bool) throws(PinionError) -> Term {
    if case .string(let kind)? = c.argument("ord") {
      guard kind == "fro" else { throw .unsupported("the '\(kind)' norm, which needs singular values") }
      return try reduce("ReduceL2", x, axes.isEmpty ? [x.rank - 2, x.rank - 1] : axes, keep: keep)
    }
    guard let order = try c.optionalFloat("ord") else { return try reduce("ReduceL2", x, axes, keep: keep) }
    let isMatrix = axes.count == 2 || axes.isEmpty && x.rank == 2
    guard isMatrix else { return try norm(x, order, axes, keep: keep) }
    let (rows, columns) = axes.isEmpty ? (0, 1) : (axes[0], axes[1])
    guard abs(order) == 1 || abs(order) == .infinity else { throw .unsupported("the matrix norm of order \(order), which needs singular values") }
    let sums = try reduce("ReduceL1", x, [abs(order) == 1 ? rows : columns], keep: true)
    let result = try reduce(order > 0 ? "ReduceMax" : "ReduceMin", sums, [rows, columns], keep: true)
    return keep ? result : try squeeze(result, [rows, columns])
  }
}
