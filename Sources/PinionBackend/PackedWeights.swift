import PinionBase
import PinionTensor

/// Forms of constants, each made once for all who hold the constant: see `Constant`. What is no constant of a model has forms of its own
/// for each kernel.
public final class PackedWeights: Sendable {
  private let allocator: Allocator

  /// - Parameter allocator: gives forms of values that are no constants of a model.
  public init(allocator: Allocator = .system) { self.allocator = allocator }

  /// The buffer for the value in this form; `fill` is called where it does not exist yet.
  /// - Parameter control: what waits for it.
  func buffer(_ value: Tensor, form: String, bytes: Int, control: RunControl, _ fill: Constant.Fill) throws(PinionError) -> Buffer {
    if let constant = value.constant { return try constant.form(form, of: value, bytes: bytes, control: control, fill) }
    let buffer = try allocator.buffer(bytes: bytes)
    try fill(UnsafeRawPointer(value.data), buffer.pointer, PieceWork(control))
    return buffer
  }
}
