import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The indices of the elements that are not zero, one column for each, in row-major order.
package struct NonZero: EagerExecutable {
  package static let schema = Schema("NonZero", since: 13, inputs: ["X: U"], outputs: ["Y: int64"], types: ["U": [.numbers, .complex, .bool, .string]])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func facts(_ context: FactContext) -> [Fact] { [Fact(.int64, [context[0].rank, nil])] }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    guard let tensor = try inputs.first??.asTensor() else { throw .invalidModel("input 'X' is missing") }
    var count = 0
    try forEachTrue(tensor, context) { _ in count &+= 1 }
    let shape = tensor.shape
    let output = try context.allocate(.int64, [shape.rank, count])
    let target = try output.mutableElements(as: Int64.self)
    let strides = shape.strides
    var column = 0
    try forEachTrue(tensor, context) { position in
      var rest = position
      for axis in strides.indices {
        let index = rest / strides[axis]
        rest &-= index &* strides[axis]
        target[axis &* count &+ column] = Int64(index)
      }
      column &+= 1
    }
    return [.tensor(output)]
  }
}

/// Calls `body` with the positions of the elements that are not zero, in order.
private func forEachTrue(_ tensor: Tensor, _ context: EagerContext, _ body: (Int) -> Void) throws(PinionError) {
  let piece = 1 << 14, width = tensor.element.byteWidth
  let convert = try conversion(from: tensor.element, to: .bool)
  try withUnsafeTemporaryFlags(piece) { (flags) throws(PinionError) in
    try inPieces(of: piece, tensor.count, context.control) { range in
      convert(tensor.data + range.lowerBound &* width, flags, range.count)
      for index in 0..<range.count where flags[index] != 0 { body(range.lowerBound &+ index) }
    }
  }
}

/// Calls `body` with memory for some bytes.
private func withUnsafeTemporaryFlags(
  _ count: Int, _ body: (UnsafeMutablePointer<UInt8>) throws(PinionError) -> Void
) throws(PinionError) {
  let flags = UnsafeMutablePointer<UInt8>.allocate(capacity: count)
  defer { flags.deallocate() }
  try body(flags)
}
