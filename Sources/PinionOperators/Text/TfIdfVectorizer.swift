import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Counts, for each row of tokens (strings or integers), the n-grams of a pool, optionally weighted.
package struct TfIdfVectorizer: CPUExecutable {
  package static let schema = Schema("TfIdfVectorizer", since: 9, inputs: ["X: indices|string"], outputs: ["Y: float32"])

  enum Mode: String, CaseIterable {
    case count = "TF"
    case presence = "IDF"
    case weightedCount = "TFIDF"
  }

  let mode: Mode
  let lengths: ClosedRange<Int>
  let longestStep: Int
  let pool: NGramPool
  let width: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    guard attributes.has("mode") else { throw .invalidModel("attribute 'mode' is missing") }
    mode = try attributes.choice("mode", default: .count)
    let shortest = try attributes.int("min_gram_length", in: 1...Int64(Int32.max))
    let longest = try attributes.int("max_gram_length", in: 1...Int64(Int32.max))
    guard shortest <= longest else { throw .invalidModel("'min_gram_length' is \(shortest), 'max_gram_length' \(longest)") }
    lengths = shortest...longest
    longestStep = try attributes.int("max_skip_count", in: 0...Int64(Int32.max)) + 1
    let indexes = try attributes.ints("ngram_indexes")
    var last = -1
    for index in indexes {
      guard index >= 0, index < Int64(Int32.max) else { throw .invalidModel("attribute 'ngram_indexes' has the entry \(index)") }
      last = max(last, Int(index))
    }
    width = last + 1
    let integers = try attributes.optionalInts("pool_int64s") ?? []
    let strings = try attributes.optionalStrings("pool_strings") ?? []
    guard integers.isEmpty || strings.isEmpty else { throw .invalidModel("'pool_int64s' and 'pool_strings' are both there") }
    pool = try NGramPool(
      tokens: strings.isEmpty ? try Tensor(vector: integers) : try Tensor(strings: strings, .vector(strings.count)),
      starts: try attributes.ints("ngram_counts"), columns: indexes.map { Int($0) },
      weights: try attributes.floats("weights", default: []), attributes.control)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rank: 1...2)
    let isPoolsKind = pool.element == .string ? type.element == .string : type.element == .int64 || type.element == .int32
    guard isPoolsKind else { throw .invalidShape("input 'X' is \(type), the pool holds \(pool.element)") }
    return [TensorType(.float32, try Shape(type.dims.dropLast() + [width]))]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(.float32, context[0].dims.map { $0.dropLast() + [width] })] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let columns = type.dims[type.rank - 1]
    let rows = type.rank == 1 ? 1 : type.dims[0]
    let number = try pool.numbering(type.element)
    let bytes = try columns.multiplied(by: MemoryLayout<Int32>.stride)
    let cost = columns &* lengths.count
    return .ranges(rows, grain: max(1, 4096 / max(cost, 1)), laneScratchBytes: bytes) { [self] (frame, range) throws(PinionError) in
      var poll = Poll(frame.control)
      let tokens = frame.laneScratch.assumingMemoryBound(to: Int32.self)
      for row in range {
        for column in 0..<columns {
          try poll.count(16)
          tokens[column] = number(frame.rawInput(0), row &* columns &+ column)
        }
        try count(tokens, columns, to: frame.output(0, as: Float.self) + row &* width, &poll)
      }
    }
  }

  private func count(_ tokens: UnsafePointer<Int32>, _ count: Int, to line: UnsafeMutablePointer<Float>, _ poll: inout Poll) throws(PinionError) {
    var cleared = 0
    while cleared < width {
      let piece = min(width &- cleared, 1 << 16)
      (line + cleared).update(repeating: 0, count: piece)
      try poll.count(piece / 8)
      cleared &+= piece
    }
    for step in 1...longestStep {
      // Grams of one token are the same with every step; longer ones do not fit once the step exceeds the row.
      guard step == 1 || (lengths.upperBound > 1 && step < count) else { break }
      for start in 0..<count {
        try poll.count(4)
        var node: Int32 = 0
        var position = start
        var length = 1
        while length <= lengths.upperBound, position < count {
          try poll.count(16)
          node = pool.child(of: node, tokens[position])
          guard node >= 0 else { break }
          if length >= lengths.lowerBound, length > 1 || step == 1 { add(pool.gram(at: node), to: line) }
          position &+= step
          length &+= 1
        }
      }
    }
  }

  private func add(_ gram: Int, to line: UnsafeMutablePointer<Float>) {
    guard gram >= 0 else { return }
    let column = pool.columns[gram]
    switch mode {
    case .count: line[column] += 1
    case .presence: line[column] = pool.weight(gram)
    case .weightedCount: line[column] += pool.weight(gram)
    }
  }
}
