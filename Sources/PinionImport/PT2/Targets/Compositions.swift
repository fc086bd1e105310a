import PinionBase
import PinionGraph
import PinionTensor

/// Targets that PyTorch itself makes of others and that the training dialect has as they are.
extension Lowering {
  func compositions(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "dist":
      let (x, y) = try promoted(.tensor(try c.tensor("self")), .tensor(try c.tensor("other")))
      return [try norm(try sub(x, y), try c.float("p"), [], keep: false)]
    case "frobenius_norm":
      let x = try c.tensor("self")
      return [try norm(x, 2, try axes(try c.ints("dim"), x.rank), keep: try c.bool("keepdim"))]
    case "linalg_vecdot":
      let (x, y) = try promoted(.tensor(try c.tensor("x")), .tensor(try c.tensor("y")))
      guard !x.isComplex else { throw .unsupported("linalg_vecdot of complex numbers") }
      let product = try mul(x, y)
      return [try sum(product, [try axis(try c.int("dim"), product.rank)])]
    case "fill_diagonal":
      let x = try c.tensor("self")
      guard x.rank == 2, try !c.bool("wrap") else { throw .unsupported("fill_diagonal of a tensor of rank \(x.rank), or around its end") }
      let isOn = try equal(try unsqueeze(try range(try extent(x, 0)), [1]), try range(try extent(x, 1)))
      return [try choose(isOn, try scalar(try c.number("fill_value"), x.element), x)]
    case "cov":
      guard !c.has("fweights"), !c.has("aweights") else { throw .unsupported("a covariance with weights") }
      return [try covariance(try c.tensor("self"), try c.number("correction"))]
    case "corrcoef":
      let covariances = try covariance(try c.tensor("self"), .int(1))
      guard covariances.rank == 2 else { return [try div(covariances, covariances)] }
      let spread = try op("Sqrt", [try diagonal(covariances, 0, 0, 1)])
      let scaled = try div(try div(covariances, try unsqueeze(spread, [1])), try unsqueeze(spread, [0]))
      return [try op("Clip", [scaled, try scalar(-1.0, scaled.element), try scalar(1.0, scaled.element)])]
    case "nonzero_static":
      let x = try c.tensor("self"), size = try c.count("size")
      let places = try transpose(try nonzero(x), [1, 0])
      let fill = try filled(try scalar(try c.int("fill_value"), .int64), [.known(size), .known(Int64(x.rank))])
      var result = try slice(try concat([places, fill], 0), 0, 0, size)
      result.dims = [Int(size), x.rank]
      return [result]
    case "_shape_as_tensor":
      let x = try c.tensor("self")
      return [Term(id: try shape(of: x), element: .int64, dims: [x.rank])]
    case "pad_sequence": return [try padded(c)]
    default: return nil
    }
  }

  /// Of rows, each of which is a variable and each column of which is an observation.
  private func covariance(_ given: Term, _ correction: Number) throws(PinionError) -> Term {
    guard given.rank == 1 || given.rank == 2, given.element.isFloatingPoint, !given.isComplex else {
      throw .unsupported("a covariance of a tensor of rank \(given.rank) and type \(given.element)")
    }
    let x = given.rank == 1 ? try unsqueeze(given, [0]) : given
    let centred = try sub(x, try reduce("ReduceMean", x, [1], keep: true))
    let count = try sub(try cast(try extentTerm(try extent(x, 1)), x.element), try scalar(correction, x.element))
    let result = try div(try matmul(centred, try transpose(centred, [1, 0])), try binary("Max", count, try scalar(0.0, x.element)))
    return given.rank == 1 ? try reshape(result, [] as [Int64]) : result
  }

  /// Sequences of known lengths side by side, each filled up to the longest.
  private func padded(_ c: Call) throws(PinionError) -> Term {
    let list = try c.tensors("sequences")
    let isFirst = try c.bool("batch_first")
    let isLeft = c.optionalString("padding_side") == "left"
    guard let first = list.first, list.allSatisfy({ $0.rank == first.rank && $0.rank > 0 }) else { throw .invalidModel("sequences of different ranks") }
    var lengths: [Int] = []
    for sequence in list {
      guard let length = sequence.dims[0] else { throw .unsupported("pad_sequence of lengths that a run decides") }
      lengths.append(length)
    }
    let longest = lengths.max() ?? 0
    let fill = try scalar(try c.number("padding_value"), first.element)
    var rows: [Term] = []
    for (sequence, length) in zip(list, lengths) {
      var row = sequence
      if length < longest {
        var sizes = try extents(sequence)
        sizes[0] = .known(Int64(longest - length))
        let rest = try filled(fill, sizes)
        row = try concat(isLeft ? [rest, sequence] : [sequence, rest], 0)
      }
      rows.append(try unsqueeze(row, [isFirst ? 0 : 1]))
    }
    return try concat(rows, isFirst ? 0 : 1)
  }
}
