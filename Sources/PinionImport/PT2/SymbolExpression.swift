import PinionBase

/// A size's expression in sympy's notation (`Add(Symbol('s0', integer=True), Integer(1))`), read into short text (`s0+1`) that
/// serves as the dimension's name: equal expressions have equal names.
struct SymbolExpression {
  static let depthLimit = 64
  static let sizeLimit = 1 << 16

  private let text: [UInt8]
  private var position = 0

  /// nil where the text is no such expression or goes beyond the limits.
  static func name(of expression: String) -> String? {
    guard expression.utf8.count <= sizeLimit else { return nil }
    var reader = SymbolExpression(text: Array(expression.utf8))
    guard let name = reader.expression(depth: 0), reader.position == reader.text.count else { return nil }
    return name
  }

  private init(text: [UInt8]) { self.text = text }

  private mutating func expression(depth: Int) -> String? {
    guard depth < SymbolExpression.depthLimit else { return nil }
    let start = position
    while position < text.count, text[position] != UInt8(ascii: "("), text[position] != UInt8(ascii: ","), text[position] != UInt8(ascii: ")") {
      position += 1
    }
    let word = String(decoding: text[start..<position], as: UTF8.self)
    guard position < text.count, text[position] == UInt8(ascii: "(") else { return word.isEmpty ? nil : word }
    position += 1
    var operands: [String] = []
    while true {
      while position < text.count, text[position] == UInt8(ascii: " ") { position += 1 }
      guard let operand = expression(depth: depth + 1) else { return nil }
      operands.append(operand)
      guard position < text.count else { return nil }
      position += 1
      if text[position - 1] == UInt8(ascii: ")") { break }
      guard text[position - 1] == UInt8(ascii: ",") else { return nil }
    }
    switch word {
    case "Symbol": return operands[0].filter { $0 != "'" }
    case "Integer": return operands[0]
    case "Add": return "(" + operands.joined(separator: "+") + ")"
    case "Mul": return operands.joined(separator: "*")
    case "Pow": return operands.joined(separator: "^")
    default: return word + "(" + operands.joined(separator: ",") + ")"
    }
  }
}
