import PinionBase
import PinionGraph
import PinionTensor

/// Targets that draw numbers. The numbers are others than PyTorch's; their distributions are the same.
extension Lowering {
  func random(_ c: Call, _ element: ElementType) throws(PinionError) -> [Term]? {
    switch c.base {
    case "rand_like", "randn_like":
      return [try drawn(c.base == "rand_like" ? "RandomUniformLike" : "RandomNormalLike", like: try c.tensor("self"), element)]
    case "rand", "randn":
      return [try drawn(c.base == "rand" ? "RandomUniformLike" : "RandomNormalLike", try c.extents("size"), element)]
    case "bernoulli": return [try coins(c, element)]
    case "uniform":
      let low = try c.float("from"), high = try c.float("to")
      return [try add(try mul(try drawn("RandomUniformLike", like: try c.tensor("self"), element), high - low), low)]
    case "normal", "normal_functional": return [try normals(c, element)]
    case "exponential": return [try div(try exponentials(like: try c.tensor("self"), element), try c.float("lambd"))]
    case "randint", "randint_like": return [try integers(c, element)]
    case "randperm": return [try cast(try permutation(try c.extent("n")), element)]
    case "multinomial": return [try choices(c)]
    default: return nil
    }
  }

  private func drawn(_ name: String, like term: Term, _ element: ElementType) throws(PinionError) -> Term {
    guard element.isFloatingPoint else { throw .unsupported("random numbers of type \(element)") }
    return try op(name, [term], ["dtype": .int(Int64(element.rawValue))], element: element)
  }

  private func drawn(_ name: String, _ sizes: [Extent], _ element: ElementType) throws(PinionError) -> Term {
    try drawn(name, like: try filled(try scalar(0.0, element), sizes), element)
  }

  /// Ones with a probability that is a number, a tensor, or the tensor itself.
  private func coins(_ c: Call, _ element: ElementType) throws(PinionError) -> Term {
    let x = try c.tensor("self")
    guard c.has("p") else { return try op("Bernoulli", [x]) }
    let draws = try drawn("RandomUniformLike", like: x, .float32)
    let chance = try cast(try term(try c.operand("p"), .float32), .float32)
    return try cast(try less(draws, chance), element)
  }

  private func normals(_ c: Call, _ element: ElementType) throws(PinionError) -> Term {
    let draws: Term
    if c.base == "normal_functional" || c.isInPlace {
      draws = try drawn("RandomNormalLike", like: try c.tensor("self"), element)
    } else if c.has("size") {
      draws = try drawn("RandomNormalLike", try c.extents("size"), element)
    } else {
      var shape: Term?
      for name in ["mean", "std"] {
        guard case .tensor? = c.argument(name) else { continue }
        let own = try c.tensor(name)
        shape = try shape.map { (other) throws(PinionError) in try add(other, try cast(own, other.element)) } ?? own
      }
      guard let shape else { throw .unsupported("normal numbers without a shape") }
      draws = try drawn("RandomNormalLike", like: shape, element)
    }
    let spread = try cast(try term(try c.operand("std"), element), element)
    let centre = try cast(try term(try c.operand("mean"), element), element)
    return try add(try mul(draws, spread), centre)
  }

  /// Of rate 1. 1 - u is never 0, as u is never 1.
  private func exponentials(like term: Term, _ element: ElementType) throws(PinionError) -> Term {
    let wide: ElementType = element == .float64 ? .float64 : .float32
    let draws = try drawn("RandomUniformLike", like: term, wide)
    return try cast(try op("Neg", [try op("Log", [try sub(try scalar(1.0, wide), draws)])]), element)
  }

  private func integers(_ c: Call, _ element: ElementType) throws(PinionError) -> Term {
    let low = c.has("low") ? try c.int("low") : 0, high = try c.int("high")
    guard high > low, high <= 1 << 53, low >= -(1 << 53) else { throw .invalidModel("random integers from \(low) to \(high)") }
    let draws: Term
    if c.base == "randint" {
      draws = try drawn("RandomUniformLike", try c.extents("size"), .float64)
    } else {
      draws = try drawn("RandomUniformLike", like: try c.tensor("self"), .float64)
    }
    let steps = try op("Floor", [try mul(draws, Double(high) - Double(low))])
    // A product may have been rounded up to the end.
    let last = try scalar(Double(high) - Double(low) - 1, .float64)
    return try cast(try add(try binary("Min", steps, last), Double(low)), element)
  }

  private func permutation(_ count: Extent) throws(PinionError) -> Term {
    let draws = try drawn("RandomUniformLike", [count], .float64)
    let length = try sizes([count])
    let ids = try emit("TopK", [draws.id, length], ["axis": .int(0)], outputs: 2)
    return Term(id: ids[1], element: .int64, dims: dims([count]))
  }

  /// Positions drawn by weights: the greatest of weights divided by exponentials, anew for each draw where drawn ones are put back.
  private func choices(_ c: Call) throws(PinionError) -> Term {
    let given = try c.tensor("self")
    let wide: ElementType = given.element == .float64 ? .float64 : .float32
    try requireRank(given, 1, c)
    let weights = try cast(given, wide)
    let count = try c.count("num_samples")
    if try c.bool("replacement"), count > 1 {
      let axis = weights.rank - 1
      let rows = try unsqueeze(weights, [axis])
      var sizes = try extents(rows)
      sizes[axis] = .known(count)
      let keys = try div(rows, try exponentials(like: try filled(try scalar(0.0, wide), sizes), wide))
      let dims = Array(weights.dims.dropLast()) + [Int(count)]
      return try op("ArgMax", [keys], ["axis": .int(Int64(axis + 1)), "keepdims": .int(0)], element: .int64, dims: dims)
    }
    let keys = try div(weights, try exponentials(like: weights, wide))
    let ids = try emit("TopK", [keys.id, try vector([count])], ["axis": .int(-1)], outputs: 2)
    return Term(id: ids[1], element: .int64, dims: Array(weights.dims.dropLast()) + [Int(count)])
  }
}
