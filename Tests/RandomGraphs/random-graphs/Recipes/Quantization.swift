import PinionTensor

extension GraphMaker {
  /// A scale: a scalar, or one for each of `count`.
  func scale(_ count: Int? = nil, _ element: ElementType = .float32) -> Operand? {
    let dims = count.map { [$0] } ?? (random.chance(0.7) ? [] : [1])
    let values = (0..<dims.reduce(1, *)).map { _ in Float(random.pick([0.0078125, 0.02, 0.05, 0.1, 0.5])) }
    guard element == .float32, let shape = try? Shape(dims), let tensor = try? Tensor(values, shape) else { return nil }
    return add(tensor, source: random.chance(0.9) ? .initializer : nil)
  }

  func zeroPoint(_ element: ElementType, like scale: Operand, isZero: Bool = false) -> Operand? {
    guard let tensor = try? random.tensor(element, scale.dims, isZero ? .plain : .special) else { return nil }
    if isZero { tensor.data.initializeMemory(as: UInt8.self, repeating: 0, count: tensor.byteCount) }
    return add(tensor, source: random.chance(0.9) ? .initializer : nil)
  }

  func quantize(_ x: Operand, _ element: ElementType) -> (Operand, Operand, Operand?)? {
    guard let scale = scale() else { return nil }
    let zero = element == .uint8 && random.chance(0.3) ? nil : zeroPoint(element, like: scale)
    guard let y = node("QuantizeLinear", [x, scale, zero])?.first else { return nil }
    return (y, scale, zero)
  }

  /// A float tensor that has gone through eight bits.
  func quantizedAndBack(_ x: Operand, _ element: ElementType) -> Operand? {
    guard let (q, scale, zero) = quantize(x, element) else { return nil }
    return node("DequantizeLinear", [q, scale, zero])?.first
  }

  /// An eight-bit tensor with its scale and zero point.
  func quantized(_ dims: [Int], _ element: ElementType? = nil) -> (Operand, Operand, Operand)? {
    let element = element ?? random.pick([.int8, .uint8])
    guard let x = new(element, dims, .special), let scale = scale(), let zero = zeroPoint(element, like: scale) else { return nil }
    return (x, scale, zero)
  }
}

extension Recipe {
  static let quantization: [Recipe] = [
    Recipe("QuantizeLinear", "DequantizeLinear", from: 10, weight: 6) { g in
      guard let x = g.tensor([.float32], ranks: 0...4) else { return }
      if g.opset >= 13, g.random.chance(0.3), x.rank > 0 {
        let axis = g.axis(x.rank)
        guard let scale = g.scale(x.dims[axis < 0 ? axis + x.rank : axis]) else { return }
        let element = g.random.pick([.int8, .uint8] + (g.opset >= 21 ? [.int16, .uint4, .int4] : []) as [ElementType])
        guard let zero = g.zeroPoint(element, like: scale), let q = g.node("QuantizeLinear", [x, scale, zero], [("axis", .int(axis))])?.first else { return }
        g.node("DequantizeLinear", [q, scale, zero], [("axis", .int(axis))])
      } else {
        _ = g.quantizedAndBack(x, g.random.pick([.int8, .uint8]))
      }
    },
    // A quantised operator in the form that passes join: dequantise, compute, quantise.
    Recipe("QuantizeLinear", "DequantizeLinear", "MatMul", "Conv", "Add", from: 10, weight: 6) { g in
      let element = g.random.pick([.int8, .uint8] as [ElementType])
      switch g.random.below(3) {
      case 0:
        guard let x = g.tensor([.float32], ranks: 2...3, .plain), let k = x.dims.last, let a = g.quantizedAndBack(x, element), let scale = g.scale(),
          let zero = g.zeroPoint(.int8, like: scale, isZero: true), let w = g.new(.int8, [k, g.random.pick([3, 16])], .special, source: .initializer),
          let b = g.node("DequantizeLinear", [w, scale, zero])?.first, let y = g.node("MatMul", [a, b])?.first
        else { return }
        _ = g.quantizedAndBack(y, element)
      case 1:
        guard let x = g.picture([.float32]), let a = g.quantizedAndBack(x, element), let scale = g.scale(), let zero = g.zeroPoint(.int8, like: scale, isZero: true),
          let w = g.new(.int8, [g.random.pick([2, 4]), x.dims[1], 3, 3], .special, source: .initializer), let b = g.node("DequantizeLinear", [w, scale, zero])?.first,
          let y = g.node("Conv", [a, b], [("pads", .ints([1, 1, 1, 1]))])?.first
        else { return }
        _ = g.quantizedAndBack(g.random.chance(0.4) ? g.node("Relu", [y])?.first ?? y : y, element)
      default:
        guard let x = g.tensor([.float32], .plain), let a = g.quantizedAndBack(x, element), let other = g.partner(of: x), let b = g.quantizedAndBack(other, element),
          let y = g.node(g.random.pick(["Add", "Mul"]), [a, b])?.first
        else { return }
        _ = g.quantizedAndBack(y, element)
      }
    },
    Recipe("DynamicQuantizeLinear", "MatMulInteger", from: 11, weight: 5) { g in
      guard let x = g.tensor([.float32], ranks: 2...3, .plain), let q = g.node("DynamicQuantizeLinear", [x], outputs: 3), let k = x.dims.last,
        let w = g.new(g.random.pick([.int8, .uint8]), [k, g.random.pick([2, 5, 16])], .special), let element = w.element
      else { return }
      let zero = g.random.chance(0.6) ? g.new(element, g.random.chance(0.6) ? [] : [w.dims[1]], .special, source: .initializer) : nil
      guard let y = g.node("MatMulInteger", [q[0], w, q[2], zero])?.first, g.random.chance(0.6), let scale = g.scale(),
        let f = g.node("Cast", [y], [("to", .int(1))])?.first, let s = g.node("Mul", [q[1], scale])?.first
      else { return }
      g.node("Mul", [f, s])
    },
    Recipe("ConvInteger", from: 10, weight: 2) { g in
      guard let x = g.new(.uint8, [1, g.random.int(1...4), 5, 6], .special), let w = g.new(.int8, [3, x.dims[1], 3, 3], .special) else { return }
      g.node("ConvInteger", [x, w, g.random.chance(0.5) ? g.new(.uint8, [], .special, source: .initializer) : nil])
    },
    Recipe("QLinearMatMul", "QLinearConv", from: 10, weight: 4) { g in
      guard let out = g.scale() else { return }
      if g.random.chance(0.5) {
        let k = g.random.int(1...20)
        guard let (a, aScale, aZero) = g.quantized([g.random.int(1...5), k]), let (b, bScale, bZero) = g.quantized([k, g.random.pick([1, 4, 16])]), let element = a.element,
          let zero = g.zeroPoint(element, like: out)
        else { return }
        g.node("QLinearMatMul", [a, aScale, aZero, b, bScale, bZero, out, zero])
      } else {
        guard let (x, xScale, xZero) = g.quantized([1, g.random.int(1...4), 6, 5]), let element = x.element, let zero = g.zeroPoint(element, like: out),
          let (w, wScale, wZero) = g.quantized([g.random.int(1...4), x.dims[1], 3, 3], .int8)
        else { return }
        g.node("QLinearConv", [x, xScale, xZero, w, wScale, wZero, out, zero, g.random.chance(0.5) ? g.new(.int32, [w.dims[0]], .plain) : nil])
      }
    },
  ]
}
