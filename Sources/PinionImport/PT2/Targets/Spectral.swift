import PinionBase
import PinionGraph
import PinionTensor

/// Fourier transforms. Complex numbers are pairs along a last axis.
extension Lowering {
  func spectral(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "stft": return [try shortTime(c)]
    case "istft": return [try inverseShortTime(c)]
    case "_fft_r2c", "_fft_c2c", "_fft_c2r": return [try coreTransform(c)]
    case "fft_hfft":
      // The inverse of the conjugate's, with the factor of a forward transform.
      let x = try complexTerm(try c.tensor("self"))
      let norms = ["backward": "forward", "forward": "backward", "ortho": "ortho"]
      return [try realInverse(try conjugate(x), try axis(try c.int("dim"), x.rank), try c.optionalExtent("n"), norms[c.optionalString("norm") ?? "backward"] ?? "")]
    case "fft_fft", "fft_ifft", "fft_rfft", "fft_irfft", "fft_fft2", "fft_ifft2", "fft_rfft2", "fft_irfft2", "fft_fftn", "fft_ifftn", "fft_rfftn",
      "fft_irfftn":
      break
    default: return nil
    }
    var x = try c.tensor("self")
    let isMany = c.base.hasSuffix("2") || c.base.hasSuffix("n")
    var kind = c.base.dropFirst(4)
    if isMany { kind = kind.dropLast() }
    var axes: [Int]
    var lengths: [Extent?]
    if isMany {
      let sizes = try c.optionalExtents("s")
      if let given = try c.optionalInts("dim") { axes = try self.axes(given, x.rank) } else {
        guard sizes?.count ?? 0 <= x.rank else { throw .invalidModel("more sizes than dimensions") }
        axes = Array((x.rank - (sizes?.count ?? x.rank))..<x.rank)
      }
      lengths = sizes ?? [Extent?](repeating: nil, count: axes.count)
    } else {
      axes = [try axis(try c.int("dim"), x.rank)]
      lengths = [try c.optionalExtent("n")]
    }
    guard let last = axes.last, lengths.count == axes.count else { return [x] }
    for length in lengths { if let length = length?.known, length <= 0 { throw .invalidModel("a transform of \(length) numbers") } }
    let norm = c.optionalString("norm") ?? "backward"
    switch kind {
    case "rfft":
      x = try transformed(x, last, lengths[axes.count - 1] ?? nil, inverse: false, onesided: true, norm)
      for (axis, length) in zip(axes, lengths).dropLast() { x = try transformed(x, axis, length, inverse: false, onesided: false, norm) }
    case "irfft":
      x = try complexTerm(x)
      for (axis, length) in zip(axes, lengths).dropLast() { x = try transformed(x, axis, length, inverse: true, onesided: false, norm) }
      x = try realInverse(x, last, lengths[axes.count - 1] ?? nil, norm)
    default:
      x = try complexTerm(x)
      for (axis, length) in zip(axes, lengths) { x = try transformed(x, axis, length, inverse: kind == "ifft", onesided: false, norm) }
    }
    return [x]
  }

  /// The transforms that others become in the core dialect: `normalization` tells the factor itself, 0 for one, 1 for 1/√n, 2 for 1/n.
  private func coreTransform(_ c: Call) throws(PinionError) -> Term {
    var x = try c.tensor("self")
    let axes = try self.axes(try c.ints("dim"), x.rank)
    guard let last = axes.last else { return x }
    let isInverse = c.base == "_fft_c2r" ? true : c.base == "_fft_c2c" ? try !c.bool("forward") : false
    let normalization = try c.int("normalization")
    guard (0...2).contains(normalization) else { throw .invalidModel("normalization \(normalization)") }
    let norm = normalization == 1 ? "ortho" : (normalization == 2) == isInverse ? "backward" : "forward"
    switch c.base {
    case "_fft_r2c":
      x = try transformed(x, last, nil, inverse: false, onesided: try c.bool("onesided"), norm)
      for axis in axes.dropLast() { x = try transformed(x, axis, nil, inverse: false, onesided: false, norm) }
    case "_fft_c2r":
      x = try complexTerm(x)
      for axis in axes.dropLast() { x = try transformed(x, axis, nil, inverse: true, onesided: false, norm) }
      x = try realInverse(x, last, try c.extent("last_dim_size"), norm)
    default:
      x = try complexTerm(x)
      for axis in axes { x = try transformed(x, axis, nil, inverse: isInverse, onesided: false, norm) }
    }
    return x
  }

  /// Cut or padded with zeros to a length.
  private func fitted(_ x: Term, _ axis: Int, _ length: Extent?) throws(PinionError) -> Term {
    guard let length else { return x }
    let extent = try extent(x, axis)
    var dims = x.dims
    dims[axis] = length.known.flatMap { Int(exactly: $0) }
    if case .known(let length) = length, case .known(let extent) = extent {
      if length == extent { return x }
      if length < extent { return try slice(x, axis, 0, length) }
    }
    var pads = [Extent](repeating: .known(0), count: 2 * x.storedRank)
    pads[x.storedRank + axis] = try excess(length, extent)
    let padded = try op("Pad", [x, Term(id: try sizes(pads), element: .int64, dims: [pads.count])], dims: dims)
    if length.known != nil, extent.known != nil { return padded }
    var result = try slice(padded, axis, .known(0), length)
    result.dims = dims
    return result
  }

  private func transformed(_ x: Term, _ axis: Int, _ length: Extent?, inverse: Bool, onesided: Bool, _ norm: String) throws(PinionError) -> Term {
    let isOpen = length.map { $0.known == nil } ?? false
    let input = isOpen ? x : try fitted(x, axis, length)
    let stored = input.isComplex ? input : try unsqueeze(input, [input.rank])
    var count: Term?
    if isOpen, let length { count = try extentTerm(length) }
    let ids = try emit(
      "DFT", [stored.id, count?.id, try scalar(Int64(axis), .int64).id], ["inverse": .int(inverse ? 1 : 0), "onesided": .int(onesided ? 1 : 0)])
    var dims = input.dims
    if isOpen { dims[axis] = nil } else if onesided { dims[axis] = input.dims[axis].map { $0 / 2 + 1 } }
    let result = Term(id: ids[0], element: input.element, dims: dims, isComplex: true)
    if norm == "backward" { return result }
    if isOpen, let length { return try weighed(result, length, inverse: inverse, norm) }
    return try weighed(result, try extent(input, axis), inverse: inverse, norm)
  }

  /// DFT divides by the count where it is inverse and not where it is forward; this makes up for other conventions.
  private func weighed(_ x: Term, _ count: Extent, inverse: Bool, _ norm: String) throws(PinionError) -> Term {
    let divides = norm == "ortho" ? !inverse : norm == "forward" && !inverse
    if case .known(let count) = count {
      let n = norm == "ortho" ? Double(count).squareRoot() : Double(count)
      return try mul(x, divides ? 1 / n : n)
    }
    var n = try cast(try extentTerm(count), x.element)
    if norm == "ortho" { n = try op("Sqrt", [n]) }
    return divides ? try div(x, n) : try mul(x, n)
  }

  /// The real numbers whose one-sided spectrum this is.
  private func realInverse(_ x: Term, _ axis: Int, _ length: Extent?, _ norm: String) throws(PinionError) -> Term {
    var count = try times(try plus(try extent(x, axis), -1), 2)
    if let length { count = length }
    if let known = count.known, known <= 0 { throw .invalidModel("an inverse transform of \(known) numbers") }
    let half = try fitted(x, axis, try plus(try over(count, 2), 1))
    var parts = [half]
    if count.known ?? 3 > 2 {
      let mirrored = try slice(half, axis, .known(1), try over(try plus(count, 1), 2))
      parts.append(try conjugate(try flipped(mirrored, [axis])))
    }
    var whole = try concat(parts, axis)
    whole.dims[axis] = count.known.flatMap { Int(exactly: $0) }
    return try apply(.part(0), try transformed(whole, axis, nil, inverse: true, onesided: false, norm))
  }

  private func paddedWindow(_ c: Call, _ count: Int64, _ element: ElementType) throws(PinionError) -> Term {
    let length = try c.optionalInt("win_length") ?? count
    let given = try c.optionalTensor("window")
    let window: Term
    if let given { window = given } else { window = try filled(try scalar(1.0, element), [.known(length)]) }
    guard length < count else { return window }
    let left = (count - length) / 2
    return try op("Pad", [window, try vectorTerm([left, count - length - left])], dims: [Int(count)])
  }

  private func shortTime(_ c: Call) throws(PinionError) -> Term {
    var x = try c.tensor("self")
    let count = try c.int("n_fft")
    let hop = try c.optionalInt("hop_length") ?? count / 4
    guard count > 0, hop > 0 else { throw .invalidModel("n_fft \(count), hop_length \(hop)") }
    guard !x.isComplex else { throw .unsupported("stft of complex numbers") }
    let isSingle = x.rank == 1
    if isSingle { x = try unsqueeze(x, [0]) }
    if c.key == "stft.center", try c.bool("center") {
      let mode = try c.string("pad_mode")
      let names = ["reflect": "reflect", "constant": "constant", "replicate": "edge"]
      guard let name = names[mode] else { throw .unsupported("pad_mode '\(mode)'") }
      let pad = count / 2
      x = try op("Pad", [x, try vectorTerm([0, pad, 0, pad])], ["mode": .string(name)], dims: [x.dims[0], x.dims[1].map { $0 + Int(2 * pad) }])
    }
    let frames = try mul(try windows(x, 1, count, hop), try paddedWindow(c, count, x.element))
    let isOneSided = try c.optionalInt("onesided") != 0
    var result = try transformed(frames, 2, nil, inverse: false, onesided: isOneSided, try c.bool("normalized") ? "ortho" : "backward")
    result = try transpose(result, [0, 2, 1])
    if isSingle { result = try squeeze(result, [0]) }
    if c.has("return_complex"), try !c.bool("return_complex") { result = try apply(.pairs, result) }
    return result
  }

  private func inverseShortTime(_ c: Call) throws(PinionError) -> Term {
    var x = try c.tensor("self")
    if !x.isComplex { x = try apply(.complex, x) }
    let count = try c.int("n_fft")
    let hop = try c.optionalInt("hop_length") ?? count / 4
    let isSingle = x.rank == 2
    if isSingle { x = try unsqueeze(x, [0]) }
    guard count > 0, hop > 0 else { throw .invalidModel("n_fft \(count), hop_length \(hop)") }
    guard try c.optionalInt("onesided") != 0 else { throw .unsupported("istft of two-sided spectra") }
    let steps = try extent(x, 2)
    let window = try paddedWindow(c, count, x.element)
    var frames = try realInverse(try transpose(x, [0, 2, 1]), 2, .known(count), try c.bool("normalized") ? "ortho" : "backward")
    frames = try mul(frames, window)
    let total = try plus(try times(try plus(steps, -1), hop), count)
    let places: Term
    if case .known(let steps) = steps {
      guard try steps.multiplied(by: count) <= 1 << 24 else { throw .unsupported("istft of \(steps) frames of \(count)") }
      places = try list([1, steps * count]) { $0 / count * hop + $0 % count }
    } else {
      let starts = try unsqueeze(try mul(try range(steps), try scalar(hop, .int64)), [1])
      places = try reshape(try add(starts, try list([count]) { $0 }), [1, -1])
    }
    let batch = try extent(x, 0)
    let all = try times(steps, count)
    let reduction: [String: AttributeValue] = ["axis": .int(1), "reduction": .string("add")]
    let indices = try expand(places, [batch, all])
    let flat = try reshape(frames, [batch, all])
    let zeros = try filled(try scalar(0.0, x.element), [batch, total])
    var sum = try op("ScatterElements", [zeros, indices, flat], reduction)
    let squares = try reshape(try expand(try mul(window, window), [steps, .known(count)]), [1, -1])
    let noise = try filled(try scalar(0.0, x.element), [.known(1), total])
    var envelope = try op("ScatterElements", [noise, places, squares], reduction)
    let start = try c.bool("center") ? count / 2 : 0
    let length = try c.optionalExtent("length")
    // What is asked for beyond the frames is padded below.
    var end = try plus(total, -start)
    if let length { end = try plus(length, start) }
    sum = try slice(sum, 1, .known(start), end)
    envelope = try slice(envelope, 1, .known(start), end)
    let result = try fitted(try div(sum, envelope), 1, length)
    return isSingle ? try squeeze(result, [0]) : result
  }
}
