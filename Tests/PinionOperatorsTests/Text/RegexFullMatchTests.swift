import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct RegexFullMatchTests {
  private func matches(_ pattern: String, _ text: String) throws -> Bool {
    try elements(
      evaluate("RegexFullMatch", attributes: ["pattern": .string(pattern)], [Tensor(strings: [text], .vector(1))]), as: Bool.self)[0]
  }

  /// From RE2's page on its syntax.
  @Test(arguments: [
    ("a.c", "abc", true), ("a.c", "a\nc", false), ("(?s)a.c", "a\nc", true), ("[^a]", "b", true), ("[^a]", "a", false),
    ("\\d+\\.\\d*", "12.", true), ("\\D\\S\\W", "ab ", true), ("[[:alpha:]]+", "aZ", true), ("[[:^alpha:]]", "1", true),
    ("\\pL+", "äß", true), ("\\p{Lu}\\P{Lu}", "Aa", true), ("[\\p{Lu}\\d]+", "A1", true), ("(?:a|ab)(?:c|bcd)d*", "abcd", true),
    ("a{2,3}", "aaaa", false), ("a{2,}", "aaaa", true), ("a{2}", "aa", true), ("a{,3}", "a{,3}", true), ("(?P<name>x)y", "xy", true),
    ("(?i)straße", "STRAßE", true), ("(?i:a)b", "AB", false), ("\\Qa.b\\E+", "a.bb", true), ("\\x41\\x{e9}", "Aé", true),
    ("\\101", "A", true),
    ("\\bfoo\\b", "foo", true), ("a\\Bb", "ab", true), ("^a$", "a\n", false), ("(?m)a$\n^b", "a\nb", true), ("\\Aa\\z", "a", true),
    ("", "", true), ("a|b|", "", true), ("[]a]+", "]a", true), ("[a-c-]+", "b-", true), ("(a*)*b", "aab", true), ("(|a)+", "aa", true),
    ("x*?", "xxx", true),
  ])
  func follows(pattern: String, text: String, expected: Bool) throws {
    #expect(try matches(pattern, text) == expected)
  }

  @Test(arguments: [
    "(a", "a)", "[a", "a**", "*a", "\\1", "(?=a)a", "x{1001}", "[b-a]", "\\", "\\pX", "[[:no:]]", "a{2}{3}", "\\x{110000}", "(?z)",
  ])
  func rejects(pattern: String) {
    #expect(throws: PinionError.self) { try matches(pattern, "a") }
  }

  @Test func takesTimeInProportion() throws {
    #expect(try !matches("(a*)*(a*)*(a|a)*b", String(repeating: "a", count: 5000)))
    #expect(throws: PinionError.self) { try matches("((((a{100}){100}){100}){100}){100}", "a") }
    #expect(throws: PinionError.self) { try matches("(((){1000}){1000}){1000}", "a") }
    #expect(throws: PinionError.self) { try matches(String(repeating: "(", count: 100_000), "a") }
  }
}
