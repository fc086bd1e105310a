import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// An operator on two operands that are broadcast against each other.
protocol PairwiseOperator: CPUExecutable {
  var alignment: OperandAlignment { get }
}

extension PairwiseOperator {
  public static func adapt(_ node: inout NodeDraft) throws(PinionError) { OperandAlignment.adapt(&node) }
}

/// A pairwise operator whose result has its operands' type.
protocol BinaryOperator: PairwiseOperator {
  var function: pk_binary_op { get }
}

extension BinaryOperator {
  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    try context.requireSameElementType([0, 1])
    return [TensorType(try context.type(0).element, try .broadcast(try alignment.shapes(context)))]
  }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try binaryKernel(function, try alignment.shapes(context.inference), context)
  }

  public func reusableInputs(_ context: KernelContext) -> [Int] { inputsLikeOutput([0, 1], context) }
}

/// A pairwise operator whose result is bool.
protocol CompareOperator: PairwiseOperator {
  var function: pk_compare_op { get }
}

extension CompareOperator {
  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    try context.requireSameElementType([0, 1])
    return [TensorType(.bool, try .broadcast(try alignment.shapes(context)))]
  }

  public func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try compareKernel(function, try alignment.shapes(context.inference), context)
  }
}

/// How the second operand lies along the first: by NumPy's rule or, before opset 7, from an axis on that the node names.
struct OperandAlignment {
  static let attribute = "broadcast_axis"
  let axis: Int64?

  init(_ attributes: inout AttributeReader) throws(PinionError) { axis = try attributes.optionalInt(OperandAlignment.attribute) }

  init(axis: Int64?) { self.axis = axis }

  static func adapt(_ node: inout NodeDraft) {
    guard node.opset < 7 else { return }
    node.attributes["consumed_inputs"] = nil
    let axis = node.attributes.removeValue(forKey: "axis")
    if case .int(let broadcast)? = node.attributes.removeValue(forKey: "broadcast"), broadcast != 0, let axis {
      node.attributes[attribute] = axis
    }
  }

  /// The operands' shapes, ready for broadcasting.
  func shapes(_ context: InferenceContext) throws(PinionError) -> [Shape] {
    let a = try context.type(0).shape, b = try context.type(1).shape
    guard let axis, b.rank < a.rank else { return [a, b] }
    let start = try a.normalized(axis: axis)
    guard start + b.rank <= a.rank else { throw .invalidShape("\(b) at axis \(start) does not lie within \(a)") }
    return [a, try Shape(b.dims + [Int](repeating: 1, count: a.rank - start - b.rank))]
  }
}
