import PinionBase
import PinionGraph
import PinionTensor

/// Runs a subgraph of the node that is being executed.
public protocol SubgraphRunner {
  /// - Parameters:
  ///   - index: the subgraph's index in the node.
  ///   - inputs: one value for each of the subgraph's own inputs; captured values are supplied by the runner.
  func run(subgraph index: Int, inputs: [Value]) throws(PinionError) -> [Value]
  /// A subgraph made ready to run again and again on tensors of types that stay as they are.
  /// - Parameters:
  ///   - inputs: a tensor for each of the subgraph's own inputs, as the first run gets it.
  ///   - outputs: the types of all outputs.
  /// - Returns: nil where a plan for these types is not known yet or is not all there is to run, so that `run` is needed.
  func prepared(subgraph index: Int, inputs: [Tensor], outputs: [TensorType]) throws(PinionError) -> (any PreparedSubgraph)?
  /// The number of the subgraph's own inputs, captured values not counted.
  func inputCount(subgraph index: Int) -> Int
  func outputCount(subgraph index: Int) -> Int
  /// The types of the subgraph's outputs for inputs of these types, as far as they can be told without running it.
  func outputTypes(subgraph index: Int, inputs: [ValueType?]) -> [ValueType?]
}

/// A subgraph made ready to run from and into memory that changes while its types do not. One thread uses it at a time.
public protocol PreparedSubgraph: AnyObject {
  /// - Parameters:
  ///   - inputs: elements for each of the subgraph's own inputs.
  ///   - outputs: memory for each output, which no input, no captured value and no other output overlaps.
  /// - Returns: false, with outputs that mean nothing, where `SubgraphRunner.run` is needed.
  func run(inputs: [UnsafeMutableRawPointer], outputs: [UnsafeMutableRawPointer]) throws(PinionError) -> Bool
}

/// What an operator may ask while it executes outside a plan.
public struct EagerContext {
  public let allocator: Allocator
  public let control: RunControl
  public let threads: Int
  public let outputCount: Int
  public let subgraphs: (any SubgraphRunner)?
  /// Whether the inputs are constants of the model: kernels then are those of a plan that knows them, so that folding a node keeps
  /// its bits.
  let inputsAreConstant: Bool
  let executor: StageExecutor
  let packed: PackedWeights

  public init(
    allocator: Allocator, control: RunControl, outputCount: Int, subgraphs: (any SubgraphRunner)?, executor: StageExecutor,
    packed: PackedWeights, inputsAreConstant: Bool = false
  ) {
    self.allocator = allocator
    self.control = control
    self.threads = executor.threads
    self.outputCount = outputCount
    self.subgraphs = subgraphs
    self.executor = executor
    self.packed = packed
    self.inputsAreConstant = inputsAreConstant
  }

  /// Elements up to which a value is taken for one that decides shapes.
  private static let decidingCount = 64

  /// An uninitialised tensor, counted against the run's budget until it is released.
  public func allocate(_ element: ElementType, _ dims: [Int]) throws(PinionError) -> Tensor {
    try allocate(TensorType(element, try Shape(dims)))
  }

  public func allocate(_ type: TensorType) throws(PinionError) -> Tensor {
    try control.tensor(type, allocator: allocator)
  }

  public func run(subgraph index: Int, inputs: [Value]) throws(PinionError) -> [Value] {
    guard let subgraphs else { throw .internal("the node has no subgraphs") }
    return try subgraphs.run(subgraph: index, inputs: inputs)
  }

  /// Runs an operator that plans its kernels on values at hand: infers types, allocates the outputs, makes the kernel and runs it.
  public func runPlanned(_ op: any Operator, _ inputs: [Value?], backend: any Backend) throws(PinionError) -> [Value] {
    var tensors: [Tensor?] = [], types: [TensorType?] = []
    tensors.reserveCapacity(inputs.count)
    types.reserveCapacity(inputs.count)
    for input in inputs {
      let tensor = try input?.asTensor().resident(control)
      tensors.append(tensor)
      types.append(tensor?.type)
    }
    defer { if inputsAreConstant { for case .tensor(let tensor)? in inputs { tensor.giveBackPages() } } }
    let schema = type(of: op).schema
    let inference = InferenceContext(schema: schema, inputs: types, values: tensors, outputCount: outputCount)
    // Kernels do more work for outputs that somebody names.
    var outputTypes = try op.outputTypes(inference)
    if outputTypes.count > outputCount { outputTypes.removeLast(outputTypes.count - outputCount) }
    // Of inputs that are no constants, kernels mostly need those that decide shapes, which are small.
    let known = inputsAreConstant ? tensors : tensors.map { $0.flatMap { $0.count <= EagerContext.decidingCount && $0.element != .string ? $0 : nil } }
    let knownInference = InferenceContext(schema: schema, inputs: types, values: known, outputCount: outputCount)
    let context = KernelContext(inference: knownInference, outputs: outputTypes, threads: threads, packed: packed, allocator: allocator, control: control)
    // First, so that a run learns that it asks for too much before anything is made ready for it.
    var outputs: [Tensor] = []
    for type in outputTypes { outputs.append(try allocate(type)) }
    let kernel: Kernel
    do { kernel = try backend.kernel(for: op, context) } catch {
      // Some kernels need values that inference had; they may keep them, since this kernel lives for one run.
      guard error.code == .dataDependent else { throw error }
      kernel = try backend.kernel(
        for: op, KernelContext(
          inference: inference, outputs: outputTypes, threads: threads, packed: PackedWeights(), allocator: allocator, control: control))
    }
    var operands: [UnsafeMutableRawPointer] = []
    operands.reserveCapacity(tensors.count + outputs.count)
    for tensor in tensors {
      guard let pointer = tensor?.data ?? outputs.first?.data else { throw .internal("\(schema.name) has neither inputs nor outputs") }
      operands.append(pointer)
    }
    for output in outputs { operands.append(output.data) }
    try executor.run(kernel, operands: operands, inputCount: tensors.count, control: control, allocator: allocator)
    return outputs.map(Value.tensor)
  }
}

extension RunControl {
  /// An uninitialised tensor, counted against the byte budget until it is released.
  /// - Parameter records: bytes of records in Swift's heap that are counted as long.
  public func tensor(_ type: TensorType, records: Int = 0, allocator: Allocator) throws(PinionError) -> Tensor {
    let memory = try CountedBuffer(bytes: type.byteCount, records: records, allocator: allocator, control: self)
    return Tensor(type, data: memory.pointer, owner: memory)
  }
}

extension EagerContext {
  /// A tensor of one element, counted against the run's budget.
  public func scalar<T: Element>(_ value: T) throws(PinionError) -> Tensor {
    let tensor = try allocate(TensorType(T.elementType, .scalar))
    tensor.data.storeBytes(of: value, as: T.self)
    return tensor
  }

  /// Copies bytes in pieces between which the limits are polled.
  public func copy(_ from: UnsafeRawPointer, to: UnsafeMutableRawPointer, bytes: Int) throws(PinionError) {
    try inPieces(of: 1 << 20, bytes, control) { (range) throws(PinionError) in
      (to + range.lowerBound).copyMemory(from: from + range.lowerBound, byteCount: range.count)
    }
  }

  /// An empty list with room for `capacity` elements, counted against the run's budget.
  public func table<Element: BitwiseCopyable>(
    of _: Element.Type = Element.self, capacity: Int = 0
  ) throws(PinionError) -> RunTable<Element> {
    try RunTable(capacity: capacity, allocator: allocator, control: control)
  }

  /// A list of `count` times the element, counted against the run's budget.
  public func table<Element: BitwiseCopyable>(repeating element: Element, count: Int) throws(PinionError) -> RunTable<Element> {
    try RunTable(repeating: element, count: count, allocator: allocator, control: control)
  }

  /// Strings to come, counted against the run's budget.
  /// - Parameter count: how many there will be, if that is known.
  public func strings(count: Int = 0, bytes: Int = 0) throws(PinionError) -> StringTable {
    try StringTable(count: count, bytes: bytes, allocator: allocator, control: control)
  }
}

/// An operator that makes its outputs while it runs: shapes that depend on values, sequences, strings, control flow.
public protocol EagerExecutable: Operator {
  /// - Parameter inputs: the operator's inputs, nil for absent ones.
  /// - Returns: one value for each output of the schema up to the last that the node names.
  func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value]
}

extension EagerExecutable {
  public static var runsOutsidePlans: Bool { true }
}

/// An operator that runs subgraphs and can say what it would give without running them.
public protocol SubgraphTyping: EagerExecutable {
  /// The types of the outputs where nothing has run: extents that only a run decides count as 0.
  /// - Parameters:
  ///   - inputs: the types of the node's own inputs, nil for absent and unknown ones.
  ///   - subgraph: the types of a subgraph's outputs for inputs of these types.
  func outputTypes(inputs: [ValueType?], subgraph: (_ index: Int, _ inputs: [ValueType?]) -> [ValueType?]) -> [ValueType?]
}
