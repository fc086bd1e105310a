import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The greatest of all inputs, elementwise with broadcasting; NaN if one is.
package struct Max: VariadicOperator {
  package static let schema = Schema("Max", since: 13, inputs: ["data_0...: T"], outputs: ["max: T"], types: ["T": .numbers])
  static var function: pk_binary_op { PK_BINARY_MAX }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The least of all inputs, elementwise with broadcasting; NaN if one is.
package struct Min: VariadicOperator {
  package static let schema = Schema("Min", since: 13, inputs: ["data_0...: T"], outputs: ["min: T"], types: ["T": .numbers])
  static var function: pk_binary_op { PK_BINARY_MIN }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The sum of all inputs, elementwise with broadcasting.
package struct Sum: VariadicOperator {
  package static let schema = Schema("Sum", since: 13, inputs: ["data_0...: T"], outputs: ["sum: T"], types: ["T": .numbers])
  static var function: pk_binary_op { PK_BINARY_ADD }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// The arithmetic mean of all inputs, elementwise with broadcasting.
package struct Mean: VariadicOperator {
  package static let schema = Schema("Mean", since: 13, inputs: ["data_0...: T"], outputs: ["mean: T"], types: ["T": .numbers])
  static var function: pk_binary_op { PK_BINARY_ADD }
  package static var computesHalfInFloat32: Bool { true }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let count = context.inference.inputs.count
    guard let type = try context.outputType(0).element.kernelType, let divide = pk_binary_kernel(pk_isa_best(), PK_BINARY_DIV, type)
    else { throw context.unsupportedTypes() }
    let flags = Int32(PK_B_SCALAR)
    switch type {
    case PK_F32:
      let divisor = Float(count)
      return try variadicKernel(PK_BINARY_ADD, context) { sums, count in
        withUnsafePointer(to: divisor) { divide(sums, $0, sums, count, flags) }
      }
    case PK_F64:
      let divisor = Double(count)
      return try variadicKernel(PK_BINARY_ADD, context) { sums, count in
        withUnsafePointer(to: divisor) { divide(sums, $0, sums, count, flags) }
      }
    default: throw context.unsupportedTypes()
    }
  }
}
