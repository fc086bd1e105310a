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
  private let rules: [ObjectIdentifier: [any Rule]]

  /// Rules that make a node fit for another rule do so only a few times in a row.
  private static let repetitions = 8

  init(_ rules: [any Rule]) {
    var table: [ObjectIdentifier: [any Rule]] = [:]
    for rule in rules {
      for anchor in rule.anchors { table[ObjectIdentifier(anchor), default: []].append(rule) }
    }
    self.rules = table
  }

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    try editor.edit { (editor) throws(PinionError) in
      for index in editor.indices where editor.isThere(index) {
        try editor.visit(index)
        for _ in 0..<Rewriting.repetitions {
          guard editor.isThere(index), try applyOne(index, &editor, context) else { break }
        }
      }
    }
  }

  private func applyOne(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let kind = editor.kind(index), let candidates = rules[ObjectIdentifier(kind)] else { return false }
    for rule in candidates where try rule.apply(index, &editor, context) { return true }
    return false
  }
}
