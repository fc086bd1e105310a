import PinionTensor

extension GraphMaker {
  /// A picture batch: one that there is, or a new one.
  func picture(_ elements: [ElementType], channels: Int? = nil) -> Operand? {
    if random.chance(0.5), let found = existing(where: { x in
      elements.contains(x.element ?? .string) && x.rank == 4 && !x.dims.contains(0) && x.count < 4000 && (channels == nil || x.dims[1] == channels)
    }) {
      return found
    }
    return new(random.pick(elements), [random.pick([1, 1, 2, 5]), channels ?? random.pick([1, 2, 3, 4, 8, 16]), random.pick([3, 5, 6, 8]), random.pick([3, 4, 7, 9])])
  }

  typealias Attributes = [(name: String, value: AttributeSpec)]

  func windowAttributes(kernel: [Int], dilations isDilated: Bool = true) -> Attributes {
    var attributes: Attributes = []
    if random.chance(0.4) { attributes.append(("strides", .ints(kernel.map { _ in random.int(1...3) }))) }
    if isDilated, random.chance(0.2) { attributes.append(("dilations", .ints(kernel.map { _ in random.int(1...2) }))) }
    if random.chance(0.5) {
      let heads = kernel.map { random.below($0) }, tails = kernel.map { random.below($0) }
      attributes.append(("pads", .ints(heads + tails)))
    } else if random.chance(0.3) {
      attributes.append(("auto_pad", .string(random.pick(["SAME_UPPER", "SAME_LOWER", "VALID"]))))
    }
    return attributes
  }
}

extension Recipe {
  static let windows: [Recipe] = [
    Recipe("Conv", weight: 10) { g in
      guard let x = g.picture(commonFloats), let element = x.element else { return }
      let channels = x.dims[1]
      let groups = g.random.pick([1, 1, 1, channels, channels % 2 == 0 ? 2 : 1])
      let filters = groups * g.random.pick([1, 2, 4, 16 / max(groups, 1) + 1])
      let kernel = g.random.pick([[1, 1], [3, 3], [2, 3], [3, 3], [5, 1]])
      guard let w = g.new(element, [filters, channels / groups] + kernel, .plain) else { return }
      let bias = g.random.chance(0.5) ? g.new(element, [filters], .plain) : nil
      guard let y = g.node("Conv", [x, w, bias], g.windowAttributes(kernel: kernel) + (groups > 1 ? [("group", .int(groups))] : []))?.first else { return }
      // What passes join with the product.
      switch g.random.below(5) {
      case 0: g.node("Relu", [y])
      case 1: if let b = g.new(element, [filters, 1, 1], .plain) { g.node(g.random.pick(["Add", "Mul"]), [y, b]) }
      case 2:
        guard let scale = g.new(element, [filters], .positive), let shift = g.new(element, [filters], .plain), let mean = g.new(element, [filters], .plain),
          let variance = g.new(element, [filters], .positive)
        else { return }
        g.node("BatchNormalization", [y, scale, shift, mean, variance])
      default: break
      }
    },
    Recipe("Conv", weight: 2) { g in
      let channels = g.random.int(1...4), filters = g.random.int(1...4), kernel = g.random.int(1...3)
      guard let x = g.new(g.random.pick(commonFloats), [g.random.int(1...2), channels, g.random.int(4...9)]), let element = x.element,
        let w = g.new(element, [filters, channels, kernel])
      else { return }
      g.node("Conv", [x, w], g.windowAttributes(kernel: [kernel]))
    },
    Recipe("ConvTranspose", weight: 3) { g in
      guard let x = g.picture([.float32, .float64]), let element = x.element else { return }
      let filters = g.random.int(1...3), kernel = g.random.pick([[1, 1], [3, 3], [2, 2]])
      guard let w = g.new(element, [x.dims[1], filters] + kernel, .plain) else { return }
      g.node("ConvTranspose", [x, w, g.random.chance(0.5) ? g.new(element, [filters], .plain) : nil], g.random.chance(0.5) ? [("strides", .ints([2, 1]))] : [])
    },
    Recipe("MaxPool", "AveragePool", "LpPool", weight: 6) { g in
      let op = g.random.pick(["MaxPool", "AveragePool", "LpPool"])
      guard let x = g.picture(op == "MaxPool" && g.opset >= 12 ? commonFloats + [.int8, .uint8] : commonFloats) else { return }
      let kernel = g.random.pick([[2, 2], [3, 3], [1, 2]])
      var attributes = g.windowAttributes(kernel: kernel, dilations: (op == "MaxPool" && g.opset >= 10) || g.opset >= 19)
      attributes.append(("kernel_shape", .ints(kernel)))
      if op == "AveragePool" { attributes.append(("count_include_pad", .int(g.random.below(2)))) }
      if g.opset >= 10, op != "LpPool" { attributes.append(("ceil_mode", .int(g.random.below(2)))) }
      let outputs = op == "MaxPool" && g.opset >= 8 && g.random.chance(0.3) ? 2 : 1
      guard let y = g.node(op, [x], outputs: outputs, attributes) else { return }
      if outputs == 2, g.opset >= 11, !attributes.contains(where: { $0.name == "auto_pad" || $0.name == "dilations" || $0.name == "pads" }) {
        g.node("MaxUnpool", [y[0], y[1]], attributes.filter { $0.name == "kernel_shape" || $0.name == "strides" })
      }
    },
    Recipe("MaxUnpool", from: 11, weight: 1) { g in
      guard let x = g.new(.float32, [1, 1, 2, 2]), let places = g.ints([5, 7, 13, 15], shape: [1, 1, 2, 2]) else { return }
      g.node("MaxUnpool", [x, places], [("kernel_shape", .ints([2, 2])), ("strides", .ints([2, 2]))])
    },
    Recipe("GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool", weight: 3) { g in
      guard let x = g.picture(commonFloats) else { return }
      g.node(g.random.pick(["GlobalAveragePool", "GlobalMaxPool", "GlobalLpPool"]), [x])
    },
    Recipe("LRN", weight: 2) { g in
      guard let x = g.picture([.float32]) else { return }
      g.node("LRN", [x], [("size", .int(3)), ("alpha", .float(0.1))])
    },
  ]
}
