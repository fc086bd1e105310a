import PinionBase
import PinionGraph
import PinionTensor

/// What an operator may ask while its kernel for fixed shapes is made.
public struct KernelContext {
  public let inference: InferenceContext
  /// The types of the outputs that the node names. One that nobody reads has memory as well.
  public let outputs: [TensorType]
  /// How many tasks may run at the same time.
  public let threads: Int
  let packed: PackedWeights

  public init(inference: InferenceContext, outputs: [TensorType], threads: Int, packed: PackedWeights) {
    self.inference = inference
    self.outputs = outputs
    self.threads = threads
    self.packed = packed
  }

  public func has(_ index: Int) -> Bool { inference.has(index) }
  public func type(_ index: Int) throws(PinionError) -> TensorType { try inference.type(index) }
  public func optionalType(_ index: Int) -> TensorType? { inference.optionalType(index) }
  /// The input's value where it never changes; it stays in memory as long as the kernel.
  public func value(_ index: Int) -> Tensor? { inference.value(index) }

  public func outputType(_ index: Int) throws(PinionError) -> TensorType {
    guard index < outputs.count else { throw .internal("output \(index) is not computed") }
    return outputs[index]
  }

  /// Whether the node names the output.
  public func wants(output index: Int) -> Bool { index < outputs.count }

  /// A form of a constant, made once and shared by every plan and session of the model. A kernel that reads nothing else of the
  /// constant says so in `Kernel.unreadInputs`, so that the elements need not stay in memory beside the form.
  /// - Parameters:
  ///   - form: says, with the constant itself, what the memory holds, e.g. `"sgemm.b.transposed"`.
  ///   - bytes: its size.
  ///   - fill: makes the form of the elements.
  public func packed(_ constant: Tensor, form: String, bytes: Int, _ fill: Constant.Fill) throws(PinionError) -> Buffer {
    try packed.buffer(constant, form: form, bytes: bytes, fill)
  }

  /// The context under other types, for a kernel that runs another one inside.
  public func with(inputs: [TensorType?], values: [Tensor?], outputs: [TensorType], schema: Schema) -> KernelContext {
    KernelContext(
      inference: InferenceContext(schema: schema, inputs: inputs, values: values, outputCount: outputs.count), outputs: outputs,
      threads: threads, packed: packed)
  }

  /// The error for element types that the operator's kernel does not run.
  public func unsupportedTypes() -> PinionError {
    .unsupported(
      "no kernel for inputs " + inference.inputs.map { $0.map(\.element.description) ?? "-" }.joined(separator: ", "))
  }
}
