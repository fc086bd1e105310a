import PinionBase
import PinionGraph
import PinionTensor

/// Convolutions, transposed ones, and the rearrangements that go with them.
extension Lowering {
  func convolution(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.base {
    case "conv1d", "conv2d", "conv3d": return [try convolved(c, spatial: c.base == "conv1d" ? 1 : c.base == "conv2d" ? 2 : 3, isTransposed: false)]
    case "conv_transpose1d", "conv_transpose2d", "conv_transpose3d":
      return [try convolved(c, spatial: c.base == "conv_transpose1d" ? 1 : c.base == "conv_transpose2d" ? 2 : 3, isTransposed: true)]
    case "convolution", "_convolution":
      return [try convolved(c, spatial: try c.tensor("weight").rank - 2, isTransposed: try c.bool("transposed"))]
    case "pixel_shuffle":
      let x = try c.tensor("self")
      let factor = try c.int("upscale_factor")
      return [
        try inImages(x, 3) { (image) throws(PinionError) in
          try self.op("DepthToSpace", [image], ["blocksize": .int(factor), "mode": .string("CRD")], dims: [nil, nil, nil, nil])
        }
      ]
    case "pixel_unshuffle":
      let x = try c.tensor("self")
      let factor = try c.int("downscale_factor")
      guard factor > 0 else { throw .invalidModel("downscale_factor \(factor)") }
      return [
        try inImages(x, 3) { (image) throws(PinionError) in
          let extents = try self.extents(image)
          guard case .known(let channels) = extents[1], case .known(let height) = extents[2], case .known(let width) = extents[3] else {
            throw .unsupported("pixel_unshuffle of extents that a run decides")
          }
          let split = try self.reshape(
            image, [extents[0], .known(channels), .known(height / factor), .known(factor), .known(width / factor), .known(factor)])
          return try self.reshape(
            try self.transpose(split, [0, 1, 3, 5, 2, 4]),
            [extents[0], .known(try channels.multiplied(by: factor).multiplied(by: factor)), .known(height / factor), .known(width / factor)])
        }
      ]
    case "channel_shuffle", "native_channel_shuffle":
      let x = try c.tensor("self")
      let groups = try c.int("groups")
      try requireRank(x, 2, c)
      guard let channels = x.dims[1].map(Int64.init), groups > 0 else { throw .unsupported("channel_shuffle of channels that a run decides") }
      var target = try extents(x)
      target.replaceSubrange(1...1, with: [.known(groups), .known(channels / groups)])
      let split = try reshape(x, target)
      let order = [0, 2, 1] + Array(3..<split.rank)
      return [try reshape(try transpose(split, order), try extents(x))]
    case "im2col": return [try columns(c)]
    case "col2im":
      let x = try c.tensor("self")
      let isSingle = x.rank == 2
      let image = isSingle ? try unsqueeze(x, [0]) : x
      let padding = try c.ints("padding", count: 2)
      let attributes: [String: AttributeValue] = [
        "dilations": .ints(try c.ints("dilation", count: 2)), "pads": .ints(padding + padding), "strides": .ints(try c.ints("stride", count: 2)),
      ]
      let given = try c.extents("output_size"), kernel = try c.ints("kernel_size", count: 2)
      guard kernel[0] > 0, kernel[1] > 0 else { throw .invalidModel("a kernel of \(kernel)") }
      guard given.count == 1 || given.count == 2 else { throw .invalidModel("argument 'output_size' has \(given.count) numbers, expected 2") }
      let area = Int(kernel[0] * kernel[1]), extents = given.count == 1 ? given + given : given
      let sizes = Term(id: try self.sizes(extents), element: .int64, dims: [2])
      let result = try op(
        "Col2Im", [image, sizes, try vectorTerm(kernel)], attributes, dims: [image.dims[0], image.dims[1].map { $0 / area }] + dims(extents))
      return [isSingle ? try squeeze(result, [0]) : result]
    default: return nil
    }
  }

  /// Runs `body` on the tensor as a batch of what has `rank` dimensions.
  func inImages(_ term: Term, _ rank: Int, _ body: (Term) throws(PinionError) -> Term) throws(PinionError) -> Term {
    let lead = term.rank - rank
    guard lead >= 0 else { throw .invalidModel("a tensor of rank \(term.rank), expected \(rank) or more") }
    if lead == 1 { return try body(term) }
    let own = try extents(term)
    if lead == 0 { return try squeeze(try body(try unsqueeze(term, [0])), [0]) }
    let result = try body(try reshape(term, [.known(-1)] + own[lead...]))
    return try reshape(result, Array(own[..<lead]) + (try extents(result))[1...])
  }

  private func convolved(_ c: Call, spatial: Int, isTransposed: Bool) throws(PinionError) -> Term {
    let input = try c.tensor("input"), weight = try c.tensor("weight")
    guard weight.rank == spatial + 2, spatial >= 1 else { throw .invalidModel("a weight of rank \(weight.rank) for \(spatial) dimensions") }
    let isSingle = input.rank == spatial + 1
    let x = isSingle ? try unsqueeze(input, [0]) : input
    var attributes: [String: AttributeValue] = [
      "strides": .ints(try c.ints("stride", count: spatial)), "dilations": .ints(try c.ints("dilation", count: spatial)),
    ]
    if let padding = c.optionalString("padding") {
      attributes["auto_pad"] = .string(padding == "same" ? "SAME_UPPER" : "VALID")
    } else {
      let padding = try c.ints("padding", count: spatial)
      attributes["pads"] = .ints(padding + padding)
    }
    if isTransposed { attributes["output_padding"] = .ints(try c.ints("output_padding", count: spatial)) }
    let dims: [Int?] = [x.dims[0]] + [Int?](repeating: nil, count: spatial + 1)
    let name = isTransposed ? "ConvTranspose" : "Conv"
    let bias = try c.optionalTensor("bias")
    let groups = try c.extent("groups")
    let result: Term
    if case .known(let groups) = groups {
      attributes["group"] = .int(groups)
      result = try op(name, [x, weight, bias], attributes, dims: dims)
    } else {
      result = try groupByGroup(name, x, weight, bias, groups, attributes)
    }
    return isSingle ? try squeeze(result, [0]) : result
  }

  /// A convolution whose number of groups a run decides, as where each image of a batch has a kernel of its own: one group after the other.
  private func groupByGroup(
    _ name: String, _ x: Term, _ weight: Term, _ bias: Term?, _ groups: Extent, _ attributes: [String: AttributeValue]
  ) throws(PinionError) -> Term {
    let images = try reshape(x, [try extent(x, 0), groups, .known(-1)] + Array(try extents(x)[2...]))
    let kernels = try reshape(weight, [groups, .known(-1)] + Array(try extents(weight)[1...]))
    let parts = [try transpose(images, [1, 0] + Array(2..<images.rank)), kernels]
    let body = try child(.empty)
    let own = [inputTerm(body, like: parts[0], "images", dropping: true), inputTerm(body, like: parts[1], "kernels", dropping: true)]
    let piece = try body.op(name, own.map(Optional.some), attributes, dims: [x.dims[0]] + [Int?](repeating: nil, count: x.rank - 1))
    body.graph.outputs = [piece.id]
    let ids = try emit("Scan", parts.map(\.id), ["body": .graph(0), "num_scan_inputs": .int(2)], bodies: [body])
    let stacked = Term(id: ids[0], element: x.element, dims: [nil] + piece.dims)
    let turned = try transpose(stacked, [1, 0] + Array(2..<stacked.rank))
    let whole = try reshape(turned, [try extent(x, 0), .known(-1)] + Array(try extents(turned)[3...]))
    guard let bias else { return whole }
    return try add(whole, try reshape(bias, [-1] + [Int64](repeating: 1, count: x.rank - 2)))
  }

  /// Sliding windows as columns: a gather along both axes.
  private func columns(_ c: Call) throws(PinionError) -> Term {
    var x = try c.tensor("self")
    let isSingle = x.rank == 3
    if isSingle { x = try unsqueeze(x, [0]) }
    let kernel = try c.ints("kernel_size", count: 2), dilation = try c.ints("dilation", count: 2)
    let padding = try c.ints("padding", count: 2), stride = try c.ints("stride", count: 2)
    guard x.rank == 4, kernel[0] > 0, kernel[1] > 0 else { throw .invalidModel("im2col of rank \(x.rank) with a kernel of \(kernel)") }
    if padding != [0, 0] {
      let pads = try vectorTerm([0, 0, padding[0], padding[1], 0, 0, padding[0], padding[1]])
      x = try op("Pad", [x, pads], dims: [x.dims[0], x.dims[1], x.dims[2].map { $0 + 2 * Int(padding[0]) }, x.dims[3].map { $0 + 2 * Int(padding[1]) }])
    }
    var counts: [Extent] = []
    for (index, axis) in [(0, 2), (1, 4)] {
      guard stride[index] > 0, dilation[index] > 0, kernel[index] <= 1 << 16 else {
        throw .invalidModel("im2col with a stride of \(stride), a dilation of \(dilation), a kernel of \(kernel)")
      }
      guard let extent = x.dims[axis].map(Int64.init) else {
        let reach = try scalar(try dilation[index].multiplied(by: kernel[index] - 1).adding(1), .int64), step = try scalar(stride[index], .int64)
        let count = try add(try div(try sub(try extentTerm(try extent(x, axis)), reach), step), try scalar(Int64(1), .int64))
        let offsets = try list([kernel[index], 1]) { $0 * dilation[index] }
        x = try gather(x, try add(offsets, try mul(try range(.value(count.id)), step)), axis)
        counts.append(.value(count.id))
        continue
      }
      let count = (extent - dilation[index] * (kernel[index] - 1) - 1) / stride[index] + 1
      guard count > 0 else { throw .invalidModel("im2col windows larger than the image") }
      guard try count.multiplied(by: kernel[index]) <= 1 << 24 else { throw .unsupported("im2col of \(count) windows of \(kernel[index])") }
      counts.append(.known(count))
      let positions = try list([kernel[index], count]) { $0 / count * dilation[index] + $0 % count * stride[index] }
      x = try gather(x, positions, axis)
    }
    // [batch, channels, kernel rows, rows, kernel columns, columns]
    let ordered = try transpose(x, [0, 1, 2, 4, 3, 5])
    let channels = try x.dims[1].map { (dim) throws(PinionError) in try Int64(dim).multiplied(by: kernel[0]).multiplied(by: kernel[1]) } ?? -1
    var windows = Extent.known(-1)
    if case .known(let rows) = counts[0], case .known(let columns) = counts[1] {
      windows = .known(rows * columns)
    } else if channels < 0 {
      windows = .value(try mul(try extentTerm(counts[0]), try extentTerm(counts[1])).id)
    }
    let result = try reshape(ordered, [try extent(x, 0), .known(channels), windows])
    return isSingle ? try squeeze(result, [0]) : result
  }
}
