import PinionBase
import PinionImport

/// 64-bit FNV-1a.
struct Hash {
  private var value: UInt64 = 0xcbf2_9ce4_8422_2325

  mutating func add(_ bytes: some Sequence<UInt8>) {
    for byte in bytes { value = (value ^ UInt64(byte)) &* 0x100_0000_01b3 }
  }

  mutating func add<T: BitwiseCopyable>(littleEndian number: T) {
    withUnsafeBytes(of: number) { add($0) }
  }

  var text: String { hex(value, digits: 16) }
}

func hex(_ number: some FixedWidthInteger & UnsignedInteger, digits: Int) -> String {
  let text = String(number, radix: 16)
  return String(repeating: "0", count: digits - text.utf8.count) + text
}

func hashed(_ bytes: some Collection<UInt8>) -> String {
  var hash = Hash()
  hash.add(bytes)
  return "\(bytes.count):\(hash.text)"
}

func hashed(_ bytes: MappedBytes) -> String {
  withExtendedLifetime(bytes) { hashed(bytes.bytes) }
}

func hashedNumbers<T: BitwiseCopyable>(_ list: [T]) -> String {
  var hash = Hash()
  for number in list { hash.add(littleEndian: number) }
  return "\(list.count):\(hash.text)"
}

func hashedStrings(_ list: [MappedBytes]) -> String {
  var hash = Hash()
  for element in list {
    hash.add(littleEndian: UInt64(element.count))
    withExtendedLifetime(element) { hash.add(element.bytes) }
  }
  return "\(list.count):\(hash.text)"
}

func escaped(_ text: String) -> String {
  let plain = { (byte: UInt8) in
    byte > 0x20 && byte < 0x7f && byte != UInt8(ascii: "\\") && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: ",")
  }
  if text.utf8.allSatisfy(plain) { return text }
  var escaped = ""
  for byte in text.utf8 {
    if plain(byte) { escaped.unicodeScalars.append(Unicode.Scalar(byte)) } else { escaped += "\\x" + hex(byte, digits: 2) }
  }
  return escaped
}

func names(_ list: [String]) -> String { "[" + list.map(escaped).joined(separator: ",") + "]" }

func numbers(_ list: [Int64]) -> String { "[" + list.map { "\($0)" }.joined(separator: ",") + "]" }

func typeText(_ type: ONNXType) -> String {
  switch type {
  case .undefined: "undefined"
  case .tensor(let elementType, let shape): tensorType("tensor", elementType, shape)
  case .sparseTensor(let elementType, let shape): tensorType("sparse", elementType, shape)
  case .sequence(let element): "sequence(\(typeText(element)))"
  case .optional(let element): "optional(\(typeText(element)))"
  case .map(let keyType, let value): "map(\(keyType),\(typeText(value)))"
  case .opaque(let domain, let name): "opaque(\(escaped(domain)),\(escaped(name)))"
  }
}

private func tensorType(_ word: String, _ elementType: Int32, _ shape: [ONNXDimension]?) -> String {
  guard let shape else { return "\(word)(\(elementType))" }
  let dimensions = shape.map { dimension in
    switch dimension {
    case .value(let value): "\(value)"
    case .parameter(let name): "\"\(escaped(name))\""
    case .unknown: "?"
    }
  }
  return "\(word)(\(elementType),[\(dimensions.joined(separator: ","))])"
}
