import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// Drops stop words and changes the case of what is left.
///
/// Letters change case one for one and without regard to a locale, as if it were "C" with UTF-8.
public struct StringNormalizer: ValueTyping {
  public static let schema = Schema("StringNormalizer", since: 10, inputs: ["X: string"], outputs: ["Y: string"])

  enum CaseChange: String, CaseIterable {
    case none = "NONE"
    case lower = "LOWER"
    case upper = "UPPER"
  }

  let caseChange: CaseChange
  let isCaseSensitive: Bool
  let stopwords: Set<[UInt8]>

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    caseChange = try attributes.choice("case_change_action", default: .none)
    isCaseSensitive = try attributes.bool("is_case_sensitive")
    attributes.ignore("locale")
    let words = try attributes.strings("stopwords", default: [])
    var stopwords: Set<[UInt8]> = []
    for word in words { stopwords.insert(isCaseSensitive ? Array(word.utf8) : StringNormalizer.change(word, to: .lower)) }
    self.stopwords = stopwords
  }

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] { [.tensor(.string, dims: inputs.first??.dims?.opened(axis: -1))] }

  public func facts(_ context: FactContext) -> [Fact] { [Fact(.string, context[0].rank.map { $0 == 1 ? [nil] : [1, nil] })] }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let (input, strings) = try requiredStrings(inputs, 0, "X")
    let rank = input.shape.rank
    guard rank == 1 || (rank == 2 && input.shape[0] == 1) else {
      throw .invalidShape("input 'X' is \(input.type), expected [C] or [1,C]")
    }
    var kept: [[UInt8]] = []
    for string in strings {
      try context.control.check()
      let bytes = Array(string.bytes)
      if !stopwords.isEmpty, stopwords.contains(isCaseSensitive ? bytes : StringNormalizer.change(string.string, to: .lower)) { continue }
      kept.append(caseChange == .none ? bytes : StringNormalizer.change(string.string, to: caseChange))
    }
    if kept.isEmpty { kept = [[]] }
    let shape = try Shape(rank == 1 ? [kept.count] : [1, kept.count])
    return [.tensor(try Tensor(utf8: kept, shape, allocator: context.allocator))]
  }

  private static func change(_ text: String, to form: CaseChange) -> [UInt8] {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars { result.append(form == .lower ? scalar.simpleLowercase : scalar.simpleUppercase) }
    return Array(String(result).utf8)
  }
}
