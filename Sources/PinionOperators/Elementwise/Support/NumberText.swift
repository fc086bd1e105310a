import PinionBackend
import PinionBase
import PinionCPU
import PinionTensor

/// The elements of a tensor of numbers as text: integers in decimal, floats with the fewest digits that tell them apart.
func texts(of tensor: Tensor, _ context: EagerContext) throws(PinionError) -> Tensor {
  var texts = try context.strings(count: tensor.count)
  func write<T: Element>(_: T.Type, to texts: inout StringTable, _ text: (T) -> String) throws(PinionError) {
    for element in try tensor.unsafeElements(as: T.self) { try texts.append(text(element)) }
  }
  switch tensor.element {
  case .float32: try write(Float.self, to: &texts) { plainText($0) }
  case .float64: try write(Double.self, to: &texts) { plainText($0) }
  case .float16: try write(Float16.self, to: &texts) { plainText($0) }
  case .bool:
    let words: (StaticString, StaticString) = ("False", "True")
    for element in try tensor.unsafeElements(as: Bool.self) {
      let word = element ? words.1 : words.0
      try texts.append(UnsafeBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }
  case .uint64:
    try writeIntegers(tensor.count, to: &texts) { index in
      let number = tensor.data.load(fromByteOffset: index &* 8, as: UInt64.self)
      return (number, false)
    }
  case .string, .complex64, .complex128: throw .unsupported("no conversion from \(tensor.element) to string")
  default:
    let isFloat = tensor.element.isFloatingPoint, width = tensor.element.byteWidth
    let convert = try ElementConversion(from: tensor.element, to: isFloat ? .float32 : .int64)
    if isFloat {
      for index in 0..<tensor.count {
        var number: Float = 0
        convert(tensor.data + index &* width, &number, 1)
        try texts.append(plainText(number))
      }
    } else {
      try writeIntegers(tensor.count, to: &texts) { index in
        var number: Int64 = 0
        convert(tensor.data + index &* width, &number, 1)
        return (UInt64(number.magnitude), number < 0)
      }
    }
  }
  return try texts.tensor(tensor.shape)
}

/// Integers in decimal, digits from the last one on.
private func writeIntegers(
  _ count: Int, to texts: inout StringTable, _ number: (Int) -> (magnitude: UInt64, isNegative: Bool)
) throws(PinionError) {
  var digits: InlineText = (0, 0, 0)
  let size = MemoryLayout<InlineText>.size
  for index in 0..<count {
    let (magnitude, isNegative) = number(index)
    var rest = magnitude, place = size
    let start = withUnsafeMutableBytes(of: &digits) { digits in
      repeat {
        place &-= 1
        let (tens, last) = rest.quotientAndRemainder(dividingBy: 10)
        digits[place] = UInt8(ascii: "0") &+ UInt8(truncatingIfNeeded: last)
        rest = tens
      } while rest > 0
      if isNegative {
        place &-= 1
        digits[place] = UInt8(ascii: "-")
      }
      return place
    }
    try withUnsafeBytes(of: &digits) { (digits) throws(PinionError) in
      try texts.append(UnsafeBufferPointer(rebasing: digits.bindMemory(to: UInt8.self)[start...]))
    }
  }
}

/// Room for the 20 digits of 64 bits and a sign.
private typealias InlineText = (UInt64, UInt64, UInt64)

/// Plain notation between 1e-4 and 1e16, scientific notation beyond, as Python writes floats.
func plainText<T: BinaryFloatingPoint & CustomStringConvertible>(_ value: T) -> String {
  if value.isNaN { return "NaN" }
  if value.isInfinite { return value < 0 ? "-INF" : "INF" }
  // Swift writes numbers of middling size alike.
  let own = value.description
  if !own.utf8.contains(UInt8(ascii: "e")) { return own }
  let parts = value.magnitude.description.split(separator: "e", omittingEmptySubsequences: false)
  let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
  var whole = String(mantissa[0])
  var fraction = mantissa.count > 1 ? String(mantissa[1]) : ""
  if fraction == "0" { fraction = "" }
  // From here on the number is 0.DIGITS * 10^point.
  var point = whole.count + (parts.count > 1 ? Int(parts[1]) ?? 0 : 0)
  if whole == "0" {
    whole = ""
    point -= 1
  }
  var digits = Substring(whole + fraction)
  while digits.first == "0" {
    digits.removeFirst()
    point -= 1
  }
  while digits.last == "0" { digits.removeLast() }
  let sign = value.sign == .minus ? "-" : ""
  guard !digits.isEmpty else { return sign + "0.0" }
  func zeros(_ count: Int) -> String { String(repeating: "0", count: max(count, 0)) }
  let exponent = point - 1
  if exponent < -4 || exponent >= 16 {
    let rest = digits.dropFirst()
    let magnitude = String(exponent.magnitude)
    return sign + digits.prefix(1) + (rest.isEmpty ? "" : "." + rest) + (exponent < 0 ? "e-" : "e+")
      + zeros(2 - magnitude.count) + magnitude
  }
  if point <= 0 { return sign + "0." + zeros(-point) + digits }
  if digits.count <= point { return sign + digits + zeros(point - digits.count) + ".0" }
  return sign + digits.prefix(point) + "." + digits.dropFirst(point)
}

/// Reads a string tensor as numbers.
/// - Throws: `.invalidValue` for a text that is no number.
func parse(
  _ tensor: Tensor, into output: Tensor, saturate: Bool, rounding: NarrowFloat.Rounding, _ context: EagerContext
) throws(PinionError) {
  let strings = try tensor.unsafeElements(as: StringElement.self)
  func read<T: Element>(
    _: T.Type, _ plain: (PlainNumber) -> T?, _ number: (String) -> T?
  ) throws(PinionError) {
    let target = try output.mutableElements(as: T.self)
    var poll = Poll(context.control)
    for (index, element) in strings.enumerated() {
      try poll.count(16)
      if let value = PlainNumber(element.bytes).flatMap(plain) {
        target[index] = value
        continue
      }
      // No number needs so many digits, and a text of megabytes is not copied to be told that.
      let text = element.count <= 4096 ? element.string : ""
      guard let value = number(text) else {
        throw .invalidValue("element \(index) is '\(StringElement(start: element.start, count: min(element.count, 40)).string)', expected a number of type \(output.element)")
      }
      target[index] = value
    }
  }
  func truncated<T: FixedWidthInteger>(_ text: String) -> T? {
    if let value = T(text) { return value }
    if let value = Int64(text) { return T(truncatingIfNeeded: value) }
    return Double(text).flatMap { T(exactly: $0.rounded(.towardZero)) }
  }
  switch output.element {
  case .float32: try read(Float.self, { $0.float32 }) { Float($0) }
  case .float64: try read(Double.self, { $0.float64 }) { Double($0) }
  case .float16: try read(Float16.self, { _ in nil }) { Float16($0) }
  case .int8: try read(Int8.self, { $0.integer.flatMap { Int8(exactly: $0) } }, truncated)
  case .uint8: try read(UInt8.self, { $0.integer.flatMap { UInt8(exactly: $0) } }, truncated)
  case .int16: try read(Int16.self, { $0.integer.flatMap { Int16(exactly: $0) } }, truncated)
  case .uint16: try read(UInt16.self, { $0.integer.flatMap { UInt16(exactly: $0) } }, truncated)
  case .int32: try read(Int32.self, { $0.integer.flatMap { Int32(exactly: $0) } }, truncated)
  case .uint32: try read(UInt32.self, { $0.integer.flatMap { UInt32(exactly: $0) } }, truncated)
  case .int64: try read(Int64.self, { $0.integer.flatMap { Int64(exactly: $0) } }, truncated)
  case .uint64: try read(UInt64.self, { $0.integer.flatMap { UInt64(exactly: $0) } }, truncated)
  case .bool:
    try read(Bool.self, { _ in nil }) { text in
      switch text.lowercased() {
      case "true": true
      case "false": false
      default: Double(text).map { $0 != 0 }
      }
    }
  default:
    let convert = try ElementConversion(from: .float64, to: output.element, saturate: saturate, rounding: rounding)
    let staging = try context.allocate(TensorType(.float64, tensor.shape))
    try parse(tensor, into: staging, saturate: saturate, rounding: rounding, context)
    try inPieces(of: 1 << 14, tensor.count, context.control) { range in
      convert(
        staging.data + range.lowerBound &* 8, output.data + range.lowerBound &* output.element.byteWidth, range.count)
    }
  }
}

/// A number of few digits in plain notation, such as most texts hold, whose value needs no more than an exact division.
private struct PlainNumber {
  private var digits: Int64 = 0
  private var decimals = 0
  private var isNegative = false
  private var hasPoint = false

  /// - Returns: nil for anything but an optional minus sign, digits and at most one point between digits, 15 digits in all.
  init?(_ text: UnsafeBufferPointer<UInt8>) {
    var rest = text[...]
    if rest.first == UInt8(ascii: "-") {
      isNegative = true
      rest = rest.dropFirst()
    }
    guard (1...16).contains(rest.count), rest.first != UInt8(ascii: "."), rest.last != UInt8(ascii: ".") else { return nil }
    for byte in rest {
      if byte == UInt8(ascii: "."), !hasPoint {
        hasPoint = true
        continue
      }
      let digit = byte &- UInt8(ascii: "0")
      guard digit < 10 else { return nil }
      digits = digits &* 10 &+ Int64(digit)
      if hasPoint { decimals &+= 1 }
    }
    guard digits < 1_000_000_000_000_000 else { return nil }
  }

  var integer: Int64? { hasPoint ? nil : isNegative ? -digits : digits }

  /// Both numbers of the quotient are exact, so that it is rounded once.
  var float64: Double {
    var scale = 1.0
    for _ in 0..<decimals { scale *= 10 }
    let magnitude = Double(digits) / scale
    return isNegative ? -magnitude : magnitude
  }

  /// Nil where the double lies half-way between two floats, where rounding a second time could err.
  var float32: Float? {
    let value = float64
    guard value.bitPattern & 0x1fff_ffff != 0x1000_0000, digits == 0 || value.magnitude > 1e-30 else { return nil }
    return Float(value)
  }
}
