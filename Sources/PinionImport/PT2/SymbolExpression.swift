/// A size's expression in sympy's notation: `Add(Symbol('s0', integer=True), Integer(1))`.
indirect enum SymbolExpression: Sendable, Equatable {
  case integer(Int64)
  case symbol(String)
  case sum([SymbolExpression])
  case product([SymbolExpression])
  case function(String, [SymbolExpression])

  static let depthLimit = 64
  static let sizeLimit = 1 << 16

  /// nil where the text is no such expression or goes beyond the limits.
  init?(_ text: String) {
    guard text.utf8.count <= SymbolExpression.sizeLimit else { return nil }
    var reader = Reader(text: Array(text.utf8))
    guard let expression = reader.expression(depth: 0), reader.position == reader.text.count else { return nil }
    self = expression
  }

  /// Short text (`s0+1`) that serves as a dimension's name: equal expressions have equal names.
  var name: String {
    switch self {
    case .integer(let value): "\(value)"
    case .symbol(let name): name
    case .sum(let terms): "(" + terms.map(\.name).joined(separator: "+") + ")"
    case .product(let factors): factors.map(\.name).joined(separator: "*")
    case .function("Pow", let operands): operands.map(\.name).joined(separator: "^")
    case .function(let word, let operands): word + "(" + operands.map(\.name).joined(separator: ",") + ")"
    }
  }

  static func name(of text: String) -> String? { SymbolExpression(text)?.name }

  var symbols: Set<String> {
    switch self {
    case .integer: []
    case .symbol(let name): [name]
    case .sum(let list), .product(let list), .function(_, let list): list.reduce(into: []) { $0.formUnion($1.symbols) }
    }
  }

  /// The number that this is where the symbols stand for these; nil where one is missing, a function is unknown, or a number too large.
  func value(_ symbols: (String) -> Int64?) -> Int64? {
    switch self {
    case .integer(let value): return value
    case .symbol(let name): return symbols(name)
    case .sum(let list):
      return SymbolExpression.fold(list, 0, symbols) { $0.addingReportingOverflow($1) }
    case .product(let list):
      return SymbolExpression.fold(list, 1, symbols) { $0.multipliedReportingOverflow(by: $1) }
    case .function(let word, let list):
      var operands: [Int64] = []
      for operand in list {
        guard let value = operand.value(symbols) else { return nil }
        operands.append(value)
      }
      return SymbolExpression.apply(word, operands)
    }
  }

  private static func fold(
    _ list: [SymbolExpression], _ start: Int64, _ symbols: (String) -> Int64?, _ step: (Int64, Int64) -> (partialValue: Int64, overflow: Bool)
  ) -> Int64? {
    var result = start
    for term in list {
      guard let value = term.value(symbols) else { return nil }
      let (next, isTooLarge) = step(result, value)
      guard !isTooLarge else { return nil }
      result = next
    }
    return result
  }

  private static func apply(_ word: String, _ operands: [Int64]) -> Int64? {
    switch word {
    case "Max": return operands.max()
    case "Min": return operands.min()
    default: break
    }
    guard operands.count == 2 else { return nil }
    let (a, b) = (operands[0], operands[1])
    switch word {
    case "FloorDiv", "CleanDiv", "Mod", "PythonMod":
      guard b != 0, !(a == .min && b == -1) else { return nil }
      let (quotient, rest) = a.quotientAndRemainder(dividingBy: b)
      let isBelow = rest != 0 && (rest < 0) != (b < 0)
      if word.hasSuffix("Div") { return isBelow ? quotient - 1 : quotient }
      return isBelow ? rest + b : rest
    case "Pow":
      guard b >= 0, b < 64 else { return nil }
      var result: Int64 = 1
      for _ in 0..<b {
        let (next, isTooLarge) = result.multipliedReportingOverflow(by: a)
        guard !isTooLarge else { return nil }
        result = next
      }
      return result
    default: return nil
    }
  }

  /// What the symbol must be for this to be `total`, where all others are known and this is linear in it; nil where there is no telling,
  /// and a nil inside where no integer does.
  func solution(for symbol: String, total: Int64, _ symbols: (String) -> Int64?) -> Int64?? {
    func at(_ value: Int64) -> Int64? { self.value { $0 == symbol ? value : symbols($0) } }
    guard isLinear(in: symbol), let base = at(0), let one = at(1) else { return nil }
    let (slope, isTooSteep) = one.subtractingReportingOverflow(base), (rest, isTooFar) = total.subtractingReportingOverflow(base)
    guard !isTooSteep, !isTooFar, slope != 0, slope != -1 || rest != .min else { return nil }
    return .some(rest % slope == 0 ? rest / slope : nil)
  }

  private func isLinear(in symbol: String) -> Bool {
    switch self {
    case .integer, .symbol: true
    case .sum(let list): list.allSatisfy { $0.isLinear(in: symbol) }
    case .product(let list): list.allSatisfy { $0.isLinear(in: symbol) } && list.count { $0.symbols.contains(symbol) } <= 1
    case .function: !symbols.contains(symbol)
    }
  }

  private struct Reader {
    let text: [UInt8]
    var position = 0

    mutating func expression(depth: Int) -> SymbolExpression? {
      guard depth < SymbolExpression.depthLimit else { return nil }
      let word = self.word()
      guard position < text.count, text[position] == UInt8(ascii: "(") else { return SymbolExpression(word: word) }
      position += 1
      if word == "Symbol" { return symbol() }
      var operands: [SymbolExpression] = []
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
      case "Integer": return operands.count == 1 ? operands[0] : nil
      case "Add": return .sum(operands)
      case "Mul": return .product(operands)
      default: return word.isEmpty ? nil : .function(word, operands)
      }
    }

    private mutating func word() -> String {
      let start = position
      let ends = [UInt8(ascii: "("), UInt8(ascii: ","), UInt8(ascii: ")")]
      while position < text.count, !ends.contains(text[position]) { position += 1 }
      return String(decoding: text[start..<position], as: UTF8.self)
    }

    /// `'s0', positive=True, integer=True)`
    private mutating func symbol() -> SymbolExpression? {
      let start = position
      while position < text.count, text[position] != UInt8(ascii: ")") { position += 1 }
      guard position < text.count else { return nil }
      let name = text[start..<position].prefix { $0 != UInt8(ascii: ",") }.filter { $0 != UInt8(ascii: "'") && $0 != UInt8(ascii: " ") }
      position += 1
      return name.isEmpty ? nil : .symbol(String(decoding: name, as: UTF8.self))
    }
  }

  /// A number or a name without parentheses.
  private init?(word: String) {
    guard !word.isEmpty else { return nil }
    self = Int64(word).map(SymbolExpression.integer) ?? .symbol(word)
  }
}
