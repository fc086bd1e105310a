import PinionGraph

/// Numbers for the operators of one graph's nodes, so that a sweep asks a table and not a dictionary what a node is about, and leaves out
/// what no node is about.
struct OperatorKinds {
  /// An operator and what passes ask of it alone.
  struct Kind {
    let type: any Operator.Type
    let isDeterministic: Bool
    let readsShapes: Bool
    /// How many nodes have it.
    fileprivate(set) var count = 0
  }

  private(set) var kinds: [Kind] = []
  private var numbers: [ObjectIdentifier: Int] = [:]
  /// The operator asked for last: exporters write runs of one.
  private var latest = (type: ObjectIdentifier(Int.self), number: 0)

  subscript(number: Int) -> Kind { kinds[number] }

  /// The operator's number, for one node more.
  mutating func enter(_ type: any Operator.Type) -> Int {
    let id = ObjectIdentifier(type)
    if latest.type != id { latest = (id, numbers[id] ?? add(type, id)) }
    kinds[latest.number].count += 1
    return latest.number
  }

  /// Takes a node out of account.
  mutating func leave(_ number: Int) { kinds[number].count -= 1 }

  private mutating func add(_ type: any Operator.Type, _ id: ObjectIdentifier) -> Int {
    kinds.append(Kind(type: type, isDeterministic: type.isDeterministic, readsShapes: type.readsShapes))
    numbers[id] = kinds.count - 1
    return kinds.count - 1
  }

  /// How many nodes have the operator.
  func count(_ type: any Operator.Type) -> Int { numbers[ObjectIdentifier(type)].map { kinds[$0].count } ?? 0 }
}
