import Glibc
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A matrix of the input's shape with ones on diagonal `k` and zeros elsewhere.
package struct EyeLike: CPUExecutable {
  package static let schema = Schema("EyeLike", since: 22, inputs: ["input: all"], outputs: ["output: numbers|bool"])
  let element: ElementType?
  let diagonal: Int

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.optionalElementType("dtype")
    // Beyond any extent, all diagonals are as empty as the nearest of them.
    diagonal = Int(min(max(try attributes.int("k", default: 0), -1 << 46), 1 << 46))
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0, rank: 2)
    return [TensorType(element ?? type.element, type.shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [context.like(0, element: element)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.outputType(0)
    guard type.element != .string, type.element != .complex64, type.element != .complex128 else { throw context.unsupportedTypes() }
    let one = try type.element.bytes(of: 1)
    let width = type.element.byteWidth
    let columns = type.dims[1]
    let diagonal = diagonal
    return .ranges(type.dims[0], grain: max(elementwiseGrain / max(columns, 1), 1)) { frame, rows in
      for row in rows {
        let target = frame.rawOutput(0) + row &* columns &* width
        memset(target, 0, columns &* width)
        let column = row &+ diagonal
        guard column >= 0, column < columns else { continue }
        withUnsafeBytes(of: one) { bytes in
          if let base = bytes.baseAddress { (target + column &* width).copyMemory(from: base, byteCount: width) }
        }
      }
    }
  }
}
