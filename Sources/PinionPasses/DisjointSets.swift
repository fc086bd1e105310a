/// Numbers in sets that grow together.
struct DisjointSets {
  private var parents: [Int]

  init(count: Int) { parents = Array(0..<count) }

  mutating func representative(of element: Int) -> Int {
    var element = element
    while parents[element] != element {
      parents[element] = parents[parents[element]]
      element = parents[element]
    }
    return element
  }

  mutating func unite(_ a: Int, _ b: Int) {
    let a = representative(of: a), b = representative(of: b)
    parents[max(a, b)] = min(a, b)
  }
}
