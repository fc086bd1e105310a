import PinionBase
import PinionGraph
import PinionTensor

/// pt2e's quantised_decomposed and fake quantisation: the Q/DQ pairs that the passes know.
extension Lowering {
  func quantization(_ c: Call) throws(PinionError) -> [Term]? {
    switch c.key {
    case "quantized_decomposed.quantize_per_tensor", "quantized_decomposed.quantize_per_tensor.tensor", "quantized_decomposed.quantize_per_tensor.tensor2":
      let (element, _) = try c.dtype() ?? (.int8, false)
      let x = try c.tensor("input", as: .float32)
      let zero = try zeroPoint(c, "zero_point", element)
      return [try clipped(c, try op("QuantizeLinear", [x, try scale(c, "scale"), zero], element: element), element)]
    case "quantized_decomposed.dequantize_per_tensor", "quantized_decomposed.dequantize_per_tensor.tensor", "quantized_decomposed.dequantize_per_tensor.tensor2":
      let x = try c.tensor("input")
      return [try op("DequantizeLinear", [x, try scale(c, "scale"), try zeroPoint(c, "zero_point", x.element)], element: .float32)]
    case "quantized_decomposed.quantize_per_channel":
      let (element, _) = try c.dtype() ?? (.int8, false)
      let x = try c.tensor("input", as: .float32)
      let zero = try zeroPoint(c, "zero_points", element)
      let result = try op("QuantizeLinear", [x, try scale(c, "scales"), zero], ["axis": .int(try c.int("axis"))], element: element)
      return [try clipped(c, result, element)]
    case "quantized_decomposed.dequantize_per_channel":
      let x = try c.tensor("input")
      let zero = c.has("zero_points") ? try zeroPoint(c, "zero_points", x.element) : nil
      return [try op("DequantizeLinear", [x, try scale(c, "scales"), zero], ["axis": .int(try c.int("axis"))], element: .float32)]
    case "quantized_decomposed.choose_qparams.tensor", "quantized_decomposed.choose_qparams_symmetric.tensor": return try rangeOfTensor(c)
    case "quantized_decomposed.choose_qparams_per_token", "quantized_decomposed.choose_qparams_per_token_asymmetric": return try rangeOfRows(c)
    case "quantized_decomposed.quantize_per_token", "quantized_decomposed.dequantize_per_token": return [try rows(c)]
    case "quantized_decomposed.dequantize_per_channel_group": return [try groups(c)]
    case "_int_mm":
      let a = try c.tensor("self"), b = try c.tensor("mat2")
      return [try op("MatMulInteger", [a, b], element: .int32, dims: [a.dims[0], b.dims[1]])]
    case "_weight_int8pack_mm":
      let x = try c.tensor("self"), weight = try c.tensor("mat2", as: x.element)
      return [try mul(try matmul(x, try transpose(weight, [1, 0])), try c.tensor("scales", as: x.element))]
    case "fake_quantize_per_tensor_affine", "fake_quantize_per_tensor_affine.tensor_qparams", "fake_quantize_per_channel_affine":
      return [try fake(c)]
    default: return nil
    }
  }

  private func scale(_ c: Call, _ name: String) throws(PinionError) -> Term { try parameter(c, name, .float32) }

  private func zeroPoint(_ c: Call, _ name: String, _ element: ElementType) throws(PinionError) -> Term { try parameter(c, name, element) }

  /// What is said of a whole tensor may come in a vector of one.
  private func parameter(_ c: Call, _ name: String, _ element: ElementType) throws(PinionError) -> Term {
    let value = try term(try c.operand(name), element)
    guard c.base.contains("per_tensor"), value.rank == 1 else { return value }
    return try reshape(value, [] as [Int64])
  }

  private func range(of element: ElementType) -> (low: Int64, high: Int64)? {
    switch element {
    case .int8: (-128, 127)
    case .uint8: (0, 255)
    case .int16: (-32768, 32767)
    case .uint16: (0, 65535)
    default: nil
    }
  }

  private func clipped(_ c: Call, _ term: Term, _ element: ElementType) throws(PinionError) -> Term {
    let low = try c.int("quant_min"), high = try c.int("quant_max")
    if let range = range(of: element), low <= range.low, high >= range.high { return term }
    return try op("Clip", [term, try scalar(low, element), try scalar(high, element)])
  }

  private func fake(_ c: Call) throws(PinionError) -> Term {
    let x = try c.tensor("self")
    let low = try c.int("quant_min"), high = try c.int("quant_max")
    var attributes: [String: AttributeValue] = [:]
    if c.base.contains("channel") { attributes["axis"] = .int(try c.int("axis")) }
    let factor = try scale(c, "scale")
    let element: ElementType = low >= 0 ? .uint8 : .int8
    guard let range = range(of: element), low >= range.low, high <= range.high else { throw .unsupported("fake quantisation to \(low)...\(high)") }
    let zero = try zeroPoint(c, "zero_point", element)
    var quantized = try op("QuantizeLinear", [try cast(x, .float32), factor, zero], attributes, element: element)
    quantized = try clipped(c, quantized, element)
    return try cast(try op("DequantizeLinear", [quantized, factor, zero], attributes, element: .float32), x.element)
  }
}
