import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// x + bias below -lambd, x - bias above lambd, 0 between, elementwise.
public struct Shrink: UnaryOperator {
  public static let schema = Schema("Shrink", since: 9, inputs: ["input: T"], outputs: ["output: T"], types: ["T": .numbers])
  var function: pk_unary_op { PK_UNARY_SHRINK }
  let lambd: Float
  let bias: Float
  var parameters: pk_params { pk_params(Double(lambd), Double(bias)) }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    lambd = try attributes.float("lambd", default: 0.5)
    bias = try attributes.float("bias", default: 0)
  }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    guard type.element.isInteger else { return try unaryKernel(function, parameters, context) }
    return try unaryKernel(function, parameters, through: .float64, context)
  }
}
