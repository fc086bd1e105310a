import PinionBase
import PinionGraph
import PinionTensor

/// quantized_decomposed's targets that find scales while a program runs, and those of rows and groups.
extension Lowering {
  /// Scale (float64) and zero point (int64) of a whole tensor, one each.
  func rangeOfTensor(_ c: Call) throws(PinionError) -> [Term] {
    let x = try c.tensor("input", as: .float32)
    let low = try c.int("quant_min"), high = try c.int("quant_max")
    guard low < high else { throw .invalidModel("quant_min \(low) and quant_max \(high)") }
    let zero = try scalar(0.0, .float32)
    let least = try binary("Min", try reduce("ReduceMin", x, [], keep: false), zero)
    let most = try binary("Max", try reduce("ReduceMax", x, [], keep: false), zero)
    let eps = try scalar(try c.float("eps"), .float32)
    var scale: Term, place: Term
    if c.base.contains("symmetric") {
      let reach = try binary("Max", try op("Neg", [least]), most)
      scale = try binary("Max", try div(reach, Double(high - low) / 2), eps)
      let isUnsigned = try c.dtype()?.element == .uint8
      place = try scalar(Int64(isUnsigned ? 128 : 0), .int64)
    } else {
      scale = try binary("Max", try div(try sub(most, least), Double(high - low)), eps)
      let steps = try cast(try op("Round", [try div(least, scale)]), .int64)
      place = try sub(try scalar(low, .int64), steps)
      place = try op("Clip", [place, try scalar(low, .int64), try scalar(high, .int64)])
    }
    return [try reshape(try cast(scale, .float64), [1]), try reshape(place, [1])]
  }

  /// Scale and zero point of each row of the last dimension, which they keep with extent 1.
  func rangeOfRows(_ c: Call) throws(PinionError) -> [Term] {
    let x = try c.tensor("input")
    guard x.rank > 0 else { throw .invalidModel("rows of a tensor of rank 0") }
    let axes = [x.rank - 1]
    guard c.base.hasSuffix("asymmetric") else {
      let reach = try cast(try reduce("ReduceMax", try op("Abs", [x]), axes, keep: true), try c.outputElement() ?? x.element)
      let scale = try div(try binary("Max", reach, try scalar(1e-5, reach.element)), 127)
      return [scale, try expand(try scalar(0.0, scale.element), like: scale)]
    }
    let zero = try scalar(0.0, x.element), low = -128.0, high = 127.0
    let least = try binary("Min", try reduce("ReduceMin", x, axes, keep: true), zero)
    let most = try binary("Max", try reduce("ReduceMax", x, axes, keep: true), zero)
    let scale = try binary("Max", try div(try sub(most, least), high - low), try scalar(0x1p-23, x.element))
    let below = try div(least, scale), above = try div(most, scale)
    let errors = try add(try add(below, low), try add(above, high))
    let isBelow = try less(zero, errors)
    let exact = try choose(isBelow, try sub(try scalar(low, x.element), below), try sub(try scalar(high, x.element), above))
    let place = try op("Round", [try op("Clip", [exact, try scalar(low, x.element), try scalar(high, x.element)])])
    return [try cast(scale, .float64), try cast(place, .int64)]
  }

  /// Rows quantised with scales of their own, or back; computed in the scales' type.
  func rows(_ c: Call) throws(PinionError) -> Term {
    let x = try c.tensor("input")
    let scales = try c.tensor("scales")
    let wide: ElementType = scales.element == .float64 ? .float64 : .float32
    let factors = try cast(scales, wide), places = try c.tensor("zero_points", as: wide)
    if c.base.contains("dequantize") {
      return try cast(try mul(try sub(try cast(x, wide), places), factors), try c.outputElement() ?? .float32)
    }
    let steps = try op("Round", [try add(try mul(try cast(x, wide), try op("Reciprocal", [factors])), places)])
    let low = try scalar(Double(try c.int("quant_min")), wide), high = try scalar(Double(try c.int("quant_max")), wide)
    return try cast(try op("Clip", [steps, low, high]), try c.outputElement() ?? .int8)
  }

  /// A matrix back from integers with a scale for each group of elements of a row.
  func groups(_ c: Call) throws(PinionError) -> Term {
    let x = try c.tensor("input")
    let scales = try c.tensor("scales")
    guard x.rank == 2, scales.rank == 2 else { throw .unsupported("groups of a tensor of rank \(x.rank) with scales of rank \(scales.rank)") }
    let size = try c.int("group_size")
    guard size > 0 else { throw .invalidModel("groups of \(size)") }
    let element = scales.element
    let parts = try reshape(try cast(x, element), [.known(-1), x.dims[1].map { .known(min(Int64($0), size)) } ?? .known(size)])
    var shifted = parts
    if let places = try c.optionalTensor("zero_points") { shifted = try sub(parts, try reshape(try cast(places, element), [-1, 1])) }
    let result = try mul(shifted, try reshape(scales, [-1, 1]))
    return try cast(try reshape(result, like: x), try c.outputElement() ?? .float32)
  }
}
