import PinionBase
import Testing

@Suite struct OneLineTests {
  @Test(arguments: [
    ("a name", "a name"), ("a\nb\r\nc", "a b c"), ("\u{1b}]0;title\u{7}x", "]0;titlex"), ("é\u{85}è\u{2028}ê", "é è ê"), ("tab\there\u{7f}\u{9b}", "tabhere"), ("", ""),
  ])
  func leavesOutWhatSteersATerminal(_ text: String, _ expected: String) { #expect(text.onOneLine == expected) }

  @Test func anErrorIsALineAProblem() {
    var error = PinionError.unsupported("two\nlines").at(node: "n\n1", operator: "a\u{1b}[2J", opset: 3)
    error.others = [PinionError.invalidModel("more\nlines"), PinionError.invalidModel("last")]
    #expect(error.description.split(separator: "\n", omittingEmptySubsequences: false).count == 3)
    #expect(!error.description.contains("\u{1b}"))
    #expect(error.message == "two\nlines")
  }
}
