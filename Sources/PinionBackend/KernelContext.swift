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
  let allocator: Allocator
  /// The run that waits for the kernel.
  public let control: RunControl

  public init(
    inference: InferenceContext, outputs: [TensorType], threads: Int, packed: PackedWeights, allocator: Allocator = .system,
    control: RunControl = RunControl()
  ) {
    self.inference = inference
    self.outputs = outputs
    self.threads = threads
    self.packed = packed
    self.allocator = allocator
    self.control = control
  }

  /// Memory for a table of as many elements, which counts against the budget of the run that made it as long as the kernel keeps it.
  /// - Throws: `.budgetExceeded`, `.outOfMemory`.
  public func table<Element: BitwiseCopyable>(of _: Element.Type = Element.self, count: Int) throws(PinionError) -> KernelTable<Element> {
    try KernelTable(count: count, allocator: allocator, control: control)
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
  ///   - fill: makes the form of the elements, in pieces where it may take long.
  public func packed(_ constant: Tensor, form: String, bytes: Int, _ fill: Constant.Fill) throws(PinionError) -> Buffer {
    try packed.buffer(constant, form: form, bytes: bytes, control: control, fill)
  }

  /// A form of a constant made of the narrower elements that it was converted from (`Constant.narrowElement(of:)`), as `packed` otherwise.
  public func packedNarrow(_ constant: Tensor, form: String, bytes: Int, _ fill: Constant.Fill) throws(PinionError) -> Buffer {
    guard let owner = constant.constant else { throw .internal("the value is no constant of a model") }
    return try owner.narrowForm(form, of: constant, bytes: bytes, control: control, fill)
  }

  /// The context under other types, for a kernel that runs another one inside.
  public func with(inputs: [TensorType?], values: [Tensor?], outputs: [TensorType], schema: Schema) -> KernelContext {
    KernelContext(
      inference: InferenceContext(schema: schema, inputs: inputs, values: values, outputCount: outputs.count), outputs: outputs,
      threads: threads, packed: packed, allocator: allocator, control: control)
  }

  /// The error for element types that the operator's kernel does not run.
  public func unsupportedTypes() -> PinionError {
    .unsupported(
      "no kernel for inputs " + inference.inputs.map { $0.map(\.element.description) ?? "-" }.joined(separator: ", "))
  }
}
