import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// A tensor of codes with what they stand for: scale * (code - zero).
struct Codes {
  var value: ValueID
  var element: ElementType
  var scale: Tensor
  var scaleID: ValueID
  var zero: Tensor?
  var zeroID: ValueID?
  /// The axis of a scale for each slice; nil for one scale.
  var axis: Int64?

  var isPerTensor: Bool { scale.count == 1 }

  /// Whether each slice of constant codes along the axis has a scale of its own, and a zero point if there are any.
  func hasScale(forEachOf axis: Int, of codes: Tensor) -> Bool {
    let rank = codes.shape.rank
    guard rank >= 2, axis >= 0, axis < rank, let own = self.axis, own == Int64(axis) || own == Int64(axis - rank) else { return false }
    return scale.shape.rank == 1 && scale.count == codes.shape[axis] && zero.map { $0.count == scale.count } ?? true
  }
}

extension GraphEditor {
  /// The codes from which a DequantizeLinear with constant scales makes the value.
  mutating func codes(_ value: ValueID?, at index: Int) -> Codes? {
    guard let node = producer(value, DequantizeLinear.self), let op = op(node, DequantizeLinear.self), let source = input(node, 0) else {
      return nil
    }
    return codes(node, source, fact(source, at: index).element ?? constant(input(node, 2))?.element, axis: op.axis, blockSize: op.blockSize)
  }

  /// What a QuantizeLinear with a constant scale makes codes by, of its input.
  func codes(quantizedBy node: Int) -> Codes? {
    guard let op = op(node, QuantizeLinear.self), let output = graph.nodes[node].outputs.first ?? nil else { return nil }
    return codes(node, output, constant(input(node, 2))?.element, axis: op.axis, blockSize: op.blockSize)
  }

  private func codes(_ node: Int, _ value: ValueID, _ element: ElementType?, axis: Int64, blockSize: Int) -> Codes? {
    guard let element, element == .int8 || element == .uint8 || element == .int32, let scaleID = input(node, 1),
      let scale = constant(scaleID), scale.element == .float32, blockSize == 0
    else { return nil }
    if let zero = input(node, 2), constant(zero) == nil { return nil }
    return Codes(
      value: value, element: element, scale: scale, scaleID: scaleID, zero: constant(input(node, 2)), zeroID: input(node, 2),
      axis: scale.count == 1 ? nil : axis)
  }

  /// The zero point as an operand: a constant 0 where there is none.
  mutating func zeroPoint(_ codes: Codes) throws(PinionError) -> ValueID {
    if let zero = codes.zeroID { return zero }
    return addConstant(codes.element == .int8 ? try Tensor(scalar: Int8(0)) : try Tensor(scalar: UInt8(0)))
  }
}

/// An operator between DequantizeLinear and QuantizeLinear that has an integer form: QLinearConv, QLinearMatMul, QGemm, QLinearAdd,
/// QLinearGlobalAveragePool. An activation that the codes' range makes anyway goes.
struct QuantizedOperator: Rule {
  let anchors: [any Operator.Type] = [QuantizeLinear.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let y = editor.codes(quantizedBy: index), y.isPerTensor, y.zero != nil, y.element != .int32,
      let producer = operation(index, y, &editor)
    else { return false }
    switch editor.kind(producer) {
    case Conv.self: return try convolution(producer, index, y, &editor)
    case MatMul.self: return try product(producer, index, y, &editor)
    case Gemm.self: return try gemm(producer, index, y, &editor)
    case Add.self: return try addition(producer, index, y, &editor)
    case GlobalAveragePool.self: return try pooling(producer, index, y, &editor)
    default: return false
    }
  }

  /// The node whose result is quantised, behind an activation that does not change what the codes can say.
  private func operation(_ index: Int, _ y: Codes, _ editor: inout GraphEditor) -> Int? {
    guard let value = editor.input(index, 0), editor.useCount(value) == 1, let producer = editor.producer(value) else { return nil }
    guard let range = range(y) else { return nil }
    switch editor.kind(producer) {
    case Relu.self: guard range.lowerBound >= 0 else { return nil }
    case Clip.self:
      guard let (low, high) = editor.bounds(producer), low <= range.lowerBound, high >= range.upperBound * 0.999 else { return nil }
    default: return producer
    }
    guard let inner = editor.input(producer, 0), editor.useCount(inner) == 1 else { return nil }
    return editor.producer(inner)
  }

  /// The numbers that the codes can stand for.
  private func range(_ codes: Codes) -> ClosedRange<Double>? {
    guard let scale = codes.scale.scalar, let zero = codes.zero?.scalar, scale > 0, scale.isFinite else { return nil }
    let ends = codes.element == .int8 ? (-128.0, 127.0) : (0.0, 255.0)
    return (ends.0 - zero) * scale...(ends.1 - zero) * scale
  }

  private func replace(
    _ index: Int, _ type: any Operator.Type, _ attributes: [String: AttributeValue], _ inputs: [ValueID?], from producer: Int,
    _ editor: inout GraphEditor
  ) throws(PinionError) -> Bool {
    let node = try Node(
      type, name: editor[producer].name, attributes: attributes, inputs: inputs, outputs: editor.outputs(of: index))
    editor.replace(index, with: node)
    return true
  }

  private func convolution(
    _ conv: Int, _ index: Int, _ y: Codes, _ editor: inout GraphEditor
  ) throws(PinionError) -> Bool {
    guard let x = editor.codes(editor.input(conv, 0), at: index), x.isPerTensor, x.element != .int32,
      let w = editor.codes(editor.input(conv, 1), at: index), w.element != .int32, let weights = editor.constant(w.value),
      w.isPerTensor || (w.axis == 0 && w.scale.count == weights.shape.dims.first), w.zero.map({ $0.count == w.scale.count }) ?? true
    else { return false }
    var inputs: [ValueID?] = [
      x.value, x.scaleID, try editor.zeroPoint(x), w.value, w.scaleID, try weightZero(w, &editor), y.scaleID, try editor.zeroPoint(y),
    ]
    if let bias = editor.input(conv, 2) {
      guard let channels = weights.shape.dims.first, let codes = try biasCodes(bias, x, w, y, factor: 1, channels: channels, index, &editor)
      else { return false }
      inputs.append(codes)
    }
    return try replace(index, QLinearConv.self, editor[conv].attributes, inputs, from: conv, &editor)
  }

  /// The weights' zero points; for a scale for each channel as many zeros where there are none.
  private func weightZero(_ w: Codes, _ editor: inout GraphEditor) throws(PinionError) -> ValueID {
    guard w.zeroID == nil, !w.isPerTensor else { return try editor.zeroPoint(w) }
    return editor.addConstant(
      w.element == .int8
        ? try Tensor(vector: [Int8](repeating: 0, count: w.scale.count)) : try Tensor(vector: [UInt8](repeating: 0, count: w.scale.count)))
  }

  /// The largest bias, so that sums with it stay within 32 bits.
  private static let biasLimit = Double(1 << 30)

  /// The bias in units of the product's scale, rounded. Weights that are all but 0 have so small a scale that their bias has no such code; where
  /// it is nothing in codes of the result either, the largest one stands for it.
  private func biasCodes(
    _ bias: ValueID, _ x: Codes, _ w: Codes, _ y: Codes, factor: Double, channels: Int, _ index: Int, _ editor: inout GraphEditor
  ) throws(PinionError) -> ValueID? {
    guard let xScale = x.scale.scalar, let wScales = w.scale.numbers, let yScale = y.scale.scalar else { return nil }
    var numbers: [Double]
    if let codes = editor.codes(bias, at: index) {
      guard let values = editor.constant(codes.value)?.numbers, let scales = codes.scale.numbers,
        scales.count == 1 || scales.count == values.count,
        codes.zero?.numbers?.allSatisfy({ $0 == 0 }) ?? true
      else { return nil }
      numbers = values.enumerated().map { $1 * scales[scales.count == 1 ? 0 : $0] }
    } else {
      guard let values = editor.constant(bias)?.numbers else { return nil }
      numbers = values
    }
    guard numbers.count == channels else { return nil }
    var codes: [Int32] = []
    for (channel, number) in numbers.enumerated() {
      let unit = xScale * wScales[wScales.count == 1 ? 0 : channel] * factor
      var code = (number / unit).rounded(.toNearestOrEven)
      if code.magnitude > QuantizedOperator.biasLimit, number.magnitude < 1e-3 * yScale {
        code = code < 0 ? -QuantizedOperator.biasLimit : QuantizedOperator.biasLimit
      }
      guard unit != 0, code.magnitude <= QuantizedOperator.biasLimit, let code = Int32(exactly: code) else { return nil }
      codes.append(code)
    }
    return editor.addConstant(try Tensor(vector: codes))
  }

  private func product(
    _ matMul: Int, _ index: Int, _ y: Codes, _ editor: inout GraphEditor
  ) throws(PinionError) -> Bool {
    guard let a = editor.codes(editor.input(matMul, 0), at: index), a.isPerTensor, a.element != .int32,
      let b = editor.codes(editor.input(matMul, 1), at: index), b.element != .int32,
      b.isPerTensor || editor.constant(b.value).map({ b.hasScale(forEachOf: $0.shape.rank - 1, of: $0) }) ?? false
    else { return false }
    let inputs: [ValueID?] = [
      a.value, a.scaleID, try editor.zeroPoint(a), b.value, b.scaleID, try weightZero(b, &editor), y.scaleID, try editor.zeroPoint(y),
    ]
    return try replace(index, QLinearMatMul.self, [:], inputs, from: matMul, &editor)
  }

  private func gemm(
    _ gemm: Int, _ index: Int, _ y: Codes, _ editor: inout GraphEditor
  ) throws(PinionError) -> Bool {
    guard let form = editor.op(gemm, Gemm.self)?.form, form.beta == 1, let a = editor.codes(editor.input(gemm, 0), at: index), a.isPerTensor,
      a.element != .int32, let b = editor.codes(editor.input(gemm, 1), at: index), b.element != .int32,
      let weights = editor.constant(b.value), weights.shape.rank == 2
    else { return false }
    let isTransposed = form.transposition.b
    guard b.isPerTensor || (b.axis == (isTransposed ? 0 : 1) && b.scale.count == weights.shape[isTransposed ? 0 : 1]),
      b.zero.map({ $0.count == b.scale.count }) ?? true
    else { return false }
    var inputs: [ValueID?] = [a.value, a.scaleID, try editor.zeroPoint(a), b.value, b.scaleID, try weightZero(b, &editor), nil]
    if let bias = editor.input(gemm, 2) {
      guard
        let codes = try biasCodes(bias, a, b, y, factor: Double(form.alpha), channels: weights.shape[isTransposed ? 0 : 1], index, &editor)
      else { return false }
      inputs[6] = codes
    }
    var attributes = editor[gemm].attributes
    attributes["beta"] = nil
    return try replace(
      index, QGemm.self, attributes, inputs + [y.scaleID, try editor.zeroPoint(y)], from: gemm, &editor)
  }

  private func addition(
    _ add: Int, _ index: Int, _ y: Codes, _ editor: inout GraphEditor
  ) throws(PinionError) -> Bool {
    guard let a = editor.codes(editor.input(add, 0), at: index), a.isPerTensor, a.element == y.element,
      let b = editor.codes(editor.input(add, 1), at: index), b.isPerTensor, b.element == y.element
    else { return false }
    let inputs: [ValueID?] = [
      a.value, a.scaleID, try editor.zeroPoint(a), b.value, b.scaleID, try editor.zeroPoint(b), y.scaleID, try editor.zeroPoint(y),
    ]
    return try replace(index, QLinearAdd.self, [:], inputs, from: add, &editor)
  }

  private func pooling(
    _ pool: Int, _ index: Int, _ y: Codes, _ editor: inout GraphEditor
  ) throws(PinionError) -> Bool {
    guard let x = editor.codes(editor.input(pool, 0), at: index), x.isPerTensor, x.element == y.element else { return false }
    let inputs: [ValueID?] = [x.value, x.scaleID, try editor.zeroPoint(x), y.scaleID, try editor.zeroPoint(y)]
    return try replace(index, QLinearGlobalAveragePool.self, [:], inputs, from: pool, &editor)
  }
}

/// A QuantizeLinear that makes the codes again from which the numbers came, perhaps moved: the codes are moved.
struct QuantizedMovement: Rule {
  let anchors: [any Operator.Type] = [QuantizeLinear.self]
  private static let movements: [any Operator.Type] = [Reshape.self, Transpose.self, Flatten.self, Squeeze.self, Unsqueeze.self, MaxPool.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let y = editor.codes(quantizedBy: index), y.isPerTensor, let source = editor.input(index, 0) else { return false }
    if let x = editor.codes(source, at: index), isSame(x, y) { return editor.bypass(index, with: x.value) }
    guard editor.useCount(source) == 1, let movement = editor.producer(source), isMovement(editor.kind(movement)),
      editor.outputs(of: movement).count == 1, let x = editor.codes(editor.input(movement, 0), at: index), isSame(x, y)
    else { return false }
    var node = editor[movement]
    node.inputs[0] = x.value
    node.outputs = editor.outputs(of: index)
    editor.replace(index, with: node)
    return true
  }

  private func isMovement(_ kind: (any Operator.Type)?) -> Bool { QuantizedMovement.movements.contains { $0 == kind } }

  private func isSame(_ x: Codes, _ y: Codes) -> Bool {
    x.isPerTensor && x.element == y.element && x.scale.scalar == y.scale.scalar && (x.zero?.scalar ?? 0) == (y.zero?.scalar ?? 0)
  }
}

/// MatMulInteger of codes made at run time, converted to float and multiplied by both scales, and then a vector added.
struct DynamicQuantizedProduct: Rule {
  let anchors: [any Operator.Type] = [Mul.self, Add.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    for slot in 0..<2 {
      guard let value = editor.input(index, slot), let other = editor.other(index, than: value), editor.useCount(value) == 1 else {
        continue
      }
      let isFused =
        editor.kind(index) == Mul.self
        ? try scaled(value, other, index, &editor) : try biased(value, other, index, &editor)
      if isFused { return true }
    }
    return false
  }

  private func scaled(
    _ value: ValueID, _ scales: ValueID, _ index: Int, _ editor: inout GraphEditor
  ) throws(PinionError) -> Bool {
    guard let cast = editor.producer(value, Cast.self), editor.op(cast, Cast.self)?.to == .float32,
      let product = editor.soleProducer(editor.input(cast, 0), MatMulInteger.self), let multiplication = editor.producer(scales, Mul.self),
      let b = editor.input(product, 1)
    else { return false }
    for slot in 0..<2 {
      guard let aScale = editor.input(multiplication, slot), let quantization = editor.producer(aScale, DynamicQuantizeLinear.self),
        editor.outputs(of: quantization).count > 1, editor.outputs(of: quantization)[1] == aScale,
        editor.input(product, 0) == editor.outputs(of: quantization)[0], let bScale = editor.other(multiplication, than: aScale),
        let constant = editor.constant(bScale), constant.element == .float32
      else { continue }
      // One scale, or one for each column.
      guard constant.shape.rank <= 1, constant.count == 1 || editor.fact(b, at: index).extent(-1) == constant.count else { continue }
      var inputs: [ValueID?] = [
        editor.input(product, 0), b, aScale, bScale, editor.input(product, 2), editor.input(product, 3),
      ]
      while let last = inputs.last, last == nil { inputs.removeLast() }
      let node = try Node(
        MatMulIntegerToFloat.self, name: editor[product].name, inputs: inputs, outputs: editor.outputs(of: index))
      editor.replace(index, with: node)
      return true
    }
    return false
  }

  private func biased(
    _ value: ValueID, _ bias: ValueID, _ index: Int, _ editor: inout GraphEditor
  ) throws(PinionError) -> Bool {
    guard let product = editor.producer(value, MatMulIntegerToFloat.self), editor.inputs(of: product).count < 7,
      let constant = editor.constant(bias), constant.shape.rank == 1,
      editor.fact(editor.input(product, 1), at: index).extent(-1) == constant.count
    else { return false }
    var inputs = editor.inputs(of: product)
    while inputs.count < 6 { inputs.append(nil) }
    let node = try Node(
      MatMulIntegerToFloat.self, name: editor[product].name, inputs: inputs + [bias], outputs: editor.outputs(of: index))
    editor.replace(index, with: node)
    return true
  }
}
