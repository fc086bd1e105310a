import PinionBase
import PinionGraph
import PinionTensor

/// Images at other sizes and along grids.
extension Lowering {
  func resampling(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "grid_sampler", "grid_sampler_2d", "grid_sampler_3d":
      let modes = ["linear", "nearest", "cubic"], paddings = ["zeros", "border", "reflection"]
      let mode = try c.int("interpolation_mode"), padding = try c.int("padding_mode")
      guard modes.indices.contains(Int(clamping: mode)), paddings.indices.contains(Int(clamping: padding)) else {
        throw .invalidModel("interpolation_mode \(mode), padding_mode \(padding)")
      }
      let x = try c.tensor("input"), grid = try c.tensor("grid")
      try requireRank(x, 3, c)
      let attributes: [String: AttributeValue] = [
        "mode": .string(modes[Int(mode)]), "padding_mode": .string(paddings[Int(padding)]), "align_corners": .int(try c.int("align_corners")),
      ]
      return [try op("GridSample", [x, grid], attributes, dims: [x.dims[0], x.dims[1]] + grid.dims.dropFirst().dropLast())]
    case "affine_grid_generator":
      let theta = try c.tensor("theta"), size = try c.extents("size")
      return [
        try op(
          "AffineGrid", [theta, Term(id: try sizes(size), element: .int64, dims: [size.count])], ["align_corners": .int(try c.int("align_corners"))],
          dims: c.outputMeta()?.knownSizes)
      ]
    default: break
    }
    guard c.base.contains("upsample_") else { return nil }
    var attributes: [String: AttributeValue] = [:]
    var name = c.base
    if name.hasPrefix("_") { name.removeFirst() }
    name = String(name.dropFirst("upsample_".count))
    switch name {
    case _ where name.hasPrefix("nearest_exact"):
      attributes = ["mode": .string("nearest"), "coordinate_transformation_mode": .string("tf_half_pixel_for_nn"), "nearest_mode": .string("floor")]
    case _ where name.hasPrefix("nearest"):
      attributes = ["mode": .string("nearest"), "coordinate_transformation_mode": .string("asymmetric"), "nearest_mode": .string("floor")]
    default:
      let isCubic = name.hasPrefix("bicubic")
      attributes = ["mode": .string(isCubic ? "cubic" : "linear")]
      attributes["coordinate_transformation_mode"] = .string(try c.bool("align_corners") ? "align_corners" : "half_pixel")
      if name.hasSuffix("_aa") {
        // What lies outside the image has no weight, and the rest is weighed up to one.
        guard try !c.bool("align_corners") else { throw .unsupported("antialiasing with aligned corners") }
        attributes["antialias"] = .int(1)
        attributes["exclude_outside"] = .int(1)
      }
      if isCubic { attributes["cubic_coeff_a"] = .float(name.hasSuffix("_aa") ? -0.5 : -0.75) }
    }
    let x = try c.tensor(c.key.hasSuffix(".vec") ? "input" : "self")
    try requireRank(x, 3, c)
    let spatial = x.rank - 2
    let axes = (2..<x.rank).map(Int64.init)
    attributes["axes"] = .ints(axes)
    let dims = c.outputMeta()?.knownSizes
    var factors = try c.optionalFloats("scale_factors") ?? []
    let isAligned = attributes["coordinate_transformation_mode"] == .string("align_corners")
    var size = try c.optionalExtents("output_size")
    if size == nil {
      guard factors.count == spatial else { throw .invalidModel("\(factors.count) scale factors for \(spatial) dimensions") }
      size = try scaledExtents(x, factors)
    } else {
      // A size that was found by scale factors goes with them: they say where the pixels are.
      let names = spatial == 1 ? ["scales"] : spatial == 2 ? ["scales_h", "scales_w"] : ["scales_d", "scales_h", "scales_w"]
      factors = []
      for name in names { factors.append(try c.optionalFloat(name) ?? 0) }
    }
    guard let size, size.count == spatial else { throw .invalidModel("\(size?.count ?? 0) sizes for \(spatial) dimensions") }
    if isAligned || name.hasSuffix("_aa") && factors.allSatisfy({ $0 == 0 }) {
      // Corners that are aligned lie where the whole sizes put them.
      return [try op("Resize", [x, nil, nil, Term(id: try sizes(size), element: .int64, dims: [spatial])], attributes, dims: dims)]
    }
    if factors.allSatisfy({ $0 >= 1 && $0 <= 1024 && $0.significand == 1 }) {
      // The sizes and places of powers of two are exact, however they are found.
      if name.hasPrefix("nearest_exact") {
        attributes["coordinate_transformation_mode"] = .string("half_pixel")
        attributes["nearest_mode"] = .string("round_prefer_ceil")
      }
      return [try op("Resize", [x, nil, constant(try Tensor(vector: factors.map { Float($0) }))], attributes, dims: dims)]
    }
    attributes["pinion_factors"] = .string(factorUse(name, x, c).rawValue)
    let operands = [x, nil, constant(try Tensor(vector: factors)), Term(id: try sizes(size), element: .int64, dims: [spatial])]
    return [try op("Resize", operands, attributes, dims: dims)]
  }

  /// For which axes PyTorch's kernels take the factors for the places: those that copy an axis of the same extent do not look at its own.
  private func factorUse(_ name: String, _ x: Term, _ c: Call) -> FactorUse {
    switch name {
    case "nearest1d": return .always
    case "nearest2d": return .exceptSameAndTwice
    case "nearest3d":
      // The kernel for channels that lie together, of which there are four or more.
      let order = c.meta(c.key.hasSuffix(".vec") ? "input" : "self").flatMap(memoryOrder)
      return order == [0, 2, 3, 4, 1] && (x.dims[1] ?? 0) >= 4 ? .exceptSameAndTwice : .always
    case _ where name.hasPrefix("nearest_exact"): return .always
    case "bicubic2d": return x.element == .uint8 ? .whereChanged : .always
    default: return .whereChanged
    }
  }

  /// The values of the attribute of Resize.
  private enum FactorUse: String {
    case always
    case whereChanged = "where_changed"
    case exceptSameAndTwice = "except_same_and_twice"
  }

  /// The extents behind the first two times factors, rounded down.
  private func scaledExtents(_ x: Term, _ factors: [Double]) throws(PinionError) -> [Extent] {
    var result: [Extent] = []
    for (index, factor) in factors.enumerated() {
      switch try extent(x, 2 + index) {
      case .known(let value):
        guard let whole = Int64(exactly: (Double(value) * factor).rounded(.down)) else { throw .invalidModel("scale factor \(factor)") }
        result.append(.known(whole))
      case let open where factor == factor.rounded() && factor >= 1 && factor < 1024:
        result.append(try times(open, Int64(factor)))
      case .value(let id):
        let scaled = try mul(try cast(Term(id: id, element: .int64, dims: []), .float64), factor)
        result.append(.value(try cast(try op("Floor", [scaled]), .int64).id))
      }
    }
    return result
  }
}
