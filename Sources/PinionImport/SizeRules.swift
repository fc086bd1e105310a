import PinionBase
import PinionTensor

/// What a model says about the sizes of its inputs besides their names: expressions of symbols (`s0+1`), and the ranges of symbols.
///
/// A lower bound of 2 or less does not hold: tracers write it where they took a size for neither 0 nor 1, and these often do as well.
package struct SizeRules: Sendable {
  /// A size, or an integer input itself, that an expression tells.
  struct Place: Sendable {
    let input: Int
    let inputName: String
    /// nil for the input's value.
    let axis: Int?
    let expression: SymbolExpression
  }
  struct Range: Sendable {
    let low: Int64
    let high: Int64
  }

  private let places: [Place]
  private let ranges: [String: Range]
  package var isEmpty: Bool { places.isEmpty }
  /// Inputs whose value is a size.
  package let valueInputs: [Int]

  init(_ places: [Place], ranges: [String: Range]) {
    let isNumber: (Place) -> Bool = { if case .integer = $0.expression { true } else { false } }
    // Symbols first, then what can be solved for one of them.
    self.places = places.filter { !isNumber($0) }.enumerated().sorted {
      (weight($0.element.expression), $0.offset) < (weight($1.element.expression), $1.offset)
    }.map(\.element)
    self.ranges = ranges.filter { $0.value.low > 2 || $0.value.high < .max }
    valueInputs = places.filter { $0.axis == nil }.map(\.input)
  }

  /// - Parameters:
  ///   - shape: of each input; nil for one that is not given or not known.
  ///   - value: of an integer input.
  /// - Throws: `.invalidShape` that names the input, what was found and what is expected.
  package func check(shape: (Int) -> Shape?, value: (Int) -> Int64?) throws(PinionError) {
    var known: [(symbol: String, value: Int64, place: Place)] = []
    // Few symbols are found sooner in a list; a program may have one for each of very many inputs.
    var many: [String: Int64] = [:]
    func lookup(_ symbol: String) -> Int64? { many.isEmpty ? known.first { $0.symbol == symbol }?.value : many[symbol] }
    for place in places {
      let found: Int64
      if let axis = place.axis {
        guard let shape = shape(place.input), axis < shape.rank else { continue }
        found = Int64(shape[axis])
      } else {
        guard let number = value(place.input) else { continue }
        found = number
      }
      let open = place.expression.symbols.filter { lookup($0) == nil }
      if open.isEmpty {
        guard let expected = place.expression.value(lookup), expected != found else { continue }
        let reasons = known.filter { place.expression.symbols.contains($0.symbol) }.map { "\($0.symbol) is \($0.value) by \($0.place.label)" }
        throw .invalidShape("\(place.label) is \(found), expected \(place.expression.name) = \(expected), where \(reasons.joined(separator: ", "))")
      }
      guard open.count == 1, let symbol = open.first, let solution = place.expression.solution(for: symbol, total: found, lookup) else { continue }
      guard let number = solution else {
        throw .invalidShape("\(place.label) is \(found), expected \(place.expression.name) with a whole number \(symbol)")
      }
      if let range = ranges[symbol], range.low > 2 && number < range.low || number > range.high {
        let bounds = range.high == .max ? "\(range.low) or more" : range.low > 2 ? "\(range.low) to \(range.high)" : "at most \(range.high)"
        let what = place.expression == .symbol(symbol) ? "\(place.label) (\(symbol)) is \(found)" : "\(place.label) is \(found), so that \(symbol) is \(number)"
        throw .invalidShape("\(what), expected \(bounds)")
      }
      known.append((symbol, number, place))
      if known.count == 16 { for entry in known { many[entry.symbol] = entry.value } } else if known.count > 16 { many[symbol] = number }
    }
  }
}

private func weight(_ expression: SymbolExpression) -> Int { if case .symbol = expression { 0 } else { expression.symbols.count } }

extension SizeRules.Place {
  fileprivate var label: String { axis.map { "dimension \($0) of input '\(inputName)'" } ?? "input '\(inputName)'" }
}
