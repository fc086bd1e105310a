import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// x times the normal distribution's cumulative function at x, elementwise; exact or by the tanh formula.
package struct Gelu: UnaryOperator {
  package enum Approximation: String, CaseIterable {
    case none, tanh
  }

  package static let schema = Schema("Gelu", since: 20, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  package let approximation: Approximation
  var function: pk_unary_op { approximation == .tanh ? PK_UNARY_GELU_TANH : PK_UNARY_GELU_ERF }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    approximation = try attributes.choice("approximate", default: .none)
  }
}

/// Gelu before it became part of ONNX: the exact form.
package struct MicrosoftGelu: UnaryOperator {
  package static let schema = Schema("Gelu", domain: "com.microsoft", since: 1, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_GELU_ERF }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// x / (1 + exp(-alpha * x)), elementwise.
package struct QuickGelu: UnaryOperator {
  package static let schema = Schema("QuickGelu", domain: "com.microsoft", since: 1, inputs: ["X: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_SWISH }
  let alpha: Float
  var parameters: pk_params { pk_params(Double(alpha)) }

  package init(_ attributes: inout AttributeReader) throws(PinionError) { alpha = try attributes.float("alpha", default: 1.702) }
}

/// Gelu of A + B, where B is a vector along the last axis of A.
package struct BiasGelu: BiasedActivation {
  package static let schema = Schema("BiasGelu", domain: "com.microsoft", since: 1, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_GELU_ERF }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// Gelu by the tanh formula of X plus an optional bias along its last axis.
package struct FastGelu: BiasedActivation {
  package static let schema = Schema(
    "FastGelu", domain: "com.microsoft", since: 1, inputs: ["X: T", "bias?: T"], outputs: ["Y: T"], types: ["T": .floats])
  var function: pk_unary_op { PK_UNARY_GELU_TANH }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// A function of an input plus a vector along its last axis.
protocol BiasedActivation: CPUExecutable, LikeFirstInput {
  var function: pk_unary_op { get }
}

extension BiasedActivation {
  package static var computesHalfInFloat32: Bool { true }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    if let bias = context.optionalType(1) {
      guard bias.rank == 1, type.dims.last == bias.count else { throw .invalidShape("bias \(bias) does not fit the last axis of \(type)") }
    }
    return [type]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    guard let bias = context.optionalType(1) else { return try unaryKernel(function, pk_params(), context) }
    let type = try context.type(0)
    guard let kernelType = type.element.kernelType, let add = pk_binary_kernel(pk_isa_best(), PK_BINARY_ADD, kernelType),
      let activate = pk_unary_kernel(pk_isa_best(), function, kernelType)
    else { throw context.unsupportedTypes() }
    return try pairwiseKernel(
      [type.shape, bias.shape], width: type.element.byteWidth, outputWidth: type.element.byteWidth, context
    ) { a, b, y, count, flags in
      add(a, b, y, count, flags)
      activate(y, y, count, nil)
    }
  }

  package func outputMemory(_ context: KernelContext) -> [OutputMemory] { [.over(inputs: [0])] }
}
