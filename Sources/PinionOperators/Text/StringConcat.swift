import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Joins strings elementwise, with broadcasting.
public struct StringConcat: ValueTyping {
  public static let schema = Schema("StringConcat", since: 20, inputs: ["X: string", "Y: string"], outputs: ["Z: string"])
  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  public func facts(_ context: FactContext) -> [Fact] { [Fact(.string, context.broadcast())] }

  public func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    guard inputs.count > 1, let x = inputs[0]?.dims, let y = inputs[1]?.dims else { return [.tensor(.string, dims: nil)] }
    let rank = max(x.count, y.count)
    let pairs = zip([Dimension](repeating: .known(1), count: rank - x.count) + x, [Dimension](repeating: .known(1), count: rank - y.count) + y)
    return [.tensor(.string, dims: pairs.map { $0 == .known(1) ? $1 : $1 == .known(1) || $0 == $1 ? $0 : .unknown })]
  }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let (x, heads) = try requiredStrings(inputs, 0, "X")
    let (y, tails) = try requiredStrings(inputs, 1, "Y")
    let shape = try Shape.broadcast([x.shape, y.shape])
    let broadcast = Broadcast([x.shape, y.shape], to: shape)
    var strings: [[UInt8]] = []
    strings.reserveCapacity(shape.count)
    for row in 0..<broadcast.rows {
      try context.control.check()
      let head = broadcast.offset(operand: 0, row: row), tail = broadcast.offset(operand: 1, row: row)
      for index in 0..<broadcast.rowCount {
        strings.append(
          heads[head + (broadcast.walks[0] ? index : 0)].bytes + Array(tails[tail + (broadcast.walks[1] ? index : 0)].bytes))
      }
    }
    return [.tensor(try Tensor(utf8: strings, shape, allocator: context.allocator))]
  }
}
