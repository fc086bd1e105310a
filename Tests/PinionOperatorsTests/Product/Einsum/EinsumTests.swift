import PinionGraph
import PinionTensor
import Testing

/// The sum over all indices, straight from the definition, for equations without ellipsis.
private func summation(_ equation: String, _ operands: [([Float], [Int])], _ extents: [Character: Int]) -> ([Float], [Int]) {
  let sides = equation.split(separator: ">", omittingEmptySubsequences: false)
  let terms = sides[0].dropLast().split(separator: ",", omittingEmptySubsequences: false).map(Array.init)
  let result = Array(sides[1])
  let names = Array(Set(terms.joined())).sorted()
  func position(_ term: [Character], _ index: [Character: Int]) -> Int { term.reduce(0) { $0 * (extents[$1] ?? 1) + (index[$1] ?? 0) } }
  var sums = [Float](repeating: 0, count: result.reduce(1) { $0 * (extents[$1] ?? 1) })
  for count in 0..<names.reduce(1, { $0 * (extents[$1] ?? 1) }) {
    var rest = count
    var index: [Character: Int] = [:]
    for name in names {
      index[name] = rest % (extents[name] ?? 1)
      rest /= extents[name] ?? 1
    }
    var product: Float = 1
    for (term, operand) in zip(terms, operands) { product *= operand.0[position(term, index)] }
    sums[position(result, index)] += product
  }
  return (sums, result.map { extents[$0] ?? 1 })
}

@Suite struct EinsumTests {
  @Test(arguments: [
    "ij,jk->ik", "ij,jk->ki", "ji,kj->ik", "bij,bjk->bik", "bshd,bthd->bhst", "bhst,bthd->bshd", "ij->ji", "ij->", "ii->i", "iij,jk->ki",
    "i,j->ij", "ij,ij->", "ij,ij->ij", "ij,jk,kb->ib", "bi,bj,bk->ijk", "ab,cd->", "i,->i", "bij,bkj->bki", "ijk,j->ik", "ij,kl,jl->ik",
  ])
  func againstTheDefinition(_ equation: String) throws {
    let extents: [Character: Int] = ["a": 2, "b": 3, "c": 2, "d": 4, "h": 2, "i": 3, "j": 5, "k": 4, "l": 2, "s": 6, "t": 7]
    let left = equation.split(separator: "-")[0]
    var operands: [([Float], [Int])] = []
    for (number, term) in left.split(separator: ",", omittingEmptySubsequences: false).enumerated() {
      let dims = term.map { extents[$0] ?? 1 }
      operands.append(((0..<dims.reduce(1, *)).map { Float(($0 * 7 + number * 3) % 11) - 5 }, dims))
    }
    let y = try evaluate("Einsum", attributes: ["equation": .string(equation)], operands.map { try tensor($0.0, $0.1) })
    let (elements, dims) = summation(equation, operands, extents)
    try expect(y, elements, dims)
  }

  /// Axes long enough that the planner rather multiplies many small matrices than copies an operand or the result.
  @Test(arguments: [
    "bhwc,hkc->bhwk", "bhwc,wkc->bhwk", "bhqd,hkd->bhqk", "ibnd,jbnd->ijbn", "ijbn,jbnd->ibnd", "btd,edh->bteh", "btd,edh->beht", "abc,cd,de->abe",
  ])
  func batchAxesInside(_ equation: String) throws {
    let extents: [Character: Int] = [
      "a": 9, "b": 2, "c": 5, "d": 6, "e": 3, "h": 10, "i": 9, "j": 11, "k": 9, "n": 3, "q": 9, "t": 8, "w": 9,
    ]
    let left = equation.split(separator: "-")[0]
    var operands: [([Float], [Int])] = []
    for (number, term) in left.split(separator: ",").enumerated() {
      let dims = term.map { extents[$0] ?? 1 }
      operands.append(((0..<dims.reduce(1, *)).map { Float(($0 * 7 + number * 3) % 11) - 5 }, dims))
    }
    let attributes: [String: AttributeValue] = ["equation": .string(equation)]
    let (elements, dims) = summation(equation, operands, extents)
    try expect(try evaluate("Einsum", attributes: attributes, operands.map { try tensor($0.0, $0.1) }), elements, dims)
    let doubles = try operands.map { try tensor($0.0.map(Double.init), $0.1) }
    try expect(try evaluate("Einsum", attributes: attributes, doubles), elements.map(Double.init), dims)
    let integers = try operands.map { try tensor($0.0.map { Int32($0) }, $0.1) }
    try expect(try evaluate("Einsum", attributes: attributes, integers), elements.map { Int32($0) }, dims)
    let bytes = try operands.map { try tensor($0.0.map { Int8($0) }, $0.1) }
    try expect(try evaluate("Einsum", attributes: attributes, bytes), elements.map { Int8(truncatingIfNeeded: Int($0)) }, dims)
  }

  @Test func ellipsisBroadcasts() throws {
    let a = try tensor((0..<12).map(Float.init), [2, 1, 2, 3]), b = try tensor([Float](repeating: 1, count: 6), [2, 3, 1])
    let y = try evaluate("Einsum", attributes: ["equation": .string("...ij,...jk->...ik")], [a, b])
    try expect(y, [3, 12, 3, 12, 21, 30, 21, 30] as [Float], [2, 2, 2, 1])
  }

  @Test func implicitResult() throws {
    let a = try tensor([1, 2, 3, 4] as [Int32], [2, 2])
    try expect(try evaluate("Einsum", attributes: ["equation": .string("ba")], [a]), [1, 3, 2, 4] as [Int32], [2, 2])
    try expect(try evaluate("Einsum", attributes: ["equation": .string("ii")], [a]), [5] as [Int32], [])
  }

  @Test func emptyAxes() throws {
    let a = try tensor([] as [Float], [2, 0]), b = try tensor([] as [Float], [0, 3])
    let y = try evaluate("Einsum", attributes: ["equation": .string("ij,jk->ik")], [a, b])
    try expect(y, [Float](repeating: 0, count: 6), [2, 3])
  }

  @Test(arguments: ["ij->k", "ij->ii", "i", "i-j", "ij,jk->ik", "i..j->i", "ij->i->j"]) func errors(_ equation: String) throws {
    #expect(throws: (any Error).self) {
      try evaluate("Einsum", attributes: ["equation": .string(equation)], [try tensor([1, 2, 3, 4] as [Float], [2, 2])])
    }
  }
}
