import PinionBase
import PinionGraph
import PinionTensor

/// Targets that arrange elements anew, with memory of their own.
extension Lowering {
  func shaping(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "reshape", "flatten", "ravel", "reshape_as":
      let x = try c.tensor("self")
      return [try reshape(x, try reshapedExtents(c, x))]
    case "cat", "concat", "concatenate":
      let terms = try c.tensors("tensors")
      return [try joined(c, terms, try c.int("dim"))]
    case "stack":
      let terms = try c.tensors("tensors")
      let axis = try axis(try c.int("dim"), (terms.first?.rank ?? 0) + 1)
      var parts: [Term] = []
      for term in terms { parts.append(try unsqueeze(term, [axis])) }
      return [try joined(c, parts, Int64(axis))]
    case "hstack", "vstack", "dstack", "column_stack", "row_stack":
      var parts: [Term] = []
      for term in try c.tensors("tensors") {
        switch (c.base, term.rank) {
        case ("hstack", 0): parts.append(try unsqueeze(term, [0]))
        case ("vstack", 0), ("row_stack", 0), ("column_stack", 0): parts.append(try unsqueeze(term, [0, 1]))
        case ("vstack", 1), ("row_stack", 1): parts.append(try unsqueeze(term, [0]))
        case ("column_stack", 1): parts.append(try unsqueeze(term, [1]))
        case ("dstack", 0): parts.append(try unsqueeze(term, [0, 1, 2]))
        case ("dstack", 1): parts.append(try unsqueeze(term, [0, 2]))
        case ("dstack", 2): parts.append(try unsqueeze(term, [2]))
        default: parts.append(term)
        }
      }
      let axis = c.base == "dstack" ? 2 : c.base == "vstack" || c.base == "row_stack" ? 0 : (parts.first?.rank ?? 1) > 1 ? 1 : 0
      return [try joined(c, parts, Int64(axis))]
    case "pad", "constant_pad_nd", "reflection_pad1d", "reflection_pad2d", "reflection_pad3d", "replication_pad1d", "replication_pad2d",
      "replication_pad3d":
      return [try padded(c)]
    case "flip", "fliplr", "flipud":
      let x = try c.tensor("self")
      guard x.rank > 0 else { return [x] }
      let axes = c.base == "fliplr" ? [1] : c.base == "flipud" ? [0] : try axes(try c.ints("dims"), x.rank)
      return [try flipped(x, axes)]
    case "roll", "fft_fftshift", "fft_ifftshift": return [try rolled(c)]
    case "rot90":
      let x = try c.tensor("self")
      let axes = try axes(try c.ints("dims"), x.rank)
      guard axes.count == 2 else { throw .invalidModel("rot90 takes two dimensions") }
      var order = Array(0..<x.rank)
      order.swapAt(axes[0], axes[1])
      switch ((try c.int("k")) % 4 + 4) % 4 {
      case 1: return [try transpose(try flipped(x, [axes[1]]), order)]
      case 2: return [try flipped(x, axes)]
      case 3: return [try flipped(try transpose(x, order), [axes[1]])]
      default: return [x]
      }
    case "repeat", "tile": return [try repeated(c)]
    case "expand_copy": return [try expand(try c.tensor("self"), try c.extents("size"))]
    case "permute_copy":
      let x = try c.tensor("self")
      return [try transpose(x, try axes(try c.ints("dims"), x.rank))]
    case "broadcast_tensors", "meshgrid", "cartesian_prod": return try grids(c)
    case "tril", "triu":
      let x = try c.tensor("self")
      return [try op("Trilu", [x, try scalar(try c.int("diagonal"), .int64)], ["upper": .int(c.base == "triu" ? 1 : 0)])]
    case "diagflat":
      let flat = try reshape(try c.tensor("self"), [-1])
      return [try diagonalMatrix(flat, try c.int("offset"))]
    case "diag", "diag_embed": return [try diagonalMatrix(c)]
    case "diff": return [try differences(c)]
    case "block_diag": return [try blockDiagonal(try c.tensors("tensors"))]
    case "repeat_interleave": return [try interleaved(c)]
    case "vander":
      let x = try c.tensor("x")
      let count = c.has("N") ? try c.count("N") : Int64(min(x.dims[0] ?? 0, 1 << 20))
      let isIncreasing = try c.bool("increasing")
      let columns = try cast(try list([count]) { isIncreasing ? $0 : count - 1 - $0 }, x.element)
      return [try binary("Pow", try unsqueeze(x, [1]), columns)]
    default: return nil
    }
  }

  /// Tensors joined along an axis in their common element type; empty vectors count for nothing.
  private func joined(_ c: Call, _ terms: [Term], _ axis: Int64) throws(PinionError) -> Term {
    var parts: [Term] = []
    let rank = terms.map(\.rank).max() ?? 0
    for term in terms where !(term.rank == 1 && term.dims[0] == 0 && rank > 1) { parts.append(try cast(term, try c.outputElement() ?? term.element)) }
    guard let first = parts.first else { throw .invalidModel("nothing to join") }
    if parts.contains(where: \.isComplex) { for index in parts.indices { parts[index] = try complexTerm(parts[index]) } }
    return try concat(parts, try self.axis(axis, first.rank))
  }

  func flipped(_ x: Term, _ axes: [Int]) throws(PinionError) -> Term {
    var result = x
    for axis in axes { result = try slice(result, axis, -1, .min, step: -1) }
    result.dims = x.dims
    return result
  }

  private func padded(_ c: Call) throws(PinionError) -> Term {
    var x = try c.tensor("self")
    let pads = try c.extents(c.base.hasSuffix("d") && c.base != "pad" && c.base != "constant_pad_nd" ? "padding" : "pad")
    let kind = c.base == "pad" ? try c.string("mode") : c.base == "constant_pad_nd" ? "constant" : c.base.hasPrefix("reflection") ? "reflect" : "replicate"
    let modes = ["constant": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"]
    guard let mode = modes[kind] else { throw .unsupported("padding of mode '\(kind)'") }
    guard pads.count % 2 == 0, pads.count / 2 <= x.rank else { throw .invalidModel("\(pads.count) pads for a tensor of rank \(x.rank)") }
    var before = [Extent](repeating: .known(0), count: x.rank), after = before
    var dims = x.dims
    for index in 0..<(pads.count / 2) {
      let axis = x.rank - 1 - index
      before[axis] = pads[2 * index]
      after[axis] = pads[2 * index + 1]
      if let low = before[axis].known, let high = after[axis].known { dims[axis] = dims[axis].map { $0 &+ Int(low) &+ Int(high) } } else { dims[axis] = nil }
    }
    // What is taken away goes first where what is filled in comes from the tensor itself.
    for axis in 0..<x.rank where mode != "constant" {
      let low = before[axis].known ?? 0, high = after[axis].known ?? 0
      guard min(low, high) < 0 else { continue }
      x = try slice(x, axis, max(-low, 0), high < 0 ? high : .max)
      if low < 0 { before[axis] = .known(0) }
      if high < 0 { after[axis] = .known(0) }
    }
    let list = Term(id: try sizes(before + after), element: .int64, dims: [2 * x.rank])
    let value = mode == "constant" ? try scalar(try c.optionalNumber("value") ?? .int(0), x.element) : nil
    return try op("Pad", [x, list, value], ["mode": .string(mode)], dims: dims)
  }

  private func rolled(_ c: Call) throws(PinionError) -> Term {
    var x = try c.tensor("self")
    var shifts: [Int64]
    var axes: [Int]
    if c.base == "roll" {
      shifts = try c.ints("shifts")
      let given = try c.ints("dims")
      if given.isEmpty {
        let flat = try rolled(try reshape(x, [-1]), 0, shifts.first ?? 0)
        return try reshape(flat, like: x)
      }
      axes = try self.axes(given, x.rank)
    } else {
      axes = try self.axes(try c.optionalInts("dim") ?? (0..<x.rank).map { Int64($0) }, x.rank)
      shifts = []
      for axis in axes {
        guard let extent = x.dims[axis].map(Int64.init) else { throw .unsupported("a shift by half an extent that a run decides") }
        shifts.append(c.base == "fft_fftshift" ? extent / 2 : (extent + 1) / 2)
      }
    }
    for (axis, shift) in zip(axes, shifts) { x = try rolled(x, axis, shift) }
    return x
  }

  private func rolled(_ x: Term, _ axis: Int, _ shift: Int64) throws(PinionError) -> Term {
    var shift = shift
    if let extent = x.dims[axis].map(Int64.init) {
      guard extent > 0 else { return x }
      shift = (shift % extent + extent) % extent
    }
    guard shift != 0 else { return x }
    let tail = try slice(x, axis, -shift, .max), head = try slice(x, axis, 0, -shift)
    var result = try concat([tail, head], axis)
    result.dims = x.dims
    return result
  }

  private func repeated(_ c: Call) throws(PinionError) -> Term {
    var x = try c.tensor("self")
    var counts = try c.extents(c.base == "repeat" ? "repeats" : "dims")
    while counts.count < x.rank { counts.insert(.known(1), at: 0) }
    x = try unsqueeze(x, Array(0..<(counts.count - x.rank)))
    var dims = x.dims
    for (axis, count) in counts.enumerated() { dims[axis] = count.known.flatMap { known in known < 0 ? nil : dims[axis].map { $0 * Int(known) } } }
    if x.isComplex { counts.append(.known(1)) }
    return try op("Tile", [x, Term(id: try sizes(counts), element: .int64, dims: [counts.count])], dims: dims)
  }

  private func grids(_ c: Call) throws(PinionError) -> [Term] {
    var terms = try c.tensors("tensors")
    if c.base == "broadcast_tensors" {
      guard var whole = terms.first else { return [] }
      for term in terms.dropFirst() {
        if broadcast(whole.dims, term.dims) == whole.dims { continue }
        whole = broadcast(whole.dims, term.dims) == term.dims ? term : try add(try cast(whole, .float32), try cast(term, .float32))
      }
      var results: [Term] = []
      for term in terms { results.append(try expand(term, like: whole)) }
      return results
    }
    if c.base == "cartesian_prod", terms.count == 1 { return terms }
    let isSwapped = c.base == "meshgrid" && c.optionalString("indexing") == "xy" && terms.count > 1
    if isSwapped { terms.swapAt(0, 1) }
    var sizes: [Extent] = []
    for term in terms { sizes.append(term.rank == 0 ? .known(1) : try extent(term, 0)) }
    var results: [Term] = []
    for (index, term) in terms.enumerated() {
      var target = [Extent](repeating: .known(1), count: terms.count)
      target[index] = sizes[index]
      results.append(try expand(try reshape(term, target), sizes))
    }
    if isSwapped { results.swapAt(0, 1) }
    guard c.base == "cartesian_prod" else { return results }
    var columns: [Term] = []
    for result in results { columns.append(try reshape(result, [-1, 1])) }
    return [try concat(columns, 1)]
  }

  private func diagonalMatrix(_ c: Call) throws(PinionError) -> Term {
    let x = try c.tensor("self")
    let isEmbedding = c.base == "diag_embed"
    let offset = try c.int(isEmbedding ? "offset" : "diagonal")
    if !isEmbedding, x.rank == 2 { return try diagonal(x, offset, 0, 1) }
    let result = try diagonalMatrix(x, offset)
    guard isEmbedding else { return result }
    let first = try axis(try c.int("dim1"), x.rank + 1), second = try axis(try c.int("dim2"), x.rank + 1)
    guard first != second else { throw .invalidModel("dim1 and dim2 are one dimension") }
    var order = [Int?](repeating: nil, count: x.rank + 1)
    order[first] = x.rank - 1
    order[second] = x.rank
    var rest = (0..<(x.rank - 1))[...]
    return try transpose(result, order.map { $0 ?? rest.popFirst() ?? 0 })
  }

  /// Matrices with the last dimension on a diagonal and zeros elsewhere.
  private func diagonalMatrix(_ x: Term, _ offset: Int64) throws(PinionError) -> Term {
    guard x.rank > 0, (-(1 << 31)..<(1 << 31)).contains(offset) else { throw .invalidModel("diagonal \(offset) of a tensor of rank \(x.rank)") }
    let lead = max(-offset, 0), tail = max(offset, 0)
    let count = try extent(x, x.rank - 1)
    let size: Extent
    switch count {
    case .known(let value): size = .known(try value.adding(lead).adding(tail))
    case .value(let id): size = .value(try add(Term(id: id, element: .int64, dims: []), try scalar(lead + tail, .int64)).id)
    }
    // Each row holds its own element in its own column and zeros elsewhere.
    let mask = try range(size)
    let rows = try unsqueeze(mask, [1])
    let isOn = try equal(try sub(mask, rows), try scalar(offset, .int64))
    var pads = [Int64](repeating: 0, count: 2 * x.rank)
    pads[x.rank - 1] = lead
    pads[2 * x.rank - 1] = tail
    var dims = x.dims
    dims[x.rank - 1] = size.known.map { Int($0) }
    let long = try op("Pad", [x, try vectorTerm(pads)], dims: dims)
    return try choose(isOn, try unsqueeze(long, [x.rank]), try scalar(0.0, x.element))
  }

  private func differences(_ c: Call) throws(PinionError) -> Term {
    var x = try c.tensor("self")
    let axis = try axis(try c.int("dim"), x.rank)
    var parts: [Term] = [x]
    if let first = try c.optionalTensor("prepend") { parts.insert(try cast(first, x.element), at: 0) }
    if let last = try c.optionalTensor("append") { parts.append(try cast(last, x.element)) }
    x = try concat(parts, axis)
    for _ in 0..<(try c.count("n")) {
      let a = try slice(x, axis, 1, .max), b = try slice(x, axis, 0, -1)
      x = x.element == .bool ? try binary("Xor", a, b) : try sub(a, b)
    }
    return x
  }

  private func blockDiagonal(_ terms: [Term]) throws(PinionError) -> Term {
    var blocks: [Term] = []
    for term in terms { blocks.append(try unsqueeze(term, Array(0..<max(0, 2 - term.rank)))) }
    let widths = blocks.map { Int64($0.dims[1] ?? 0) }
    let total = widths.reduce(0, +)
    var rows: [Term] = []
    var offset: Int64 = 0
    for (block, width) in zip(blocks, widths) {
      rows.append(try op("Pad", [block, try vectorTerm([0, offset, 0, total - width - offset])], dims: [block.dims[0], Int(total)]))
      offset += width
    }
    return try concat(rows, 0)
  }

  private func interleaved(_ c: Call) throws(PinionError) -> Term {
    if c.key == "repeat_interleave.Tensor" {
      let counts = try c.tensor("repeats")
      return try interleavedPlaces(counts)
    }
    var x = try c.tensor("self")
    var axis = 0
    if let given = try c.optionalInt("dim") { axis = try self.axis(given, x.rank) } else { x = try reshape(x, [-1]) }
    guard case .number(let number) = try c.operand("repeats") else {
      let counts = try c.tensor("repeats")
      if counts.rank == 0 || counts.dims.first == 1 {
        let every = try expand(try reshape(counts, [-1]), [try extent(x, axis)])
        return try gather(x, try interleavedPlaces(every), axis)
      }
      return try gather(x, try interleavedPlaces(counts), axis)
    }
    let count: Extent
    switch number {
    case .int(let value): count = .known(value)
    case .symbol(let term): count = .value(term.id)
    default: throw .invalidModel("argument 'repeats' is not an integer")
    }
    var target = try extents(x), merged = target
    target.insert(count, at: axis + 1)
    if case .known(let repeats) = count, case .known(let extent) = merged[axis] { merged[axis] = .known(try extent.multiplied(by: repeats)) } else { merged[axis] = .known(-1) }
    return try reshape(try expand(try unsqueeze(x, [axis + 1]), target), merged)
  }

  /// 0 as often as the first count says, then 1, ...
  private func interleavedPlaces(_ counts: Term) throws(PinionError) -> Term {
    let ends = try op("CumSum", [try cast(counts, .int64), try scalar(Int64(0), .int64)])
    let total = try sum(try cast(counts, .int64), [0])
    let positions = try range(.value(total.id))
    let isPast = try binary("LessOrEqual", ends, try unsqueeze(positions, [1]), element: .bool)
    return try sum(try cast(isPast, .int64), [1])
  }
}
