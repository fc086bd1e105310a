import PinionBase
import PinionTensor

/// Numbers or strings as a person types them: `0.5`, `1,2,3`, `[[1,2],[3,4]]`, `hello`, `["a", "b, c"]`.
package struct Literal: Sendable, Equatable {
  /// The leaves, last axis fastest, as they were written.
  package private(set) var words: [String] = []
  /// The extents that the brackets show; nil for a list without brackets or a single word.
  package private(set) var dims: [Int]?

  private static let depthLimit = 32

  /// - Throws: `.invalidArgument` for unbalanced brackets and lists of different lengths.
  package init(_ text: String) throws(PinionError) {
    var scanner = Scanner(text)
    if scanner.peek == "[" {
      dims = try scanner.list(into: &words, depth: 0)
      guard scanner.peek == nil else { throw .invalidArgument("there is text after the last bracket in '\(text)'") }
    } else {
      repeat { words.append(try scanner.word()) } while scanner.accept(",")
      guard scanner.peek == nil else { throw .invalidArgument("'\(text)' is not a list of values") }
    }
  }

  /// Words separated by white space or commas, as a text file has them.
  package init(words text: String) {
    words = text.split { $0 == "," || $0.isWhitespace }.map(String.init)
  }

  /// The lines of a text file, one string each.
  package init(lines text: String) {
    words = text.split(separator: "\n", omittingEmptySubsequences: false).map { $0.hasSuffix("\r") ? String($0.dropLast()) : String($0) }
    if words.last == "" { words.removeLast() }
  }

  /// A string that is taken as it is.
  package init(verbatim text: String) { words = [text] }

  private struct Scanner {
    var rest: Substring
    let text: String

    init(_ text: String) {
      self.text = text
      rest = text[...]
    }

    var peek: Character? {
      mutating get {
        rest = rest.drop(while: \.isWhitespace)
        return rest.first
      }
    }

    mutating func accept(_ character: Character) -> Bool {
      guard peek == character else { return false }
      rest.removeFirst()
      return true
    }

    mutating func list(into words: inout [String], depth: Int) throws(PinionError) -> [Int] {
      guard depth < Literal.depthLimit else { throw .invalidArgument("brackets are nested too deeply") }
      guard accept("[") else { throw .invalidArgument("a list and a single value stand side by side in '\(text)'") }
      var count = 0
      var inner: [Int]?
      if accept("]") { return [0] }
      repeat {
        if peek == "[" {
          guard count == 0 || inner != nil else { throw .invalidArgument("a list and a single value stand side by side in '\(text)'") }
          let dims = try list(into: &words, depth: depth + 1)
          guard inner == nil || inner == dims else { throw .invalidArgument("the lists in '\(text)' have different lengths") }
          inner = dims
        } else {
          guard inner == nil else { throw .invalidArgument("a list and a single value stand side by side in '\(text)'") }
          words.append(try word())
        }
        count += 1
      } while accept(",")
      guard accept("]") else { throw .invalidArgument("a closing bracket is missing in '\(text)'") }
      return [count] + (inner ?? [])
    }

    mutating func word() throws(PinionError) -> String {
      if accept("\"") {
        var word = ""
        while let character = rest.popFirst() {
          if character == "\"" { return word }
          guard character == "\\" else {
            word.append(character)
            continue
          }
          guard let escaped = rest.popFirst() else { break }
          word.append(escaped == "n" ? "\n" : escaped == "t" ? "\t" : escaped)
        }
        throw .invalidArgument("a closing quote is missing in '\(text)'")
      }
      guard peek != nil else { throw .invalidArgument("a value is missing in '\(text)'") }
      let word = rest.prefix { $0 != "," && $0 != "]" && $0 != "[" }
      rest = rest[word.endIndex...]
      let trimmed = String(word.reversed().drop(while: \.isWhitespace).reversed())
      guard !trimmed.isEmpty else { throw .invalidArgument("a value is missing in '\(text)'") }
      return trimmed
    }
  }
}
