import RunModelInputs

/// A JSON document being made; objects keep the order of their entries.
enum JSON {
  case null
  case flag(Bool)
  case integer(Int)
  case number(Double)
  case text(String)
  /// Text that is JSON already, such as a number that neither Int nor Double holds.
  case verbatim(String)
  case list([JSON])
  case object([(String, JSON)])

  /// On several lines, objects and lists of plain values on one.
  func text(indent: String = "") -> String {
    switch self {
    case .null: return "null"
    case .flag(let value): return value ? "true" : "false"
    case .integer(let value): return String(value)
    case .number(let value): return value.isFinite ? "\(value)" : "null"
    case .text(let value): return JSON.quoted(value)
    case .verbatim(let value): return value
    case .list(let items): return JSON.block("[", items.map { ("", $0) }, "]", indent)
    case .object(let entries): return JSON.block("{", entries.map { (JSON.quoted($0.0) + ": ", $0.1) }, "}", indent)
    }
  }

  private static func block(_ open: String, _ items: [(lead: String, item: JSON)], _ close: String, _ indent: String) -> String {
    guard items.contains(where: { $0.item.isNested }) else {
      return open + items.map { $0.lead + $0.item.text() }.joined(separator: ", ") + close
    }
    let inner = indent + "  "
    return open + "\n" + items.map { inner + $0.lead + $0.item.text(indent: inner) }.joined(separator: ",\n") + "\n" + indent + close
  }

  private var isNested: Bool {
    switch self {
    case .list(let items): items.contains { $0.isNested } || items.count > 8
    case .object: true
    default: false
    }
  }

  static func quoted(_ text: String) -> String {
    var result = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"", "\\": result += "\\" + String(scalar)
      case _ where scalar.value < 32 || scalar.value == 127:
        let digits = String(scalar.value, radix: 16)
        result += "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result + "\""
  }
}
