import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Joins strings elementwise, with broadcasting.
package struct StringConcat: EagerExecutable {
  package static let schema = Schema("StringConcat", since: 20, inputs: ["X: string", "Y: string"], outputs: ["Z: string"])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func facts(_ context: FactContext) -> [Fact] { [Fact(.string, context.broadcast())] }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let (x, heads) = try requiredStrings(inputs, 0, "X")
    let (y, tails) = try requiredStrings(inputs, 1, "Y")
    let shape = try Shape.broadcast([x.shape, y.shape])
    let broadcast = Broadcast([x.shape, y.shape], to: shape)
    func pairs(_ body: (StringElement, StringElement) throws(PinionError) -> Void) throws(PinionError) {
      for row in 0..<broadcast.rows {
        let head = broadcast.offset(operand: 0, row: row), tail = broadcast.offset(operand: 1, row: row)
        for index in 0..<broadcast.rowCount {
          try body(heads[head + (broadcast.walks[0] ? index : 0)], tails[tail + (broadcast.walks[1] ? index : 0)])
        }
      }
    }
    var bytes = 0
    var poll = Poll(context.control)
    try pairs { (head, tail) throws(PinionError) in
      try poll.count()
      bytes = try bytes.adding(head.count).adding(tail.count)
    }
    var strings = try context.strings(count: shape.count, bytes: bytes)
    try pairs { (head, tail) throws(PinionError) in
      try strings.write(head.bytes)
      try strings.append(tail.bytes)
    }
    return [.tensor(try strings.tensor(shape))]
  }
}
