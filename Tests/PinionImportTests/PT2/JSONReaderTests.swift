import PinionBase
import Testing

@testable import PinionImport

@Suite struct JSONReaderTests {
  @Test func readsValues() throws {
    let json = try JSONReader.read(#" {"a": [1, -2, 0.5, 1e3, true, null, "x"], "b": {}} "#)
    let list = try json.member("a").asArray("a")
    #expect(try list[0].asInt("") == 1)
    #expect(try list[1].asInt("") == -2)
    #expect(try list[2].asFloat("") == 0.5)
    #expect(try list[3].asFloat("") == 1000)
    #expect(try list[4].asBool("") == true)
    #expect(try list[6].asString("") == "x")
    #expect(json["c"] == nil)
  }

  @Test func readsEscapes() throws {
    #expect(try JSONReader.read(#""a\"\\\/\n\u00e9\ud83d\ude00""#).asString("") == "a\"\\/\né😀")
  }

  @Test func readsTheEndsOfInt64() throws {
    #expect(try JSONReader.read("9223372036854775807").asInt("") == .max)
    #expect(try JSONReader.read("-9223372036854775808").asInt("") == .min)
    // One more is a number and no integer.
    #expect(try JSONReader.read("9223372036854775808").asFloat("") == 9223372036854775808)
    #expect(throws: PinionError.self) { try JSONReader.read("9223372036854775808").asInt("") }
  }

  @Test func readsNumbersThatJSONHasNoWordsFor() throws {
    #expect(try JSONReader.read("\"-Infinity\"").asFloat("") == -.infinity)
    #expect(try JSONReader.read("\"NaN\"").asFloat("").isNaN)
  }

  @Test(arguments: [
    "", " ", "{", "[", "[1", "[1,", "[1,]", "{\"a\"}", "{\"a\":}", "{\"a\":1,}", "{a:1}", "tru", "nul", "01", "-", "1.", "1e", "+1", ".5", "NaN", "\"",
    "\"\\", "\"\\x\"", "\"\\u12\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\ud800\\u0041\"", "\"\n\"", "1 2", "[] []",
  ])
  func refuses(text: String) {
    #expect(throws: PinionError.self) { try JSONReader.read(text) }
  }

  @Test func refusesTextThatIsNotUTF8() {
    let bytes: [UInt8] = [0x22, 0xff, 0x22]
    #expect(throws: PinionError.self) { try bytes.withUnsafeBytes { try JSONReader.read($0) } }
  }

  @Test func refusesDepth() throws {
    let deep = { (count: Int) in String(repeating: "[", count: count) + String(repeating: "]", count: count) }
    _ = try JSONReader.read(deep(JSONReader.depthLimit))
    #expect(throws: PinionError.self) { try JSONReader.read(deep(JSONReader.depthLimit + 1)) }
    #expect(throws: PinionError.self) { try JSONReader.read(deep(1_000_000)) }
  }
}
