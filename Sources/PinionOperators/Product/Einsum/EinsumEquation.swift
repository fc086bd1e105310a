import PinionBase
import PinionGraph
import PinionTensor

/// An Einstein summation as text: `ij,jk->ik`, with `...` for axes without names.
struct EinsumEquation {
  /// A named axis, or one that an ellipsis stands for, counted from its last backwards: -1, -2, ...
  typealias Label = Int

  private enum Symbol: Equatable {
    case letter(Label)
    case ellipsis
  }

  private let terms: [[Symbol]]
  private let result: [Symbol]?

  init(_ text: String) throws(PinionError) {
    let bytes = text.utf8.filter { $0 != UInt8(ascii: " ") }
    var sides: [ArraySlice<UInt8>] = []
    var start = 0, index = 0
    while index < bytes.count {
      if bytes[index] == UInt8(ascii: "-"), index + 1 < bytes.count, bytes[index + 1] == UInt8(ascii: ">") {
        sides.append(bytes[start..<index])
        start = index + 2
        index += 1
      }
      index += 1
    }
    sides.append(bytes[start...])
    guard sides.count <= 2 else { throw .invalidModel("equation '\(text)' has more than one arrow") }
    var terms: [[Symbol]] = []
    for term in sides[0].split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      terms.append(try EinsumEquation.symbols(term, text))
    }
    self.terms = terms
    result = sides.count == 2 ? try EinsumEquation.symbols(sides[1], text) : nil
    if let result {
      for (position, symbol) in result.enumerated() {
        if result[..<position].contains(symbol) { throw .invalidModel("equation '\(text)' repeats an axis of its result") }
        if case .letter = symbol, !terms.contains(where: { $0.contains(symbol) }) {
          throw .invalidModel("equation '\(text)' has an axis in its result that no operand has")
        }
      }
    }
  }

  private static func symbols(_ term: ArraySlice<UInt8>, _ text: String) throws(PinionError) -> [Symbol] {
    var symbols: [Symbol] = []
    var rest = term
    while let byte = rest.first {
      if byte == UInt8(ascii: "."), rest.prefix(3).elementsEqual("...".utf8), !symbols.contains(.ellipsis) {
        symbols.append(.ellipsis)
        rest.removeFirst(3)
      } else if (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) {
        symbols.append(.letter(Label(byte)))
        rest.removeFirst()
      } else {
        throw .invalidModel("equation '\(text)' has an unexpected '\(String(decoding: [byte], as: UTF8.self))'")
      }
    }
    return symbols
  }

  /// The labels of the operands' axes and of the result's, and each label's extent.
  func resolve(_ shapes: [Shape]) throws(PinionError) -> (operands: [[Label]], result: [Label], extents: [Label: Int]) {
    guard shapes.count == terms.count else {
      throw .invalidShape("the equation has \(terms.count) operands, the node \(shapes.count) inputs")
    }
    var operands: [[Label]] = []
    var extents: [Label: Int] = [:]
    var hidden = 0
    for (index, term) in terms.enumerated() {
      let shape = shapes[index]
      let named = term.reduce(0) { $0 + ($1 == .ellipsis ? 0 : 1) }
      guard term.contains(.ellipsis) ? named <= shape.rank : named == shape.rank else {
        throw .invalidShape("operand \(index) has shape \(shape), its term \(named) axes")
      }
      hidden = max(hidden, shape.rank - named)
      let labels = EinsumEquation.expand(term, hidden: shape.rank - named)
      for (axis, label) in labels.enumerated() {
        let known = extents[label] ?? 1
        guard known == 1 || shape[axis] == 1 || known == shape[axis] else {
          throw .invalidShape("operand \(index) has extent \(shape[axis]) at axis \(axis), another one \(known) for the same name")
        }
        extents[label] = known == 1 ? shape[axis] : known
      }
      operands.append(labels)
    }
    if let result { return (operands, EinsumEquation.expand(result, hidden: hidden), extents) }
    var counts: [Label: Int] = [:]
    for label in operands.joined() where label > 0 { counts[label, default: 0] += 1 }
    let single = counts.filter { $0.value == 1 }.keys.sorted()
    return (operands, EinsumEquation.expand([.ellipsis], hidden: hidden) + single, extents)
  }

  /// The extents of the result as far as they follow from what is known of the operands' extents.
  func resultDims(_ operands: [[Int?]?], _ symbols: Symbols) -> [Int?]? {
    guard operands.count == terms.count else { return nil }
    var extents: [Label: Int?] = [:], counts: [Label: Int] = [:]
    var hidden = 0
    for (term, dims) in zip(terms, operands) {
      let named = term.reduce(0) { $0 + ($1 == .ellipsis ? 0 : 1) }
      // An operand of unknown rank tells at least how many axes it names.
      guard let dims = dims ?? (named == term.count ? [Int?](repeating: nil, count: named) : nil), dims.count >= named else { return nil }
      hidden = max(hidden, dims.count - named)
      let labels = EinsumEquation.expand(term, hidden: dims.count - named)
      guard labels.count == dims.count else { return nil }
      for (label, extent) in zip(labels, dims) {
        extents[label] = extents[label].map { Fact.broadcast([[$0], [extent]], symbols)?[0] ?? nil } ?? .some(extent)
        counts[label, default: 0] += 1
      }
    }
    let single = counts.filter { $0.key > 0 && $0.value == 1 }.keys.sorted()
    let labels = result.map { EinsumEquation.expand($0, hidden: hidden) } ?? EinsumEquation.expand([.ellipsis], hidden: hidden) + single
    return labels.map { extents[$0] ?? 1 }
  }

  private static func expand(_ symbols: [Symbol], hidden: Int) -> [Label] {
    symbols.flatMap { symbol -> [Label] in
      switch symbol {
      case .letter(let label): [label]
      case .ellipsis: (0..<hidden).map { $0 - hidden }
      }
    }
  }
}
