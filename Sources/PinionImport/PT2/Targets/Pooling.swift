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
      let result = try self.op("AveragePool", [x], attributes, dims: dims)
      guard let divisor else { return [result] }
      let area = try c.ints("kernel_size", count: spatial).reduce(1.0) { $0 * Double($1) }
      return [try self.mul(result, area / Double(divisor))]
    }[0]
  }

  /// Bins as PyTorch cuts them: from floor(i·n / count) to ceil((i + 1)·n / count).
  private func adaptive(_ c: Call, _ spatial: Int, _ reduction: String) throws(PinionError) -> [Term] {
    let x = try c.tensor("self")
    guard case .ints(let list)? = c.argument("output_size") else { throw .invalidModel("argument 'output_size' is missing") }
    var targets: [Int?] = []
    for size in list {
      guard case .known(let size) = size else { throw .unsupported("pooling to a size that a run decides") }
      targets.append(try size.converted())
    }
    if targets.count == 1 { targets = [Int?](repeating: targets[0], count: spatial) }
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
          let plane = extents.reduce(Int64(1)) { $0 * Int64($1 ?? 1) }
          results.append(try self.binary("Mod", Term(id: ids[1], element: .int64, dims: dims), try self.scalar(plane, .int64), ["fmod": .int(0)]))
        }
        return results
      }
    }
    guard c.outputCount == 1 || c.outputMeta(1) == nil || !isMax else {
      return [try binned(x, axes, targets, reduction), try binnedPlaces(x, axes, targets)]
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

  /// Where in its plane each bin's largest element is.
  private func binnedPlaces(_ x: Term, _ axes: [Int], _ targets: [Int?]) throws(PinionError) -> Term {
    var ranges: [[Range<Int64>]] = []
    for (axis, target) in zip(axes, targets) {
      guard let extent = x.dims[axis] else { throw .unsupported("adaptive pooling of an extent that a run decides") }
      ranges.append(bins(extent, target ?? extent))
    }
    while ranges.count < 2 { ranges.insert([0..<1], at: 0) }
    guard ranges.count == 2 else { throw .unsupported("places of adaptive pooling in three dimensions") }
    let isLine = axes.count == 1
    let image = isLine ? try unsqueeze(x, [x.rank - 1]) : x
    let width = Int64(image.dims[image.rank - 1] ?? 0)
    let lead = Array(try extents(image).dropLast(2))
    var rows: [Term] = []
    for row in ranges[0] {
      for column in ranges[1] {
        let bin = try slice(try slice(image, image.rank - 2, row.lowerBound, row.upperBound), image.rank - 1, column.lowerBound, column.upperBound)
        let flat = try reshape(bin, lead + [.known(-1)])
        let place = try op("ArgMax", [flat], ["axis": .int(Int64(flat.rank - 1)), "keepdims": .int(1)], element: .int64, dims: Array(flat.dims.dropLast()) + [1])
        let extent = try scalar(column.upperBound - column.lowerBound, .int64)
        let down = try mul(try add(try div(place, extent), try scalar(row.lowerBound, .int64)), try scalar(width, .int64))
        let across = try add(try binary("Mod", place, extent), try scalar(column.lowerBound, .int64))
        rows.append(try add(down, across))
      }
    }
    let all = try concat(rows, lead.count)
    return try reshape(all, (isLine ? Array(lead.dropLast(0)) : lead) + (isLine ? [] : [.known(Int64(ranges[0].count))]) + [.known(Int64(ranges[1].count))])
  }
}
