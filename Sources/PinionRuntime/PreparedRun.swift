import PinionBackend
import PinionBase
import PinionTensor

/// A graph's only segment with memory of its own, which runs again and again on tensors of the types it was planned for: a turn fills in
/// pointers and runs the steps.
final class PreparedRun: PreparedSubgraph {
  private let program: Program
  private let segment: Segment
  private let workspace: Workspace
  private let control: RunControl
  private let roles: Roles

  /// What becomes of each tensor.
  fileprivate struct Roles {
    /// Externals that change from turn to turn, with the position of the input or output.
    var inputs = ContiguousArray<(external: Int, position: Int)>()
    var outputs = ContiguousArray<(external: Int, position: Int)>()
    /// Outputs that no step writes.
    var passed = ContiguousArray<(output: Int, source: Source, byteCount: Int)>()
    /// Inputs whose elements the plan knows.
    var decided = ContiguousArray<(position: Int, bytes: ContiguousArray<UInt8>)>()
    var fixed: [(external: Int, tensor: Tensor)] = []
    /// Where `Source.fixed` points.
    var sources: [Tensor] = []
  }

  fileprivate enum Source {
    case fixed(UnsafeRawPointer)
    case input(Int)
    case output(Int)
  }

  /// - Parameters:
  ///   - inputs: how many of the entry values change from turn to turn; the others are captured and stay.
  ///   - input: an entry value as the first turn has it.
  /// - Returns: nil where a plan is not known yet, or is not all there is to run.
  static func make(
    _ program: Program, inputs: Int, input: (Int) -> Tensor?, outputs: [TensorType], control: RunControl
  ) throws(PinionError) -> PreparedRun? {
    var roles = Roles(), program = program
    while true {
      guard program.appending.isEmpty, outputs.count == program.graph.outputs.count else { return nil }
      let count = program.entryValues.count
      let (plan, deciding) = program.plans.withLock { ($0.find(count: count, control, input), $0.deciding) }
      for position in deciding where position < inputs {
        guard let tensor = input(position), tensor.element != .string else { return nil }
        roles.decided.append((position, ContiguousArray(tensor.bytes)))
      }
      switch plan {
      case nil: return nil
      case .program(let specialized): program = specialized
      case .segment(let segment):
        guard try roles.fill(segment, inputs: inputs, input: input, outputs: outputs, control) else { return nil }
        return try PreparedRun(program, segment, roles, control)
      }
    }
  }

  private init(_ program: Program, _ segment: Segment, _ roles: Roles, _ control: RunControl) throws(PinionError) {
    (self.program, self.segment, self.roles, self.control) = (program, segment, roles, control)
    workspace = try segment.workspaces.take(for: segment, allocator: program.allocator, control: control)
    for (external, tensor) in roles.fixed { workspace.externals[external] = tensor.data }
  }

  deinit { segment.workspaces.giveBack(workspace, control: control) }

  func run(inputs: [UnsafeMutableRawPointer], outputs: [UnsafeMutableRawPointer]) throws(PinionError) -> Bool {
    for (position, bytes) in roles.decided where !bytes.elementsEqual(UnsafeRawBufferPointer(start: inputs[position], count: bytes.count)) { return false }
    for (external, position) in roles.inputs { workspace.externals[external] = inputs[position] }
    for (external, position) in roles.outputs { workspace.externals[external] = outputs[position] }
    for patch in segment.patches { workspace.operands[patch.operand] = workspace.externals[patch.external] + patch.offset }
    do throws(PinionError) { try program.execute(segment, workspace, control: control, profile: nil) } catch {
      // `Program.run` knows what to do where a branch not taken has to do with it.
      guard !program.branching.isEmpty, !error.isOfLimits else { throw error }
      return false
    }
    for (output, source, byteCount) in roles.passed {
      switch source {
      case .fixed(let pointer): outputs[output].copyMemory(from: pointer, byteCount: byteCount)
      case .input(let position): outputs[output].copyMemory(from: inputs[position], byteCount: byteCount)
      case .output(let position): outputs[output].copyMemory(from: outputs[position], byteCount: byteCount)
      }
    }
    return true
  }
}

extension PreparedRun.Roles {
  /// - Returns: false where the segment cannot run into tensors of these types.
  fileprivate mutating func fill(
    _ segment: Segment, inputs count: Int, input: (Int) -> Tensor?, outputs types: [TensorType], _ control: RunControl
  ) throws(PinionError) -> Bool {
    guard let bindings = segment.bindings, !segment.givesText else { return false }
    for (index, binding) in bindings.enumerated() {
      switch binding {
      case .input(let position) where position < count: inputs.append((index, position))
      case .input(let position):
        guard let tensor = input(position) else { return false }
        fixed.append((index, tensor))
      case .output(let position, let type):
        guard types[position] == type else { return false }
        outputs.append((index, position))
      }
    }
    for output in segment.passed {
      guard types[output.output] == output.type, output.type.byteCount <= Program.passedBytes else { return false }
      let source: PreparedRun.Source
      switch output.source {
      case .input(let position) where position < count: source = .input(position)
      case .output(let position): source = .output(position)
      case .constant(let tensor):
        let tensor = try tensor.kept(control)
        source = .fixed(tensor.data)
        sources.append(tensor)
      case .input(let position):
        guard let tensor = input(position) else { return false }
        source = .fixed(tensor.data)
        sources.append(tensor)
      }
      passed.append((output.output, source, output.type.byteCount))
    }
    return true
  }
}
