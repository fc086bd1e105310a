import PinionBase
import PinionGraph
import PinionTensor
import Testing

@Suite struct TextTests {
  private func strings(_ texts: [String], _ dims: [Int]? = nil) throws -> Tensor {
    try Tensor(strings: texts, Shape(dims ?? [texts.count]))
  }

  @Test func concatenatesWithBroadcasting() throws {
    let result = try evaluate("StringConcat", [strings(["a", "b"], [2, 1]), strings(["x", "é", ""])])
    #expect(result.shape.dims == [2, 3])
    #expect(try result.strings() == ["ax", "aé", "a", "bx", "bé", "b"])
  }

  // The examples of the specification.
  @Test func splits() throws {
    func split(_ attributes: [String: AttributeValue], _ texts: [String]) throws -> ([String], [Int], [Int64]) {
      let results = try evaluate("StringSplit", attributes: attributes, [.tensor(strings(texts))], outputCount: 2)
      return (try results[0].asTensor().strings(), try results[0].asTensor().shape.dims, try results[1].asTensor().integers())
    }
    #expect(try split(["delimiter": .string("."), "maxsplit": .int(1)], ["a.b.c", "d"]) == (["a", "b.c", "d", ""], [2, 2], [2, 1]))
    #expect(try split([:], ["  hello   world ", ""]) == (["hello", "world", "", ""], [2, 2], [2, 0]))
    #expect(try split(["delimiter": .string("--")], ["a----b"]) == (["a", "", "b"], [1, 3], [3]))
    #expect(try split(["maxsplit": .int(1)], [" a b  c "]) == (["a", "b  c"], [1, 2], [2]))
    #expect(try split([:], []) == ([], [0, 0], []))
  }

  @Test func normalizes() throws {
    func normalize(_ attributes: [String: AttributeValue], _ texts: [String], _ dims: [Int]? = nil) throws -> Tensor {
      try evaluate("StringNormalizer", attributes: attributes, [strings(texts, dims)])
    }
    let upper: [String: AttributeValue] = ["case_change_action": .string("UPPER"), "stopwords": .strings(["Monday"])]
    #expect(try normalize(upper, ["monday", "tuesday", "é"]).strings() == ["TUESDAY", "É"])
    #expect(
      try normalize(["is_case_sensitive": .int(1), "stopwords": .strings(["monday"])], ["Monday", "monday"]).strings() == ["Monday"])
    // Of the characters of one byte the 26 letters change, in a text of only these and beside others.
    let ascii = (UInt8(0)..<128).map { Character(Unicode.Scalar($0)) }
    let lower = String(ascii.map { ("A"..."Z").contains($0) ? Character($0.lowercased()) : $0 })
    let raised = String(ascii.map { ("a"..."z").contains($0) ? Character($0.uppercased()) : $0 })
    for (form, expected) in [("LOWER", lower), ("UPPER", raised)] {
      let changed = try normalize(["case_change_action": .string(form)], [String(ascii), String(ascii) + "ß"]).strings()
      #expect(changed == [expected, expected + "ß"])
    }
    let empty = try normalize(upper, ["monday", "MONDAY"], [1, 2])
    #expect(empty.shape.dims == [1, 1])
    #expect(try empty.strings() == [""])
    #expect(throws: PinionError.self) { try normalize(upper, ["a", "b"], [2, 1]) }
  }

  // The examples of the specification of TfIdfVectorizer, whose pool is [2, 3, 5, 4] and [5 6, 7 8, 6 7].
  @Test func countsNGrams() throws {
    func count(_ mode: String, shortest: Int64, skips: Int64, _ input: Tensor) throws -> Tensor {
      try evaluate(
        "TfIdfVectorizer",
        attributes: [
          "mode": .string(mode), "min_gram_length": .int(shortest), "max_gram_length": .int(2), "max_skip_count": .int(skips),
          "ngram_counts": .ints([0, 4]), "ngram_indexes": .ints([0, 1, 2, 3, 4, 5, 6]),
          "pool_int64s": .ints([2, 3, 5, 4, 5, 6, 7, 8, 6, 7]),
          "weights": .floats([1, 1, 1, 1, 2, 3, 4]),
        ], [input])
    }
    let line = try tensor([Int32(1), 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8], [12])
    try expect(try count("TF", shortest: 2, skips: 0, line), [Float(0), 0, 0, 0, 1, 1, 1], [7])
    try expect(try count("TF", shortest: 1, skips: 5, line), [Float(0), 3, 1, 0, 1, 3, 1], [7])
    try expect(try count("TFIDF", shortest: 1, skips: 5, line), [Float(0), 3, 1, 0, 2, 9, 4], [7])
    try expect(try count("IDF", shortest: 1, skips: 5, line), [Float(0), 1, 1, 0, 2, 3, 4], [7])
    let rows = try tensor([Int64(1), 1, 3, 3, 3, 7, 8, 6, 7, 5, 6, 8], [2, 6])
    try expect(try count("TF", shortest: 2, skips: 0, rows), [Float(0), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1], [2, 7])
  }

  /// A pool of 5,000 words and 4,999 pairs of neighbours; words differ in their last bytes only, or have no byte at all.
  @Test func largePools() throws {
    let words = [""] + (1..<5000).map { "a word of some length \($0)" }
    let pool = words + (1..<5000).flatMap { [words[$0 - 1], words[$0]] }
    let y = try evaluate(
      "TfIdfVectorizer",
      attributes: [
        "mode": .string("TF"), "min_gram_length": .int(1), "max_gram_length": .int(2), "max_skip_count": .int(0),
        "ngram_counts": .ints([0, 5000]), "ngram_indexes": .ints((0..<9999).map(Int64.init)), "pool_strings": .strings(pool),
      ], [try Tensor(strings: ["a word of some length 7", "a word of some length 8", "", "a word of some length 5000", "", words[1]], .vector(6))])
    var expected = [Float](repeating: 0, count: 9999)
    (expected[7], expected[8], expected[0], expected[1]) = (1, 1, 2, 1)
    // The pair that begins with word i has index 5000 + i.
    (expected[5007], expected[5000]) = (1, 1)
    try expect(y, expected, [9999])
  }

  @Test func tokenizes() throws {
    func tokenize(_ attributes: [String: AttributeValue], _ texts: [String]) throws -> Tensor {
      var all: [String: AttributeValue] = ["mark": .int(0), "pad_value": .string("#"), "mincharnum": .int(1)]
      all.merge(attributes) { $1 }
      return try evaluate("Tokenizer", domain: "com.microsoft", attributes: all, [strings(texts)])
    }
    let words = try tokenize(["tokenexp": .string("[a-z]+")], ["ab cd", "", "é e"])
    #expect(words.shape.dims == [3, 2])
    #expect(try words.strings() == ["ab", "cd", "#", "#", "e", "#"])
    #expect(try tokenize(["tokenexp": .string("a|ab|abc")], ["abcab"]).strings() == ["abc", "ab"])
    #expect(try tokenize(["separators": .strings([", ", ","]), "mincharnum": .int(2)], ["ab, c,de"]).strings() == ["ab", "de"])
    #expect(try tokenize(["separators": .strings([""]), "mark": .int(1)], ["aé"]).strings() == ["\u{2}", "a", "é", "\u{3}"])
    #expect(try tokenize(["tokenexp": .string("x")], ["a"]).shape.dims == [1, 0])
  }
}
