import PinionBase
import PinionGraph
import PinionTensor

/// What each element or row loses by its distance from a margin, and by Poisson's likelihood; not yet reduced.
extension Lowering {
  func cosineEmbedding(_ c: Call) throws(PinionError) -> Term {
    let a = try c.tensor("input1"), b = try c.tensor("input2", as: a.element), target = try c.tensor("target", as: a.element)
    let axes = [max(target.rank, max(a.rank, b.rank) - 1)]
    guard axes[0] < max(a.rank, b.rank) else { throw .invalidModel("targets of rank \(target.rank) for inputs of rank \(max(a.rank, b.rank))") }
    func square(_ x: Term) throws(PinionError) -> Term { try add(try sum(try mul(x, x), axes), 1e-12) }
    let cosine = try div(try sum(try mul(a, b), axes), try op("Sqrt", [try mul(try square(a), try square(b))]))
    let zero = try scalar(0.0, a.element), one = try scalar(1.0, a.element)
    let far = try op("Relu", [try add(cosine, -(try c.float("margin")))])
    let rest = try choose(try equal(target, try scalar(-1.0, a.element)), far, zero)
    return try choose(try equal(target, one), try sub(one, cosine), rest)
  }

  func poisson(_ c: Call) throws(PinionError) -> Term {
    let x = try c.tensor("input"), target = try c.tensor("target", as: x.element)
    var loss: Term
    if try c.bool("log_input") {
      loss = try sub(try op("Exp", [x]), try mul(target, x))
    } else {
      loss = try sub(x, try mul(target, try op("Log", [try add(x, try c.float("eps"))])))
    }
    guard try c.bool("full") else { return loss }
    // Stirling's approximation, for targets above 1.
    let one = try scalar(1.0, x.element)
    let isLarge = try less(one, target)
    let safe = try choose(isLarge, target, one)
    let half = try mul(try op("Log", [try mul(safe, 2 * 3.141592653589793)]), 0.5)
    let stirling = try add(try sub(try mul(safe, try op("Log", [safe])), safe), half)
    loss = try add(loss, try choose(isLarge, stirling, try scalar(0.0, x.element)))
    return loss
  }

  func multiMargin(_ c: Call) throws(PinionError) -> Term {
    let x = try c.tensor("self"), target = try c.tensor("target", as: .int64)
    guard x.rank > 0 else { throw .unsupported("multi_margin_loss of a tensor of rank 0") }
    let axis = x.rank - 1
    // A single row may have its target in a vector of one.
    let places = try unsqueeze(target.rank == x.rank ? try reshape(target, [] as [Int64]) : target, [axis])
    let own = try op("GatherElements", [x, places], ["axis": .int(Int64(axis))], dims: places.dims)
    var loss = try op("Relu", [try add(try sub(x, own), try c.float("margin"))])
    let p = try c.float("p")
    guard p == 1 || p == 2 else { throw .invalidModel("multi_margin_loss with p \(p), expected 1 or 2") }
    if p == 2 { loss = try mul(loss, loss) }
    if let weight = try c.optionalTensor("weight") { loss = try mul(loss, try gather(weight, places, 0)) }
    let isOwn = try equal(places, try range(try extent(x, axis)))
    return try reduce("ReduceMean", try choose(isOwn, try scalar(0.0, x.element), loss), [axis], keep: false)
  }

  /// Targets are the classes up to the first -1; each of them against each class that is none.
  func multilabelMargin(_ c: Call) throws(PinionError) -> Term {
    let x = try c.tensor("self"), target = try c.tensor("target", as: .int64)
    guard x.rank > 0, target.rank == x.rank else { throw .unsupported("multilabel_margin_loss of tensors of rank \(x.rank) and \(target.rank)") }
    let axis = x.rank - 1
    let classes = try range(try extent(x, axis))
    let none = try scalar(Int64(-1), .int64), zero = try scalar(0.0, x.element)
    let ends = try choose(try equal(target, none), classes, try extentTerm(try extent(x, axis)))
    let isTarget = try less(classes, try reduce("ReduceMin", ends, [axis], keep: true))
    let own = try op(
      "GatherElements", [x, try choose(isTarget, target, try scalar(Int64(0), .int64))], ["axis": .int(Int64(axis))], dims: target.dims)
    // [..., targets, classes]
    let pairs = try equal(try unsqueeze(try choose(isTarget, target, none), [axis + 1]), classes)
    let isAny = try reduce("ReduceMax", try cast(pairs, x.element), [axis], keep: true)
    let margins = try op("Relu", [try add(try sub(try unsqueeze(x, [axis]), try unsqueeze(own, [axis + 1])), 1)])
    let kept = try choose(try unsqueeze(isTarget, [axis + 1]), margins, zero)
    let lost = try mul(kept, try sub(try scalar(1.0, x.element), isAny))
    return try reduce("ReduceMean", try sum(lost, [axis]), [axis], keep: false)
  }
}
