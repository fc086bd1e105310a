import PinionBase
import PinionGraph
import PinionTensor

/// Scaled dot-product attention in the form that the passes recognise.
extension Lowering {
  func attention(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "scaled_dot_product_attention", "_scaled_dot_product_flash_attention_for_cpu": break
    default: return nil
    }
    let query = try c.tensor("query")
    var key = try c.tensor("key"), value = try c.tensor("value")
    for operand in [query, key, value] { try requireRank(operand, 2, c) }
    if query.rank >= 3, c.has("enable_gqa"), try c.bool("enable_gqa") {
      let heads = query.rank - 3
      key = try grouped(key, heads, query)
      value = try grouped(value, heads, query)
    }
    guard let width = query.dims[query.rank - 1] else { throw .unsupported("attention of a width that a run decides") }
    let scale = try c.optionalFloat("scale") ?? 1 / Double(width).squareRoot()
    var scores = try matmul(try mul(query, scale), try swapped(key))
    if try c.bool("is_causal") {
      let rows = try range(try extent(query, query.rank - 2)), columns = try range(try extent(key, key.rank - 2))
      let isSeen = try binary("LessOrEqual", columns, try unsqueeze(rows, [1]), element: .bool)
      scores = try add(scores, try choose(isSeen, try scalar(0.0, query.element), try scalar(-.infinity, query.element)))
    }
    let mask = try c.optionalTensor("attn_mask")
    if let mask {
      let isKept = mask.element == .bool
      let addend = isKept ? try choose(mask, try scalar(0.0, query.element), try scalar(-.infinity, query.element)) : try cast(mask, query.element)
      scores = try add(scores, addend)
    }
    let axis = scores.rank - 1
    var weights = try op("Softmax", [scores], ["axis": .int(Int64(axis))])
    if mask != nil {
      // A row of scores that is minus infinity throughout gives zeros, where the softmax has no numbers.
      let isEmpty = try equal(try reduce("ReduceMax", scores, [axis], keep: true), try scalar(-.infinity, scores.element))
      weights = try choose(isEmpty, try scalar(0.0, weights.element), weights)
    }
    return [try matmul(weights, value)]
  }

  /// Heads of keys or values repeated to as many as the query has.
  private func grouped(_ term: Term, _ axis: Int, _ query: Term) throws(PinionError) -> Term {
    guard let own = term.dims[axis], let all = query.dims[axis], own > 0, all % own == 0 else { throw .unsupported("grouped heads that a run counts") }
    guard own != all else { return term }
    var target = try extents(term), merged = target
    target.insert(.known(Int64(all / own)), at: axis + 1)
    merged[axis] = .known(Int64(all))
    return try reshape(try expand(try unsqueeze(term, [axis + 1]), target), merged)
  }
}
