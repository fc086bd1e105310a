import PinionBackend
import PinionBase
import PinionTensor

/// Small operands (scales, zero points) in the types that a kernel computes with: converted once where they are constant,
/// in a first stage of the kernel where they are not.
public struct Preparation {
  /// Where a prepared operand is found while the kernel runs.
  public enum Place: Sendable {
    case input(Int)
    case constant(Buffer)
    case scratch(Int)

    @inline(__always)
    public func pointer<T>(_ frame: KernelFrame, as: T.Type = T.self) -> UnsafePointer<T> {
      switch self {
      case .input(let index): frame.input(index)
      case .constant(let buffer): UnsafePointer(buffer.pointer.assumingMemoryBound(to: T.self))
      case .scratch(let offset): UnsafePointer((frame.scratch + offset).assumingMemoryBound(to: T.self))
      }
    }
  }

  /// Bytes of the kernel's shared scratch memory that the prepared operands take, from its start.
  public private(set) var scratchBytes = 0
  private var steps: [@Sendable (KernelFrame) -> Void] = []
  private let context: KernelContext

  public init(_ context: KernelContext) { self.context = context }

  /// Room in the shared scratch memory.
  public mutating func reserve(_ bytes: Int) throws(PinionError) -> Int {
    let offset = scratchBytes
    scratchBytes = try offset.adding(try alignedUp(bytes, to: Buffer.alignment))
    return offset
  }

  /// An input in another element type.
  public mutating func convert(_ input: Int, to element: ElementType) throws(PinionError) -> Place {
    let type = try context.type(input)
    guard type.element != element else { return .input(input) }
    let conversion = try ElementConversion(from: type.element, to: element)
    let bytes = type.count &* element.byteWidth
    if let constant = context.value(input) {
      return .constant(
        try context.packed(constant, form: "as.\(element)", bytes: bytes) { elements, target, _ in conversion(elements, target, constant.count) })
    }
    let offset = try reserve(bytes)
    steps.append { conversion($0.rawInput(input), $0.scratch + offset, type.count) }
    return .scratch(offset)
  }

  /// The same for an optional input.
  public mutating func convertIfPresent(_ input: Int, to element: ElementType) throws(PinionError) -> Place? {
    context.has(input) ? try convert(input, to: element) : nil
  }

  /// Something computed at the start of each run from operands that were prepared before.
  public mutating func compute(
    bytes: Int, _ fill: @escaping @Sendable (KernelFrame, UnsafeMutableRawPointer) -> Void
  ) throws(PinionError) -> Place {
    let offset = try reserve(bytes)
    steps.append { fill($0, $0.scratch + offset) }
    return .scratch(offset)
  }

  /// The kernel, with the preparing stage in front if there is anything to do. Its own stages use no scratch memory below
  /// `scratchBytes`.
  public func kernel(_ stages: [Kernel.Stage], laneScratchBytes: Int = 0) -> Kernel {
    guard !steps.isEmpty else { return Kernel(stages: stages, scratchBytes: scratchBytes, laneScratchBytes: laneScratchBytes) }
    let steps = steps
    let first = Kernel.Stage(tasks: 1) { frame, _ in for step in steps { step(frame) } }
    return Kernel(stages: [first] + stages, scratchBytes: scratchBytes, laneScratchBytes: laneScratchBytes)
  }
}

/// Columns of a right operand, or rows of a left one, that are packed in one piece: whole panels with about a million elements.
public func columnsOfPiece(_ panel: Int, depth: Int) -> Int { max((1 << 20) / max(depth &* panel, 1), 1) &* panel }
