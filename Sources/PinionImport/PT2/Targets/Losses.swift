import PinionBase
import PinionGraph
import PinionTensor

/// Losses, composed of elementwise operators and reductions.
extension Lowering {
  func losses(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "mse_loss":
      let gap = try gap(c)
      return [try lost(c, try mul(gap, gap))]
    case "l1_loss": return [try lost(c, try op("Abs", [try gap(c)]))]
    case "smooth_l1_loss", "huber_loss":
      let size = try op("Abs", [try gap(c)])
      let isSmooth = c.base == "smooth_l1_loss"
      let edge = try c.float(isSmooth ? "beta" : "delta")
      if edge == 0 { return [try lost(c, size)] }
      let near = try mul(try mul(size, size), isSmooth ? 0.5 / edge : 0.5)
      let far = try add(size, -0.5 * edge)
      return [try lost(c, try choose(try less(size, try scalar(edge, size.element)), near, isSmooth ? far : try mul(far, edge)))]
    case "binary_cross_entropy":
      let x = try c.tensor("self"), target = try c.tensor("target", as: x.element)
      func logarithm(_ term: Term) throws(PinionError) -> Term { try binary("Max", try op("Log", [term]), try scalar(-100.0, x.element)) }
      let one = try scalar(1.0, x.element)
      let kept = try mul(target, try logarithm(x)), rest = try mul(try sub(one, target), try logarithm(try sub(one, x)))
      return [try lost(c, try weighed(c, try op("Neg", [try add(kept, rest)])))]
    case "binary_cross_entropy_with_logits":
      let x = try c.tensor("self"), target = try c.tensor("target", as: x.element)
      let one = try scalar(1.0, x.element)
      // softplus(-x) is what log(sigmoid) loses.
      var factor = one
      if let positive = try c.optionalTensor("pos_weight") { factor = try add(try mul(try sub(positive, one), target), one) }
      let soft = try mul(factor, try op("Softplus", [try op("Neg", [x])]))
      return [try lost(c, try weighed(c, try add(try mul(try sub(one, target), x), soft)))]
    case "kl_div":
      let x = try c.tensor("self"), target = try c.tensor("target", as: x.element)
      if try c.bool("log_target") { return [try lost(c, try mul(try op("Exp", [target]), try sub(target, x)))] }
      let zero = try scalar(0.0, x.element)
      let isZero = try equal(target, zero)
      let entropy = try mul(target, try op("Log", [try choose(isZero, try scalar(1.0, x.element), target)]))
      return [try lost(c, try sub(entropy, try mul(target, x)))]
    case "margin_ranking_loss":
      let a = try c.tensor("input1"), b = try c.tensor("input2"), target = try c.tensor("target", as: a.element)
      let value = try add(try mul(try op("Neg", [target]), try sub(a, b)), try c.float("margin"))
      return [try lost(c, try op("Relu", [value]))]
    case "soft_margin_loss":
      let x = try c.tensor("self"), target = try c.tensor("target", as: x.element)
      return [try lost(c, try op("Softplus", [try op("Neg", [try mul(target, x)])]))]
    case "hinge_embedding_loss":
      let x = try c.tensor("self"), target = try c.tensor("target", as: x.element)
      let margin = try op("Relu", [try add(try op("Neg", [x]), try c.float("margin"))])
      return [try lost(c, try choose(try equal(target, try scalar(1.0, x.element)), x, margin))]
    case "triplet_margin_loss":
      let anchor = try c.tensor("anchor"), positive = try c.tensor("positive"), negative = try c.tensor("negative")
      let p = try c.float("p"), eps = try c.float("eps")
      func distance(_ a: Term, _ b: Term) throws(PinionError) -> Term { try norm(try add(try sub(a, b), eps), p, [max(a.rank, b.rank) - 1], keep: false) }
      let near = try distance(anchor, positive)
      var far = try distance(anchor, negative)
      if try c.bool("swap") { far = try binary("Min", far, try distance(positive, negative)) }
      return [try lost(c, try op("Relu", [try add(try sub(near, far), try c.float("margin"))]))]
    case "cosine_embedding_loss": return [try lost(c, try cosineEmbedding(c))]
    case "poisson_nll_loss": return [try lost(c, try poisson(c))]
    case "multi_margin_loss": return [try lost(c, try multiMargin(c))]
    case "multilabel_margin_loss": return [try lost(c, try multilabelMargin(c))]
    case "cross_entropy_loss": return [try crossEntropy(c)]
    case "nll_loss", "nll_loss_nd", "nll_loss2d", "nll_loss_forward", "nll_loss2d_forward":
      return [try likelihood(c, try c.tensor("self")), try scalar(0.0, try c.tensor("self").element)]
    default: return nil
    }
  }

  private func gap(_ c: Call) throws(PinionError) -> Term {
    let (x, y) = try promoted(.tensor(try c.tensor("self")), .tensor(try c.tensor("target")))
    return try sub(x, y)
  }

  private func weighed(_ c: Call, _ term: Term) throws(PinionError) -> Term {
    guard let weight = try c.optionalTensor("weight") else { return term }
    return try mul(term, weight)
  }

  /// 0 for each element's own loss, 1 for the mean, 2 for the sum.
  private func lost(_ c: Call, _ term: Term) throws(PinionError) -> Term {
    switch try c.int("reduction") {
    case 0: return term
    case 1: return try reduce("ReduceMean", term, [], keep: false)
    default: return try sum(term, [])
    }
  }

  private func crossEntropy(_ c: Call) throws(PinionError) -> Term {
    let x = try c.tensor("self"), target = try c.tensor("target")
    let axis = x.rank > 1 ? 1 : 0
    let logs = try op("LogSoftmax", [x], ["axis": .int(Int64(axis))])
    let smoothing = try c.float("label_smoothing")
    guard target.element.isFloatingPoint else { return try likelihood(c, logs) }
    var wanted = target
    if smoothing > 0, let classes = x.dims[axis] { wanted = try add(try mul(target, 1 - smoothing), smoothing / Double(classes)) }
    var terms = try mul(wanted, logs)
    if let weight = try c.optionalTensor("weight") { terms = try mul(terms, try reshape(weight, [-1] + [Int64](repeating: 1, count: max(0, x.rank - 2)))) }
    let rows = try op("Neg", [try sum(terms, [axis])])
    return try lost(c, rows)
  }

  /// The weighted mean (or sum) of what the targets' classes have lost.
  private func likelihood(_ c: Call, _ logs: Term) throws(PinionError) -> Term {
    let axis = logs.rank > 1 ? 1 : 0
    let target = try cast(try c.tensor("target"), .int64)
    let ignored = try scalar(try c.number("ignore_index"), .int64)
    let isIgnored = try equal(target, ignored)
    let zero = try scalar(0.0, logs.element)
    let safe = try choose(isIgnored, try scalar(Int64(0), .int64), target)
    let places = try unsqueeze(safe, [axis])
    let picked = try squeeze(try op("GatherElements", [logs, places], ["axis": .int(Int64(axis))], dims: places.dims), [axis])
    let weight = try c.optionalTensor("weight")
    var factors = try expand(try scalar(1.0, logs.element), like: target)
    if let weight { factors = try gather(weight, safe, 0) }
    factors = try choose(isIgnored, zero, factors)
    var rows = try op("Neg", [try mul(picked, factors)])
    let smoothing = c.has("label_smoothing") ? try c.float("label_smoothing") : 0
    var smooth: Term?
    if smoothing > 0, let classes = logs.dims[axis] {
      var all = logs
      if let weight { all = try mul(all, try reshape(weight, [-1] + [Int64](repeating: 1, count: max(0, logs.rank - 2)))) }
      smooth = try choose(isIgnored, zero, try op("Neg", [try sum(all, [axis])]))
      rows = try add(try mul(rows, 1 - smoothing), try mul(smooth ?? rows, smoothing / Double(classes)))
    }
    switch try c.int("reduction") {
    case 0: return rows
    case 1: return try div(try sum(rows, []), try sum(factors, []))
    default: return try sum(rows, [])
    }
  }
}
