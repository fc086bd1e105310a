/// What went wrong, as a stable code. The raw values are those of `pinion_status` in pinion.h.
public enum ErrorCode: Int32, Sendable, CaseIterable {
  /// An argument of a call is wrong: a null pointer, an unknown name, an option out of range.
  case invalidArgument = 1
  /// The file or buffer is not a well-formed model.
  case invalidModel = 2
  /// The model is well-formed and asks for something that this build does not do.
  case unsupported = 3
  /// The shapes or element types of inputs do not fit the model or one of its nodes.
  case invalidShape = 4
  /// A value inside a tensor is not allowed where it is used, e.g. an index out of range.
  case invalidValue = 5
  /// The allocator returned nothing.
  case outOfMemory = 6
  /// The run would need more bytes or steps than its budget allows.
  case budgetExceeded = 7
  /// The run's deadline passed.
  case deadlineExceeded = 8
  /// The run's cancel token was set.
  case cancelled = 9
  /// The operating system refused to open, read or map a file.
  case io = 10
  /// The named thing does not exist.
  case notFound = 11
  /// A shape depends on values that are not known yet; never leaves planner and executor.
  case dataDependent = 100
  /// A defect of Pinion itself.
  case `internal` = 12
}

/// The one error type of Pinion: a code, a sentence, and where in the model it happened.
public struct PinionError: Error, Sendable {
  public var code: ErrorCode
  /// One sentence for a person: what was found and what was expected.
  public var message: String
  /// The node's name in the model, or empty.
  public var node: String
  /// The operator as `domain::Name`, or `Name` for ai.onnx; empty where no node is concerned.
  public var operatorName: String
  /// The operator-set version the model asks for; 0 where no node is concerned.
  public var opset: Int64
  /// Element types and shapes of the node's inputs as `float32[1,3,224,224]`.
  public var inputTypes: [String]
  /// Each further problem that was found in the same step, e.g. every unsupported node of a model.
  public var others: [PinionError]

  public init(_ code: ErrorCode, _ message: String) {
    self.code = code
    self.message = message
    node = ""
    operatorName = ""
    opset = 0
    inputTypes = []
    others = []
  }

  /// The same error with its place filled in, unless an inner frame has named one already.
  public func at(node: String, operator name: String, opset: Int64 = 0, inputTypes: @autoclosure () -> [String] = []) -> PinionError {
    guard operatorName.isEmpty else { return self }
    var copy = self
    copy.node = node
    copy.operatorName = name
    copy.opset = opset
    copy.inputTypes = inputTypes()
    return copy
  }
}

extension PinionError {
  /// Whether the limits of a run or load, and not what it is about, are why this was thrown.
  public var isOfLimits: Bool { [.cancelled, .deadlineExceeded, .budgetExceeded, .outOfMemory].contains(code) }
}

extension PinionError: CustomStringConvertible {
  /// `message (node 'n', operator Conv, opset 22, inputs float32[1,3,2,2])`, one line a problem.
  public var description: String {
    var place: [String] = []
    if !node.isEmpty { place.append("node '\(node)'") }
    if !operatorName.isEmpty { place.append("operator \(operatorName)") }
    if opset > 0 { place.append("opset \(opset)") }
    if !inputTypes.isEmpty { place.append("inputs " + inputTypes.joined(separator: ", ")) }
    let head = place.isEmpty ? message : "\(message) (\(place.joined(separator: "; ")))"
    return ([head.onOneLine] + others.map(\.description)).joined(separator: "\n")
  }
}

extension PinionError {
  @inline(never) public static func invalidArgument(_ message: String) -> PinionError { PinionError(.invalidArgument, message) }
  @inline(never) public static func invalidModel(_ message: String) -> PinionError { PinionError(.invalidModel, message) }
  @inline(never) public static func unsupported(_ message: String) -> PinionError { PinionError(.unsupported, message) }
  @inline(never) public static func invalidShape(_ message: String) -> PinionError { PinionError(.invalidShape, message) }
  @inline(never) public static func invalidValue(_ message: String) -> PinionError { PinionError(.invalidValue, message) }
  @inline(never) public static func outOfMemory(bytes: Int) -> PinionError {
    PinionError(.outOfMemory, "cannot allocate \(bytes) bytes")
  }
  @inline(never) public static func `internal`(_ message: String) -> PinionError { PinionError(.internal, message) }
}
