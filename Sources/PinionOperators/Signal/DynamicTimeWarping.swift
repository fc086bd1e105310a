import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// com.microsoft's DynamicTimeWarping: the cheapest path through a matrix of costs from its first element to its last one.
package struct DynamicTimeWarping: EagerExecutable {
  package static let schema = Schema("DynamicTimeWarping", domain: "com.microsoft", since: 1, inputs: ["input: float32"], outputs: ["output: int32"])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func facts(_ context: FactContext) -> [Fact] { [Fact(.int32, [2, nil])] }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    guard let costs = try inputs.first??.asTensor() else { throw .invalidModel("input 'input' is missing") }
    let dims = costs.shape.dims
    guard dims.count == 2 || (dims.count == 3 && dims[0] == 1), dims.suffix(2).allSatisfy({ $0 > 0 && $0 <= Int(Int32.max) }) else {
      throw .invalidShape("input 'input' is \(costs.type), expected a matrix, or one in a batch")
    }
    let rows = dims[dims.count - 2], columns = dims[dims.count - 1]
    let source = try costs.unsafeElements(as: Float.self)
    var poll = Poll(context.control)
    // The cost of the way to each element, of the last row and of this one, with an edge that no way crosses, and the step to each element.
    let above: RunTable<Float> = try context.table(repeating: .infinity, count: columns &+ 1)
    let steps: RunTable<UInt8> = try context.table(repeating: 0, count: try rows.multiplied(by: columns))
    above[0] = 0
    for row in 0..<rows {
      var corner = above[0], left = Float.infinity
      above[0] = .infinity
      for column in 0..<columns {
        try poll.count(4)
        let up = above[column &+ 1]
        // Straight on only where that is less than both others, and along the row where none is least.
        let (least, step): (Float, UInt8) = corner < up && corner < left ? (corner, 0) : up < corner && up < left ? (up, 1) : (left, 2)
        corner = up
        left = source[row &* columns &+ column] + least
        above[column &+ 1] = left
        steps[row &* columns &+ column] = step
      }
    }
    let path: RunTable<Int32> = try context.table(capacity: 2 &* (rows &+ columns))
    var length = 0
    var (row, column) = (rows &- 1, columns &- 1)
    while row >= 0, column >= 0 {
      try poll.count()
      path.base[2 &* length] = Int32(truncatingIfNeeded: row)
      path.base[2 &* length &+ 1] = Int32(truncatingIfNeeded: column)
      length &+= 1
      // Along the edges there is one way only.
      let step = row == 0 && column == 0 ? 0 : row == 0 ? 2 : column == 0 ? 1 : steps[row &* columns &+ column]
      if step < 2 { row &-= 1 }
      if step != 1 { column &-= 1 }
    }
    let output = try context.allocate(.int32, [2, length])
    let target = try output.mutableElements(as: Int32.self)
    for index in 0..<length {
      try poll.count()
      target[index] = path.base[2 &* (length &- 1 &- index)]
      target[length &+ index] = path.base[2 &* (length &- 1 &- index) &+ 1]
    }
    return [.tensor(output)]
  }
}
