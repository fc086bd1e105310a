import PinionBase
import PinionTensor

/// What a node computes: its typed attributes and the rule for its outputs' types.
///
/// A conformance in PinionOperators adds how the CPU runs it.
public protocol Operator: Sendable {
  static var schema: Schema { get }

  /// False where two runs on the same inputs may differ, so that the node is neither folded nor merged.
  static var isDeterministic: Bool { get }

  /// Inputs of which nothing but the type counts: the outputs are constants where the others are.
  static var typeOnlyInputs: Set<Int> { get }

  /// Rewrites a node of an older opset into the newest form.
  static func adapt(_ node: inout NodeDraft) throws(PinionError)

  /// - Throws: `.invalidModel` for a missing attribute or one of the wrong type or value.
  init(_ attributes: inout AttributeReader) throws(PinionError)

  /// The types of the outputs for given input types, all outputs of the schema that the node names.
  ///
  /// An operator whose output shapes depend on computed values asks the context for the values; where they are not
  /// known yet, the context throws and the node is run when they are. An operator that cannot tell its shapes before it
  /// has run leaves this out.
  func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType]

  /// What follows for the outputs, all that the node names, where the inputs' types are known in part. It holds in every run that
  /// succeeds. An output without an entry is one of which nothing is known.
  func facts(_ context: FactContext) -> [Fact]

  /// Arithmetic operations of one execution, for estimates; a multiplication with an addition counts two.
  func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int

  // What it is besides, answered by the protocols that refine this one. A cast to one of them looks through all conformances of the
  // process when it is made the first time for a type, which takes as long as all the rest of loading a small model.

  var elementJudging: (any ElementJudging)? { get }
  static var readsShapes: Bool { get }
  var shapeReading: (any ShapeReading)? { get }
  var courseTelling: (any CourseTelling)? { get }
  var stateAppending: (any StateAppending)? { get }
  /// Whether it makes its outputs while it runs: `EagerExecutable`.
  static var runsOutsidePlans: Bool { get }
  /// What the processor's backend makes of it, an instance of a class of that backend: `CPUExecutable`.
  var processorPart: AnyObject? { get }
}

extension Operator {
  public static var isDeterministic: Bool { true }
  public static var typeOnlyInputs: Set<Int> { [] }
  public static func adapt(_ node: inout NodeDraft) throws(PinionError) {}
  public func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { throw .dataDependent }
  public func facts(_ context: FactContext) -> [Fact] { [] }

  /// The types of the outputs for inputs of element types that the schema admits.
  public func outputTypes(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    try Self.schema.check(inputs: context.inputs)
    return try infer(context)
  }

  public func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int { outputs.reduce(0) { $0 &+ $1.count } }

  public var elementJudging: (any ElementJudging)? { nil }
  public static var readsShapes: Bool { false }
  public var shapeReading: (any ShapeReading)? { nil }
  public var courseTelling: (any CourseTelling)? { nil }
  public var stateAppending: (any StateAppending)? { nil }
  public static var runsOutsidePlans: Bool { false }
  public var processorPart: AnyObject? { nil }
}

extension ShapeReading {
  public static var readsShapes: Bool { true }
  public var shapeReading: (any ShapeReading)? { self }
}

extension CourseTelling {
  public var courseTelling: (any CourseTelling)? { self }
}

extension StateAppending {
  public var stateAppending: (any StateAppending)? { self }
}

extension PinionError {
  /// Thrown by inference where a shape cannot be known before the node runs; stays inside planner and executor.
  public static var dataDependent: PinionError { PinionError(.dataDependent, "the shape depends on values that are not known yet") }
}

/// Finds the operator that a model's node names.
public protocol OperatorResolver: Sendable {
  func operatorType(domain: String, name: String) -> (any Operator.Type)?
  /// An operator that may be meant by a name that none has: one whose name differs in its case, or one of another domain.
  func similarOperator(domain: String, name: String) -> Schema?
}

extension OperatorResolver {
  public func similarOperator(domain: String, name: String) -> Schema? { nil }
}

/// An operator that may take fewer element types than its schema says, as its attributes or its older form have it.
public protocol ElementJudging: Operator {
  /// - Parameter elements: those of the inputs; nil for inputs that are absent, no tensors, or not known.
  func check(elements: [ElementType?]) throws(PinionError)
}

/// An operator whose output follows from its first input's type alone.
public protocol ShapeReading: Operator {
  func read(_ input: TensorType) throws(PinionError) -> Tensor
}

/// What a control-flow operator does with its subgraphs.
public enum Course: Sendable {
  case branch(Int)
  /// Runs a body so often, unless the body's own condition ends it before. It maps (iteration, condition, carried...) to
  /// (condition, carried..., scan outputs...).
  case loop(body: Int, count: Int)
}

/// A control-flow operator whose course follows from the values of some of its inputs.
public protocol CourseTelling: Operator {
  var decidingInputs: [Int] { get }
  /// - Parameter values: the operator's own inputs, of which the deciding ones that are not absent are there.
  func course(_ values: [Tensor?]) throws(PinionError) -> Course
}
