import PinionTensor

extension Recipe {
  static let strings: [Recipe] = [
    Recipe("StringConcat", "StringSplit", "RegexFullMatch", from: 20, weight: 4) { g in
      guard let x = g.tensor([.string], ranks: 0...3) else { return }
      switch g.random.below(3) {
      case 0: if let y = g.partner(of: x) { g.node("StringConcat", [x, y]) }
      case 1: g.node("StringSplit", [x], outputs: 2, [("delimiter", .string(g.random.pick([" ", ",", ""])))])
      default: g.node("RegexFullMatch", [x], [("pattern", .string(g.random.pick(["[a-b]+", ".*b", "", "-?[0-9]+"])))])
      }
    },
    Recipe("StringNormalizer", from: 10, weight: 2) { g in
      guard let x = g.tensor([.string], ranks: 1...1) else { return }
      g.node("StringNormalizer", [x], [("case_change_action", .string(g.random.pick(["LOWER", "UPPER", "NONE"]))), ("is_case_sensitive", .int(1))]
        + (g.random.chance(0.5) ? [("stopwords", .strings(["a", "12"]))] : []))
    },
    Recipe("Cast", from: 9, weight: 2) { g in
      guard let x = g.tensor([.int32, .int64, .bool, .float32], .plain) else { return }
      g.node("Cast", [x], [("to", .int(8))])
    },
    Recipe("TfIdfVectorizer", from: 9, weight: 1) { g in
      guard let x = g.new(.int64, [g.random.int(1...3), g.random.int(2...6)], .ties) else { return }
      g.node("TfIdfVectorizer", [x], [
        ("mode", .string(g.random.pick(["TF", "IDF", "TFIDF"]))), ("min_gram_length", .int(1)), ("max_gram_length", .int(2)), ("max_skip_count", .int(g.random.below(2))),
        ("ngram_counts", .ints([0, 3])), ("ngram_indexes", .ints([0, 1, 2, 3, 4])), ("pool_int64s", .ints([1, 2, 3, 1, 2, 4, 5])), ("weights", .floats([1, 2, 0.5, 1, 3])),
      ])
    },
    Recipe("com.microsoft::Tokenizer", weight: 1) { g in
      guard let x = g.tensor([.string], ranks: 1...2) else { return }
      g.node("Tokenizer", [x], [("mark", .int(g.random.below(2))), ("mincharnum", .int(1)), ("pad_value", .string("#")), ("separators", .strings([" "]))], domain: "com.microsoft")
    },
  ]
}
