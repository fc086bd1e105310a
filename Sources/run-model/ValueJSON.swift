import Pinion
import RunModelInputs

extension JSON {
  /// A value with all of its elements. What JSON has no number for are the strings "NaN", "Infinity" and "-Infinity"; complex numbers are pairs.
  init(_ value: Value) throws(PinionError) {
    switch value {
    case .tensor(let tensor):
      self = .object([
        ("kind", .text("tensor")), ("element", .text("\(tensor.element)")), ("dims", .list(tensor.shape.dims.map(JSON.integer))),
        ("data", .list(try JSON.elements(tensor))),
      ])
    case .sequence(let values, let element):
      var items: [JSON] = []
      for value in values { items.append(try JSON(value)) }
      self = .object([("kind", .text("sequence")), ("of", .text("\(element)")), ("values", .list(items))])
    case .map(let keys, let values):
      self = .object([
        ("kind", .text("map")), ("keys", .list(try JSON.elements(keys))), ("values", .list(try JSON.elements(values))),
      ])
    case .none(let type): self = .object([("kind", .text("none")), ("of", .text("\(type)"))])
    }
  }

  /// A number that may be infinite.
  static func bounded(_ value: Double) -> JSON { number(value, false) }

  /// Row-major.
  private static func elements(_ tensor: Tensor) throws(PinionError) -> [JSON] {
    switch tensor.element {
    case .string: return try tensor.strings().map(JSON.text)
    case .bool: return tensor.bytes.prefix(tensor.count).map { .flag($0 != 0) }
    case .complex64, .complex128:
      let numbers = try tensor.numbers()
      return stride(from: 0, to: numbers.count - 1, by: 2).map {
        .list([number(numbers[$0], tensor.element == .complex64), number(numbers[$0 + 1], tensor.element == .complex64)])
      }
    case _ where tensor.element.isInteger: return (0..<tensor.count).map { .verbatim(tensor.text(at: $0)) }
    default:
      let isShort = tensor.element != .float64
      return try tensor.numbers().map { number($0, isShort) }
    }
  }

  /// The shortest text that reads back as the same number; `isShort` for one that a float holds.
  private static func number(_ value: Double, _ isShort: Bool) -> JSON {
    guard value.isFinite else { return .text(value.isNaN ? "NaN" : value < 0 ? "-Infinity" : "Infinity") }
    return .verbatim(isShort ? "\(Float(value))" : "\(value)")
  }
}
