import PinionBase
import PinionGraph
import PinionOperators

/// A change around one node, whose operator names it.
protocol Rule: Sendable {
  /// The operators at which the rule looks.
  var anchors: [any Operator.Type] { get }

  /// Changes the graph around the node if the rule fits; the node makes the last value of the pattern.
  /// - Returns: whether it has changed anything.
  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool
}

/// Rules that are tried at every node, in the order of the nodes.
struct Rewriting: Sendable {
  private typealias Attempt = @Sendable (Int, inout GraphEditor, PassContext) throws(PinionError) -> Bool
  private let rules: [ObjectIdentifier: [Attempt]]

  /// Rules that make a node fit for another rule do so only a few times in a row.
  private static let repetitions = 8

  init(_ rules: [any Rule]) {
    var table: [ObjectIdentifier: [Attempt]] = [:]
    for rule in rules {
      let attempt: Attempt = { (index, editor, context) throws(PinionError) in try rule.apply(index, &editor, context) }
      for anchor in rule.anchors { table[ObjectIdentifier(anchor), default: []].append(attempt) }
    }
    self.rules = table
  }

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    try editor.edit { (editor) throws(PinionError) in
      let table = editor.operators.kinds.map { rules[ObjectIdentifier($0.type)] }
      guard zip(table, editor.operators.kinds).contains(where: { $0 != nil && $1.count > 0 }) else { return }
      for index in editor.indices {
        guard let number = editor.kindNumber(index) else { continue }
        try editor.visit(index)
        // A rule may have replaced the node by one of an operator that was not there when the sweep began.
        guard var candidates = number < table.count ? table[number] : rules(number, editor) else { continue }
        for _ in 0..<Rewriting.repetitions {
          guard try tryEach(candidates, index, &editor, context), let next = editor.kindNumber(index), let others = rules(next, editor) else { break }
          candidates = others
        }
      }
    }
  }

  private func rules(_ number: Int, _ editor: GraphEditor) -> [Attempt]? { rules[ObjectIdentifier(editor.operators[number].type)] }

  private func tryEach(_ candidates: [Attempt], _ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    for attempt in candidates where try attempt(index, &editor, context) { return true }
    return false
  }
}
