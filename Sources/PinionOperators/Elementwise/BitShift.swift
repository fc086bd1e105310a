import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The bits of X shifted by Y places, elementwise with broadcasting; signed numbers keep their sign to the right.
package struct BitShift: BinaryOperator {
  enum Direction: String, CaseIterable {
    case left = "LEFT"
    case right = "RIGHT"
  }

  package static let schema = Schema("BitShift", since: 28, inputs: ["X: T", "Y: T"], outputs: ["Z: T"], types: ["T": .integers])
  let direction: Direction
  var function: pk_binary_op { direction == .left ? PK_BINARY_SHIFT_LEFT : PK_BINARY_SHIFT_RIGHT }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    guard attributes.has("direction") else { throw .invalidModel("attribute 'direction' is missing") }
    direction = try attributes.choice("direction", default: .left)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let element = try context.type(0).element
    let shapes = try context.inference.operandShapes()
    guard element.isSignedInteger else { return try binaryKernel(function, shapes, context) }
    switch element {
    case .int8: return try signedKernel(Int8.self, shapes, context)
    case .int16: return try signedKernel(Int16.self, shapes, context)
    case .int32: return try signedKernel(Int32.self, shapes, context)
    case .int64: return try signedKernel(Int64.self, shapes, context)
    default: throw context.unsupportedTypes()
    }
  }

  private func signedKernel<T: FixedWidthInteger & SignedInteger & BitwiseCopyable & Sendable>(
    _: T.Type, _ shapes: [Shape], _ context: KernelContext
  ) throws(PinionError) -> Kernel {
    let isLeft = direction == .left
    return try pairwiseKernel(shapes, width: MemoryLayout<T>.size, outputWidth: MemoryLayout<T>.size, context) { a, b, y, count, flags in
      let a = a.assumingMemoryBound(to: T.self), b = b.assumingMemoryBound(to: T.self), y = y.assumingMemoryBound(to: T.self)
      let aStep = flags & Int32(PK_A_SCALAR) == 0 ? 1 : 0, bStep = flags & Int32(PK_B_SCALAR) == 0 ? 1 : 0
      for index in 0..<count {
        let x = a[index &* aStep], places = b[index &* bStep]
        if places >= 0, Int(places) < T.bitWidth {
          y[index] = isLeft ? x &<< places : x &>> places
        } else {
          y[index] = !isLeft && x < 0 ? -1 : 0
        }
      }
    }
  }
}
