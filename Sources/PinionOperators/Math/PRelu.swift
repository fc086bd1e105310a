import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// x from 0 on, slope * x below, elementwise; the slope is broadcast to X.
public struct PRelu: BinaryOperator {
  public static let schema = Schema("PRelu", since: 16, inputs: ["X: T", "slope: T"], outputs: ["Y: T"], types: ["T": .numbers])
  var function: pk_binary_op { PK_BINARY_PRELU }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {}

  /// Before opset 7 the slopes were those of the channels, axis 1.
  public static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    guard node.opset < 7 else { return }
    node.attributes["consumed_inputs"] = nil
    AlignAxes.align(&node, at: 1)
  }

  private func shapes(_ context: InferenceContext) throws(PinionError) -> [Shape] {
    let x = try context.type(0).shape, slope = try context.type(1).shape
    return slope.count == 1 && slope.rank <= x.rank ? [x, .scalar] : [x, slope]
  }

  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    guard try Shape.broadcast(try shapes(context)) == type.shape else {
      throw .invalidShape("slope \(try context.type(1)) cannot be broadcast to \(type)")
    }
    return [type]
  }

  public func facts(_ context: FactContext) -> [Fact] { [context.like(0)] }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try binaryKernel(function, try shapes(context.inference), context)
  }
}
