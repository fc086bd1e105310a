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
    case "max_unpool2d", "max_unpool3d":
      let x = try c.tensor("self"), indices = try c.tensor("indices")
      try requireRank(x, spatial + 1, c)
      let size = try c.ints("output_size", count: spatial)
      var plane: Int64 = 1
      for extent in size { plane = try plane.multiplied(by: extent) }
      let lead = Array(try extents(x).dropLast(spatial))
      let flat = try reshape(x, lead + [.known(-1)]), places = try reshape(indices, lead + [.known(-1)])
      let empty = try filled(try scalar(0.0, x.element), lead + [.known(plane)])
      let result = try op("ScatterElements", [empty, places, flat], ["axis": .int(Int64(lead.count))])
      return [try reshape(result, lead + size.map(Extent.known))]
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
  func inBatch(_ x: Term, _ spatial: Int, _ body: (Term) throws(PinionError) -> [Term]) throws(PinionError) -> [Term] {
    guard x.rank == spatial + 1 || x.rank == spatial + 2 else { throw .invalidModel("a tensor of rank \(x.rank) for \(spatial) dimensions") }
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
    try requireRank(x, spatial, c)
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
}
