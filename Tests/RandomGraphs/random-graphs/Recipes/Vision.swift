import PinionTensor

extension Recipe {
  static let vision: [Recipe] = [
    Recipe("Resize", from: 11, weight: 3) { g in
      guard let x = g.picture([.float32, .float32, .uint8, .float16]) else { return }
      let mode = g.random.pick(["nearest", "linear", "cubic"])
      let coordinates = g.random.pick(["half_pixel", "asymmetric", "align_corners", "pytorch_half_pixel"])
      let attributes: GraphMaker.Attributes = [("mode", .string(mode)), ("coordinate_transformation_mode", .string(coordinates))]
        + (mode == "nearest" ? [("nearest_mode", .string(g.random.pick(["floor", "round_prefer_floor", "ceil"])))] : [])
      let none = try? Tensor(vector: [Float]())
      let roi = g.opset < 13 ? none.map { g.add($0, source: .initializer) } : nil
      if g.random.chance(0.5) {
        g.node("Resize", [x, roi, g.opset < 13 ? none.map { g.add($0, source: .initializer) } : nil, g.ints([x.dims[0], x.dims[1], g.random.int(1...9), g.random.int(1...9)])], attributes)
      } else {
        guard let scales = try? Tensor(vector: [1, 1, Float(g.random.pick([0.5, 1, 2, 1.5])), Float(g.random.pick([0.5, 2, 1.25]))] as [Float]) else { return }
        g.node("Resize", [x, roi, g.add(scales, source: .initializer)], attributes)
      }
    },
    Recipe("Upsample", from: 9, weight: 1) { g in
      guard g.opset == 9, let x = g.picture([.float32]), let scales = try? Tensor(vector: [1, 1, 2, 2] as [Float]) else { return }
      g.node("Upsample", [x, g.add(scales, source: .initializer)], [("mode", .string(g.random.pick(["nearest", "linear"])))])
    },
    Recipe("GridSample", "AffineGrid", from: 20, weight: 2) { g in
      guard let theta = g.new(.float32, [1, 2, 3], .plain), let size = g.ints([1, 1, g.random.int(1...4), g.random.int(1...4)]), let grid = g.node("AffineGrid", [theta, size], [("align_corners", .int(g.random.below(2)))])?.first,
        let x = g.new(.float32, [1, 2, 4, 3], .plain)
      else { return }
      g.node("GridSample", [x, grid], [("mode", .string(g.random.pick(["linear", "nearest", "cubic"]))), ("padding_mode", .string(g.random.pick(["zeros", "border", "reflection"])))])
    },
    Recipe("RoiAlign", "MaxRoiPool", from: 16, weight: 2) { g in
      guard let x = g.new(.float32, [2, 2, 6, 5], .plain) else { return }
      if g.random.chance(0.5) {
        guard let rois = g.add(list: [0, 0, 3, 4, 1, 1, 5, 3], [2, 4]), let batch = g.ints([0, 1]) else { return }
        g.node("RoiAlign", [x, rois, batch], [("output_height", .int(2)), ("output_width", .int(3)), ("sampling_ratio", .int(g.random.below(3))), ("mode", .string(g.random.pick(["avg", "max"])))])
      } else {
        guard let rois = g.add(list: [0, 0, 0, 3, 4, 1, 1, 1, 4, 3], [2, 5]) else { return }
        g.node("MaxRoiPool", [x, rois], [("pooled_shape", .ints([2, 2]))])
      }
    },
    Recipe("NonMaxSuppression", from: 11, weight: 2) { g in
      let boxes = g.random.int(1...6)
      var list: [Float] = []
      for _ in 0..<boxes {
        let y = Float(g.random.unit()), x = Float(g.random.unit())
        list += [y, x, y + Float(g.random.unit()), x + Float(g.random.unit())]
      }
      guard let places = g.add(list: list, [1, boxes, 4]), let scores = g.new(.float32, [1, 2, boxes], .positive), let limit = g.ints([3], shape: [1]) else { return }
      g.node("NonMaxSuppression", [places, scores, limit, g.float(0.5), g.random.chance(0.5) ? g.float(1) : nil])
    },
    Recipe("DeformConv", "Col2Im", from: 19, weight: 2) { g in
      if g.random.chance(0.5) {
        guard let x = g.new(.float32, [1, 2, 4, 4], .plain), let w = g.new(.float32, [2, 2, 2, 2], .plain), let offset = g.new(.float32, [1, 8, 3, 3], .plain) else { return }
        g.node("DeformConv", [x, w, offset, g.random.chance(0.5) ? g.new(.float32, [2], .plain) : nil])
      } else {
        guard let x = g.new(.float32, [1, 8, 9], .plain), let image = g.ints([4, 4]), let block = g.ints([2, 2]) else { return }
        g.node("Col2Im", [x, image, block])
      }
    },
  ]
}

extension GraphMaker {
  func add(list: [Float], _ dims: [Int]) -> Operand? {
    guard let shape = try? Shape(dims), let tensor = try? Tensor(list, shape) else { return nil }
    return add(tensor)
  }
}
