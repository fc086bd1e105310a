import PinionBase
import PinionTensor

/// N-grams as a tree over token numbers.
final class NGramPool: Sendable {
  let element: ElementType
  let columns: [Int]
  private let weights: [Float]
  /// The n-grams' tokens, strings or int64, one after the other.
  private let tokens: Tensor
  /// The number of a token is its place, `firsts` where it was met first.
  private let numbers: PlaceTable
  private let firsts: [Int32]
  /// An edge from a node by a token to the node that is one more than its place.
  private let children: PlaceTable
  private let edges: [UInt64]
  /// For each node the n-gram that ends there, or -1. The root is node 0.
  private let grams: [Int]

  /// - Parameters:
  ///   - tokens: the n-grams one after the other, first those of one token, then those of two ...
  ///   - starts: where those of each length begin.
  ///   - control: what waits for the pool.
  init(tokens: Tensor, starts: [Int64], columns: [Int], weights: [Float], _ control: RunControl) throws(PinionError) {
    guard tokens.count < 1 << 29 else { throw .unsupported("a pool of \(tokens.count) tokens") }
    element = tokens.element
    self.tokens = tokens
    self.columns = columns
    self.weights = weights
    var numbers = PlaceTable(capacity: tokens.count), firsts: [Int32] = []
    var children = PlaceTable(capacity: tokens.count), edges: [UInt64] = []
    firsts.reserveCapacity(tokens.count)
    edges.reserveCapacity(tokens.count)
    var grams = [-1]
    grams.reserveCapacity(tokens.count + 1)
    let isText = tokens.element == .string, data = UnsafeRawPointer(tokens.data)
    var gram = 0
    var poll = Poll(control)
    for (index, start) in starts.enumerated() {
      let length = index + 1
      let end = index + 1 < starts.count ? starts[index + 1] : Int64(tokens.count)
      guard start >= 0, start <= end, end <= Int64(tokens.count), (end - start) % Int64(length) == 0 else {
        throw .invalidModel("the \(length)-grams lie from \(start) to \(end) in a pool of \(tokens.count)")
      }
      for first in stride(from: Int(start), to: Int(end), by: length) {
        var node: Int32 = 0
        for place in first..<first + length {
          try poll.count(64)
          let (found, hash) =
            isText
            ? NGramPool.find(text(data, place), numbers, firsts, data) : NGramPool.find(integer(data, place), numbers, firsts, data)
          if found < 0 { firsts.append(Int32(truncatingIfNeeded: place)) }
          let number = found >= 0 ? found : Int32(truncatingIfNeeded: numbers.add(hash))
          let edge = NGramPool.edge(node, number), edgeHash = children.hash(edge)
          let child = children.place(edgeHash) { edges[$0] == edge }
          if child >= 0 {
            node = child &+ 1
          } else {
            edges.append(edge)
            node = Int32(truncatingIfNeeded: children.add(edgeHash)) &+ 1
            grams.append(-1)
          }
        }
        grams[Int(node)] = gram
        gram += 1
      }
    }
    guard gram == columns.count else { throw .invalidModel("the pool has \(gram) n-grams, 'ngram_indexes' \(columns.count) entries") }
    guard weights.isEmpty || weights.count == gram else { throw .invalidModel("\(weights.count) weights for \(gram) n-grams") }
    self.numbers = numbers
    self.firsts = firsts
    self.children = children
    self.edges = edges
    self.grams = grams
  }

  private static func edge(_ node: Int32, _ token: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: node)) << 32 | UInt64(UInt32(bitPattern: token))
  }

  @inline(__always)
  private static func find(
    _ token: StringElement, _ numbers: PlaceTable, _ firsts: [Int32], _ data: UnsafeRawPointer
  ) -> (number: Int32, hash: UInt64) {
    let hash = numbers.hash(token)
    return (numbers.place(hash) { text(data, Int(firsts[$0])) == token }, hash)
  }

  @inline(__always)
  private static func find(
    _ token: Int64, _ numbers: PlaceTable, _ firsts: [Int32], _ data: UnsafeRawPointer
  ) -> (number: Int32, hash: UInt64) {
    let hash = numbers.hash(UInt64(bitPattern: token))
    return (numbers.place(hash) { integer(data, Int(firsts[$0])) == token }, hash)
  }

  /// What gives the number of the token at an index of memory with elements of this type, -1 for one that the pool lacks.
  func numbering(_ element: ElementType) throws(PinionError) -> @Sendable (UnsafeRawPointer, Int) -> Int32 {
    switch element {
    case .string: return { [self] in NGramPool.find(text($0, $1), numbers, firsts, UnsafeRawPointer(tokens.data)).number }
    case .int64: return { [self] in NGramPool.find(integer($0, $1), numbers, firsts, UnsafeRawPointer(tokens.data)).number }
    case .int32: return { [self] in NGramPool.find(Int64($0.assumingMemoryBound(to: Int32.self)[$1]), numbers, firsts, UnsafeRawPointer(tokens.data)).number }
    default: throw .unsupported("tokens of type \(element)")
    }
  }

  /// The node that a token leads to, -1 for none.
  @inline(__always) func child(of node: Int32, _ token: Int32) -> Int32 {
    guard token >= 0 else { return -1 }
    let edge = NGramPool.edge(node, token), place = children.place(children.hash(edge)) { edges[$0] == edge }
    return place < 0 ? -1 : place &+ 1
  }

  func gram(at node: Int32) -> Int { grams[Int(node)] }
  func weight(_ gram: Int) -> Float { weights.isEmpty ? 1 : weights[gram] }
}

@inline(__always) private func text(_ data: UnsafeRawPointer, _ index: Int) -> StringElement {
  data.assumingMemoryBound(to: StringElement.self)[index]
}

@inline(__always) private func integer(_ data: UnsafeRawPointer, _ index: Int) -> Int64 { data.assumingMemoryBound(to: Int64.self)[index] }
