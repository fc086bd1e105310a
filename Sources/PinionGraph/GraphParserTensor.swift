import PinionBase
import PinionTensor

extension ValueType {
  /// Reads a type from the form that `description` has, such as `float32[batch,3,?]` or `seq(int64[...])`.
  /// - Throws: `.invalidArgument`.
  public init(parsing text: String) throws(PinionError) {
    var parser = GraphParser(text, resolver: NoOperators())
    do throws(PinionError) {
      self = try parser.type()
      try parser.cursor.expectEnd()
    } catch { throw .invalidArgument("'\(text)' is no type, such as 'float32[batch,3,?]' or 'seq(int64[...])': \(error.message)") }
  }
}

private struct NoOperators: OperatorResolver {
  func operatorType(domain: String, name: String) -> (any Operator.Type)? { nil }
}

extension GraphParser {
  private static let typeDepthLimit = 32

  mutating func type(depth: Int = 0) throws(PinionError) -> ValueType {
    guard depth < GraphParser.typeDepthLimit else { throw cursor.error("the type is nested too deep") }
    let start = cursor.position
    let word = try cursor.word("a type")
    switch word {
    case "seq", "optional":
      try cursor.expect("(")
      let content = try type(depth: depth + 1)
      try cursor.expect(")")
      return try (word == "seq" ? ValueType.sequence(content) : .optional(content)).allowed()
    case "map":
      try cursor.expect("(")
      let key = try elementType(try cursor.word("a type"), at: start)
      try cursor.expect(",")
      let value = try type(depth: depth + 1)
      try cursor.expect(")")
      return try ValueType.map(key: key, value: value).allowed()
    default:
      let element = try elementType(word, at: start)
      try cursor.expect("[")
      if cursor.accept(sequence: "...") {
        try cursor.expect("]")
        return .tensor(element, dims: nil)
      }
      cursor.rewind(to: cursor.position - 1)
      return .tensor(element, dims: try list { (parser) throws(PinionError) in try parser.dimension() })
    }
  }

  private func elementType(_ word: String, at start: Int) throws(PinionError) -> ElementType {
    guard let element = ElementType(name: word) else { throw cursor.error("'\(word)' is no element type", at: start) }
    return element
  }

  private mutating func dimension() throws(PinionError) -> Dimension {
    if cursor.accept("?") { return .unknown }
    if let next = cursor.peek(), next == UInt8(ascii: "-") || (next >= UInt8(ascii: "0") && next <= UInt8(ascii: "9")) {
      return .known(try cursor.integer("an extent"))
    }
    return .symbol(try cursor.word("a dimension"))
  }

  /// A tensor's type and elements.
  mutating func tensor() throws(PinionError) -> Tensor {
    _ = cursor.peek()
    let start = cursor.position
    guard case .tensor(let element, let dims?) = try type() else { throw cursor.error("expected the type of a tensor", at: start) }
    var extents: [Int] = []
    for dimension in dims {
      guard case .known(let extent) = dimension else { throw cursor.error("a tensor's extents have to be numbers", at: start) }
      extents.append(extent)
    }
    if cursor.peek() == UInt8(ascii: "#") {
      throw cursor.error("the values are left out; write the text with a higher elementLimit")
    }
    do throws(PinionError) { return try elements(TensorType(element, try Shape(extents))) } catch {
      throw error.message.hasPrefix("graph text") ? error : cursor.error(error.message, at: start)
    }
  }

  private mutating func elements(_ type: TensorType) throws(PinionError) -> Tensor {
    if type.element == .string {
      let strings = try list { (parser) throws(PinionError) in try parser.cursor.stringBytes() }
      return try Tensor(utf8: strings, type.shape)
    }
    _ = cursor.peek()
    let start = cursor.position
    let texts = try list { (parser) throws(PinionError) in try parser.cursor.number() }
    let isComplex = type.element == .complex64 || type.element == .complex128
    guard texts.count == (isComplex ? type.count &* 2 : type.count) else {
      throw .invalidShape("\(texts.count) elements do not fill \(type)")
    }
    let tensor = try Tensor(type)
    let cursor = cursor
    func store<T>(_: T.Type, _ read: (String) -> T?) throws(PinionError) {
      let target = tensor.data.bindMemory(to: T.self, capacity: texts.count)
      for (index, text) in texts.enumerated() {
        guard let value = read(text) else { throw cursor.error("'\(text)' is no element of \(type)", at: start) }
        (target + index).initialize(to: value)
      }
    }
    func integers<T: FixedWidthInteger>(_: T.Type, _ range: ClosedRange<T> = T.min...T.max) throws(PinionError) {
      try store(T.self) { text in T(text).flatMap { range.contains($0) ? $0 : nil } }
    }
    switch type.element {
    case .float32, .complex64: try store(Float.self, Float.init(graphText:))
    case .float64, .complex128:
      try store(Double.self) { text in hexadecimal(text, as: UInt64.self).map(Double.init(bitPattern:)) ?? Double(text) }
    case .float16: try store(Float16.self) { text in hexadecimal(text, as: UInt16.self).map(Float16.init(bitPattern:)) ?? Float16(text) }
    case .bfloat16:
      try store(BFloat16.self) { text in
        hexadecimal(text, as: UInt16.self).map(BFloat16.init(bitPattern:)) ?? Float(text).map { BFloat16($0) }
      }
    case .int8: try integers(Int8.self)
    case .int4: try integers(Int8.self, -8...7)
    case .int2: try integers(Int8.self, -2...1)
    case .uint8: try integers(UInt8.self)
    case .uint4: try integers(UInt8.self, 0...15)
    case .uint2: try integers(UInt8.self, 0...3)
    case .int16: try integers(Int16.self)
    case .uint16: try integers(UInt16.self)
    case .int32: try integers(Int32.self)
    case .uint32: try integers(UInt32.self)
    case .int64: try integers(Int64.self)
    case .uint64: try integers(UInt64.self)
    case .bool: try store(Bool.self) { Bool($0) }
    case .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0, .float4e2m1:
      try store(UInt8.self) { text in hexadecimal(text, as: UInt8.self) }
    case .string: break
    }
    return tensor
  }
}

private func hexadecimal<T: FixedWidthInteger>(_ text: String, as: T.Type) -> T? {
  text.hasPrefix("0x") ? T(text.dropFirst(2), radix: 16) : nil
}

extension Float {
  /// Decimal, `nan`, `inf`, or the bits after `0x`.
  init?(graphText text: String) {
    if text.hasPrefix("0x") {
      guard let bits = hexadecimal(text, as: UInt32.self) else { return nil }
      self.init(bitPattern: bits)
    } else {
      self.init(text)
    }
  }
}
