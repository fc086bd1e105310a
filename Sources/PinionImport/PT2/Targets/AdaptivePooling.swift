import PinionBase
import PinionGraph
import PinionTensor

/// Pooling to a number of bins.
extension Lowering {
  /// Bins as PyTorch cuts them: from floor(i·n / count) to ceil((i + 1)·n / count).
  func adaptive(_ c: Call, _ spatial: Int, _ reduction: String) throws(PinionError) -> [Term] {
    let x = try c.tensor("self")
    guard x.rank == spatial + 1 || x.rank == spatial + 2 else { throw .invalidModel("a tensor of rank \(x.rank) for \(spatial) dimensions") }
    guard case .ints(let list)? = c.argument("output_size") else { throw .invalidModel("argument 'output_size' is missing") }
    var targets: [Int?] = []
    // Numbers of bins that a run decides, by their places in `targets`.
    var openTargets: [Int: Extent] = [:]
    for (index, size) in list.enumerated() {
      guard case .known(let size) = size else {
        guard list.count == spatial else { throw .unsupported("pooling to a size that a run decides") }
        targets.append(nil)
        if keepsExtent(c, index - spatial) { continue }
        guard reduction == "ReduceMean" else { throw .unsupported("maximum pooling to a size that a run decides") }
        openTargets[index] = try c.extents("output_size")[index]
        continue
      }
      guard size >= 0, size <= 1 << 16 else { throw .unsupported("pooling to \(size) bins") }
      targets.append(try size.converted())
    }
    if targets.count == 1 { targets = [Int?](repeating: targets[0], count: spatial) }
    guard targets.count == spatial else { throw .invalidModel("\(targets.count) output sizes for \(spatial) dimensions") }
    let isMax = reduction == "ReduceMax"
    let axes = (0..<spatial).map { x.rank - spatial + $0 }
    if !openTargets.isEmpty {
      var result = x
      for (index, axis) in axes.enumerated() {
        if let count = openTargets[index] { result = try averaged(result, axis, count) } else { result = try binned(result, [axis], [targets[index]], reduction) }
      }
      return [result]
    }
    if targets.allSatisfy({ $0 == 1 }), !isMax { return [try reduce(reduction, x, axes, keep: true)] }
    let extents = axes.map { x.dims[$0] }
    if zip(extents, targets).allSatisfy({ extent, target in extent.map { extent in target.map { $0 > 0 && extent % $0 == 0 } ?? false } ?? false }) {
      let kernel = zip(extents, targets).map { Int64(($0 ?? 1) / ($1 ?? 1)) }
      let attributes: [String: AttributeValue] = ["kernel_shape": .ints(kernel), "strides": .ints(kernel)]
      return try inBatch(x, spatial) { (image) throws(PinionError) in
        let dims: [Int?] = [image.dims[0], image.dims[1]] + targets
        let ids = try self.emit(isMax ? "MaxPool" : "AveragePool", [image.id], attributes, outputs: isMax && c.outputCount > 1 ? 2 : 1)
        var results = [Term(id: ids[0], element: x.element, dims: dims)]
        if ids.count > 1 {
          let plane = Int64(try extents.map { $0 ?? 1 }.checkedProduct())
          results.append(try self.binary("Mod", Term(id: ids[1], element: .int64, dims: dims), try self.scalar(plane, .int64), ["fmod": .int(0)]))
        }
        return results
      }
    }
    guard c.outputCount == 1 || c.outputMeta(1) == nil || !isMax else {
      return try largest(x, axes, targets)
    }
    return [try binned(x, axes, targets, reduction)]
  }

  /// Whether the program has traced the same size before and behind, counted from the last dimension.
  private func keepsExtent(_ c: Call, _ axis: Int) -> Bool {
    guard let own = c.meta("self")?.dimensions, let new = c.outputMeta()?.dimensions, own.count == new.count, own.count + axis >= 0 else { return false }
    let size = own[own.count + axis]
    return size != .unknown && size == new[own.count + axis]
  }

  /// The bins of an extent; they are no more than 2^16, or each is one position.
  private struct Bins {
    let extent: Int64
    let count: Int64

    init(_ extent: Int, _ target: Int?) { (self.extent, count) = (Int64(extent), Int64(target ?? extent)) }

    subscript(bin: Int64) -> Range<Int64> { bin * extent / count..<((bin + 1) * extent + count - 1) / count }
    /// How long the longest is.
    var longest: Int64 { count == extent ? 1 : (0..<count).reduce(0) { max($0, Int64(self[$1].count)) } }
  }

  private func binned(_ x: Term, _ axes: [Int], _ targets: [Int?], _ reduction: String) throws(PinionError) -> Term {
    var result = x
    for (axis, target) in zip(axes, targets) {
      guard let target else { continue }
      guard let extent = x.dims[axis] else {
        if target == 1 {
          result = try reduce(reduction, result, [axis], keep: true)
          continue
        }
        result = try concat(try openBins(result, axis, target, reduction), axis)
        continue
      }
      guard extent != target else { continue }
      var parts: [Term] = []
      let bins = Bins(extent, target)
      for number in 0..<bins.count {
        let bin = bins[number]
        parts.append(try reduce(reduction, try slice(result, axis, bin.lowerBound, bin.upperBound), [axis], keep: true))
      }
      result = try concat(parts, axis)
    }
    return result
  }

  /// Each bin of an extent that a run decides.
  private func openBins(_ x: Term, _ axis: Int, _ target: Int, _ reduction: String) throws(PinionError) -> [Term] {
    guard (1...256).contains(target) else { throw .unsupported("adaptive pooling of an extent that a run decides to \(target) bins, more than 256") }
    let length = try extentTerm(try extent(x, axis)), count = try scalar(Int64(target), .int64)
    var parts: [Term] = []
    for bin in 0..<Int64(target) {
      let start = try div(try mul(length, try scalar(bin, .int64)), count)
      let end = try div(try add(try mul(length, try scalar(bin + 1, .int64)), try scalar(Int64(target) - 1, .int64)), count)
      parts.append(try reduce(reduction, try slice(x, axis, .value(start.id), .value(end.id)), [axis], keep: true))
    }
    return parts
  }

  /// Means over bins of which a run says how many there are.
  private func averaged(_ x: Term, _ axis: Int, _ target: Extent) throws(PinionError) -> Term {
    let length = try extentTerm(try extent(x, axis)), count = try extentTerm(target), one = try scalar(Int64(1), .int64)
    let numbers = try unsqueeze(try range(target), [1])
    let starts = try div(try mul(numbers, length), count)
    let ends = try div(try add(try mul(try add(numbers, one), length), try sub(count, one)), count)
    // No bin is longer than n / count rounded up, and one more.
    let longest = try add(try div(try add(length, try sub(count, one)), count), one)
    let positions = try add(starts, try range(.value(longest.id)))
    let isInside = try reshape(try less(positions, ends), [.value(count.id), .value(longest.id)] + [Extent](repeating: .known(1), count: x.rank - axis - 1))
    let windows = try gather(x, try binary("Min", positions, try sub(ends, one)), axis)
    let total = try sum(try choose(isInside, windows, try scalar(0.0, x.element)), [axis + 1])
    let sizes = try reshape(try cast(try sub(ends, starts), x.element), [.known(-1)] + [Extent](repeating: .known(1), count: x.rank - axis - 1))
    return try div(total, sizes)
  }

  /// The positions of each bin [bins, length of the longest], where an extent is left to a run; the last position again in shorter ones.
  private func openPositions(_ extent: Extent, _ target: Int?) throws(PinionError) -> Term {
    guard let target else { return try unsqueeze(try range(extent), [1]) }
    guard (1...4096).contains(target) else { throw .unsupported("adaptive pooling of an extent that a run decides to \(target) bins, more than 4096") }
    let length = try extentTerm(extent), count = try scalar(Int64(target), .int64), one = try scalar(Int64(1), .int64)
    let numbers = constant(try Tensor((0..<Int64(target)).map { $0 }, try Shape([target, 1])))
    let starts = try div(try mul(numbers, length), count)
    let ends = try div(try add(try mul(try add(numbers, one), length), try scalar(Int64(target) - 1, .int64)), count)
    // No bin is longer than n / count rounded up, and one more.
    let longest = try add(try div(try add(length, try scalar(Int64(target) - 1, .int64)), count), one)
    return try binary("Min", try add(starts, try range(.value(longest.id))), try sub(ends, one))
  }

  /// As `largest`, of extents of which a run decides some.
  private func largestOpen(_ x: Term, _ axes: [Int], _ targets: [Int?]) throws(PinionError) -> [Term] {
    let lead = x.rank - axes.count, count = axes.count
    var windows = x, places: Term?
    var bins: [Extent] = []
    for (index, axis) in axes.enumerated() {
      let own = try extent(x, axis), positions = try openPositions(own, targets[index])
      windows = try gather(windows, positions, lead + 2 * index)
      bins.append(targets[index].map { .known(Int64($0)) } ?? own)
      // [bins..., lengths...] with those of this axis alone.
      let spread = try unsqueeze(positions, (0..<2 * count).filter { $0 != index && $0 != count + index })
      places = try places.map { (sum) throws(PinionError) in try add(try mul(sum, try extentTerm(own)), spread) } ?? spread
    }
    guard let places else { throw .internal("pooling over no dimensions") }
    windows = try transpose(windows, Array(0..<lead) + (0..<count).map { lead + 2 * $0 } + (0..<count).map { lead + 2 * $0 + 1 })
    windows = try reshape(windows, Array(try extents(x)[..<lead]) + bins + [.known(-1)])
    let table = try reshape(places, [Extent](repeating: .known(1), count: lead) + bins + [.known(-1)])
    let last = lead + count
    let best = try op(
      "ArgMax", [windows], ["axis": .int(Int64(last)), "keepdims": .int(1)], element: .int64, dims: Array(windows.dims.dropLast()) + [1])
    let found = try op("GatherElements", [try expand(table, like: windows), best], ["axis": .int(Int64(last))], dims: best.dims)
    return [try reduce("ReduceMax", windows, [last], keep: false), try squeeze(found, [last])]
  }

  /// The largest element of each bin, and where in its plane it is.
  private func largest(_ x: Term, _ axes: [Int], _ targets: [Int?]) throws(PinionError) -> [Term] {
    let lead = Array(try extents(x).dropLast(axes.count))
    let keptDims = Array(x.dims.dropLast(axes.count)) + targets
    if targets.allSatisfy({ $0 == 1 }) {
      let flat = try reshape(x, lead + [.known(-1)])
      let place = try op(
        "ArgMax", [flat], ["axis": .int(Int64(lead.count)), "keepdims": .int(1)], element: .int64, dims: Array(flat.dims.dropLast()) + [1])
      return [try reduce("ReduceMax", x, axes, keep: true), try unsqueeze(place, (1..<axes.count).map { lead.count + $0 })]
    }
    if axes.contains(where: { x.dims[$0] == nil }) { return try largestOpen(x, axes, targets) }
    // Along each axis the bins' positions, the last one again where a bin is shorter than the longest: it changes no maximum.
    var windows = x
    var tables: [(bins: Bins, length: Int64)] = []
    for (index, axis) in axes.enumerated() {
      guard let extent = x.dims[axis] else { throw .unsupported("adaptive pooling of an extent that a run decides") }
      let bins = Bins(extent, targets[index]), length = bins.longest
      let positions = try list([bins.count, length]) { place in
        let bin = bins[place / length]
        return min(bin.lowerBound + place % length, bin.upperBound - 1)
      }
      windows = try gather(windows, positions, lead.count + 2 * index)
      tables.append((bins, length))
    }
    let count = axes.count
    windows = try transpose(windows, Array(0..<lead.count) + (0..<count).map { lead.count + 2 * $0 } + (0..<count).map { lead.count + 2 * $0 + 1 })
    let sizes = tables.map(\.bins.count)
    windows = try reshape(windows, lead + sizes.map(Extent.known) + [.known(-1)])
    // What each place in a window is in the plane: its bins' numbers come first, then its offsets in them.
    var area: Int64 = 1
    for (_, length) in tables { area = try area.multiplied(by: length) }
    let table = try list([Int64](repeating: 1, count: lead.count) + sizes + [area]) { (place) throws(PinionError) in
      var bin = place / area, offset = place % area, position: Int64 = 0, stride: Int64 = 1
      for (bins, length) in tables.reversed() {
        let range = bins[bin % bins.count]
        position += min(range.lowerBound + offset % length, range.upperBound - 1) * stride
        stride = try stride.multiplied(by: bins.extent)
        (bin, offset) = (bin / bins.count, offset / length)
      }
      return position
    }
    let last = lead.count + count
    let best = try op("ArgMax", [windows], ["axis": .int(Int64(last)), "keepdims": .int(1)], element: .int64, dims: keptDims + [1])
    let found = try op("GatherElements", [try expand(table, like: windows), best], ["axis": .int(Int64(last))], dims: best.dims)
    return [try reduce("ReduceMax", windows, [last], keep: false), try squeeze(found, [last])]
  }
}
