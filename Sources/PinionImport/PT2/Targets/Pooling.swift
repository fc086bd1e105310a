import PinionBase
import PinionGraph
import PinionTensor

/// Pooling with windows and with given output sizes.
extension Lowering {
  func pooling(_ c: Call) throws(PinionError) -> [Term]? {
    let spatial = c.base.contains("1d") ? 1 : c.base.contains("2d") ? 2 : 3
    switch c.base {
    case "max_pool1d", "max_pool2d", "max_pool3d": return [try maxPooled(c, spatial, withIndices: false)[0]]
    case "max_pool1d_with_indices", "max_pool2d_with_indices", "max_pool3d_with_indices": return try maxPooled(c, spatial, withIndices: true)
    case "avg_pool1d", "avg_pool2d", "avg_pool3d": return [try averaged(c, spatial)]
    case "adaptive_avg_pool1d", "adaptive_avg_pool2d", "adaptive_avg_pool3d", "_adaptive_avg_pool2d", "_adaptive_avg_pool3d":
      return [try adaptive(c, spatial, "ReduceMean")[0]]
    case "adaptive_max_pool1d", "adaptive_max_pool2d", "adaptive_max_pool3d": return try adaptive(c, spatial, "ReduceMax")
    case "max_unpool2d":
      let x = try c.tensor("self"), indices = try c.tensor("indices")
      let size = try c.ints("output_size", count: 2)
      let plane = try size[0].multiplied(by: size[1])
      let lead = Array(try extents(x).dropLast(2))
      let flat = try reshape(x, lead + [.known(-1)]), places = try reshape(indices, lead + [.known(-1)])
      let empty = try filled(try scalar(0.0, x.element), lead + [.known(plane)])
      let result = try op("ScatterElements", [empty, places, flat], ["axis": .int(Int64(lead.count))])
      return [try reshape(result, lead + [.known(size[0]), .known(size[1])])]
    default: return nil
    }
  }

  private func pooledAttributes(_ c: Call, _ spatial: Int) throws(PinionError) -> [String: AttributeValue] {
    let kernel = try c.ints("kernel_size", count: spatial)
    let stride = try c.ints("stride").isEmpty ? kernel : try c.ints("stride", count: spatial)
    let padding = try c.ints("padding", count: spatial)
    return [
      "kernel_shape": .ints(kernel), "strides": .ints(stride), "pads": .ints(padding + padding), "ceil_mode": .int(try c.int("ceil_mode")),
    ]
  }

  /// Pools a tensor with or without a batch.
  private func inBatch(_ x: Term, _ spatial: Int, _ body: (Term) throws(PinionError) -> [Term]) throws(PinionError) -> [Term] {
    guard x.rank == spatial + 1 else { return try body(x) }
    var results: [Term] = []
    for result in try body(try unsqueeze(x, [0])) { results.append(try squeeze(result, [0])) }
    return results
  }

  private func maxPooled(_ c: Call, _ spatial: Int, withIndices: Bool) throws(PinionError) -> [Term] {
    var attributes = try pooledAttributes(c, spatial)
    attributes["dilations"] = .ints(try c.ints("dilation", count: spatial))
    return try inBatch(try c.tensor("self"), spatial) { (x) throws(PinionError) in
      let dims: [Int?] = [x.dims[0], x.dims[1]] + [Int?](repeating: nil, count: spatial)
      let ids = try self.emit("MaxPool", [x.id], attributes, outputs: withIndices ? 2 : 1)
      var results = [Term(id: ids[0], element: x.element, dims: dims)]
      if withIndices {
        // ONNX counts through the whole tensor, PyTorch through each plane.
        var plane = try self.scalar(Int64(1), .int64)
        for axis in 2..<x.rank { plane = try self.mul(plane, try self.extentTerm(try self.extent(x, axis))) }
        let flat = Term(id: ids[1], element: .int64, dims: dims)
        results.append(try self.binary("Mod", flat, plane, ["fmod": .int(0)]))
      }
      return results
    }
  }

  private func averaged(_ c: Call, _ spatial: Int) throws(PinionError) -> Term {
    var attributes = try pooledAttributes(c, spatial)
    let divisor = try c.optionalInt("divisor_override")
    let padding = try c.ints("padding", count: spatial)
    attributes["count_include_pad"] = .int(padding.allSatisfy { $0 == 0 } ? 0 : divisor != nil ? 1 : try c.int("count_include_pad"))
    return try inBatch(try c.tensor("self"), spatial) { (x) throws(PinionError) in
      let dims: [Int?] = [x.dims[0], x.dims[1]] + [Int?](repeating: nil, count: spatial)
      guard let divisor else { return [try self.op("AveragePool", [x], attributes, dims: dims)] }
      guard divisor != 0 else { throw .invalidModel("divisor_override is 0") }
      let whole = try self.withWholeWindows(x, c, spatial, &attributes)
      let area = try c.ints("kernel_size", count: spatial).reduce(1.0) { $0 * Double($1) }
      return [try self.mul(try self.op("AveragePool", [whole], attributes, dims: dims), area / Double(divisor))]
    }[0]
  }

  /// The image with zeros around it, so that no window of an average that rounds up is cut off: each has the same area.
  private func withWholeWindows(
    _ x: Term, _ c: Call, _ spatial: Int, _ attributes: inout [String: AttributeValue]
  ) throws(PinionError) -> Term {
    guard try c.bool("ceil_mode") else { return x }
    let kernel = try c.ints("kernel_size", count: spatial), padding = try c.ints("padding", count: spatial)
    let stride = try c.ints("stride").isEmpty ? kernel : try c.ints("stride", count: spatial)
    let sizes = c.outputMeta()?.knownSizes.suffix(spatial).map { $0 } ?? []
    var before = [Int64](repeating: 0, count: x.rank), after = before
    for index in 0..<spatial {
      guard sizes.count == spatial, let count = sizes[index], let extent = x.dims[x.rank - spatial + index] else {
        throw .unsupported("divisor_override where windows are counted upwards and a run decides the extents")
      }
      let reach = try (Int64(count) - 1).multiplied(by: stride[index]).adding(kernel[index])
      before[x.rank - spatial + index] = padding[index]
      after[x.rank - spatial + index] = max(try reach.subtracting(Int64(extent)).subtracting(padding[index]), 0)
    }
    attributes["ceil_mode"] = .int(0)
    attributes["pads"] = .ints([Int64](repeating: 0, count: 2 * spatial))
    return try op("Pad", [x, try vectorTerm(before + after)], dims: [x.dims[0], x.dims[1]] + [Int?](repeating: nil, count: spatial))
  }

  /// Bins as PyTorch cuts them: from floor(i·n / count) to ceil((i + 1)·n / count).
  private func adaptive(_ c: Call, _ spatial: Int, _ reduction: String) throws(PinionError) -> [Term] {
    let x = try c.tensor("self")
    guard x.rank == spatial + 1 || x.rank == spatial + 2 else { throw .invalidModel("a tensor of rank \(x.rank) for \(spatial) dimensions") }
    guard case .ints(let list)? = c.argument("output_size") else { throw .invalidModel("argument 'output_size' is missing") }
    var targets: [Int?] = []
    for size in list {
      guard case .known(let size) = size else { throw .unsupported("pooling to a size that a run decides") }
      guard size >= 0, size <= 1 << 16 else { throw .unsupported("pooling to \(size) bins") }
      targets.append(try size.converted())
    }
    if targets.count == 1 { targets = [Int?](repeating: targets[0], count: spatial) }
    guard targets.count == spatial else { throw .invalidModel("\(targets.count) output sizes for \(spatial) dimensions") }
    let isMax = reduction == "ReduceMax"
    let axes = (0..<spatial).map { x.rank - spatial + $0 }
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

  private func bins(_ extent: Int, _ target: Int) -> [Range<Int64>] {
    (0..<target).map { Int64($0 * extent / target)..<Int64((($0 + 1) * extent + target - 1) / target) }
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
        throw .unsupported("adaptive pooling of an extent that a run decides to \(target)")
      }
      guard extent != target else { continue }
      var parts: [Term] = []
      for bin in bins(extent, target) {
        parts.append(try reduce(reduction, try slice(result, axis, bin.lowerBound, bin.upperBound), [axis], keep: true))
      }
      result = try concat(parts, axis)
    }
    return result
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
    // Along each axis the bins' positions, the last one again where a bin is shorter than the longest: it changes no maximum.
    var windows = x
    var tables: [(positions: [[Int64]], extent: Int64)] = []
    for (index, axis) in axes.enumerated() {
      guard let extent = x.dims[axis] else { throw .unsupported("adaptive pooling of an extent that a run decides") }
      let list = bins(extent, targets[index] ?? extent)
      let length = list.map(\.count).max() ?? 0
      let positions = list.map { bin in (0..<length).map { min(bin.lowerBound + Int64($0), bin.upperBound - 1) } }
      windows = try gather(windows, try reshape(try vectorTerm(positions.flatMap { $0 }), [Int64(list.count), Int64(length)]), lead.count + 2 * index)
      tables.append((positions, Int64(extent)))
    }
    let count = axes.count
    windows = try transpose(windows, Array(0..<lead.count) + (0..<count).map { lead.count + 2 * $0 } + (0..<count).map { lead.count + 2 * $0 + 1 })
    let sizes = tables.map { Int64($0.positions.count) }
    windows = try reshape(windows, lead + sizes.map(Extent.known) + [.known(-1)])
    // What each place in a window is in the plane.
    var places: [Int64] = []
    func visit(_ axis: Int, _ bin: [Int], _ offset: Int64) {
      guard axis < count else { return places.append(offset) }
      for position in tables[axis].positions[bin[axis]] { visit(axis + 1, bin, offset * tables[axis].extent + position) }
    }
    let total = tables.reduce(Int64(1)) { $0 &* Int64($1.positions.count) &* Int64($1.positions.first?.count ?? 0) }
    guard total <= 1 << 24 else { throw .unsupported("adaptive pooling with \(total) places") }
    var bin = [Int](repeating: 0, count: count)
    for number in 0..<sizes.reduce(1, *) {
      var rest = number
      for axis in (0..<count).reversed() {
        bin[axis] = Int(rest % sizes[axis])
        rest /= sizes[axis]
      }
      visit(0, bin, 0)
    }
    let last = lead.count + count
    let best = try op("ArgMax", [windows], ["axis": .int(Int64(last)), "keepdims": .int(1)], element: .int64, dims: keptDims + [1])
    let table = try reshape(try vectorTerm(places), [Int64](repeating: 1, count: lead.count) + sizes + [-1])
    let found = try op("GatherElements", [try expand(table, like: windows), best], ["axis": .int(Int64(last))], dims: best.dims)
    return [try reduce("ReduceMax", windows, [last], keep: false), try squeeze(found, [last])]
  }
}
