import PinionBase

/// What is computed of values of one element each.
package enum ElementwiseFunction: String, Sendable, CaseIterable {
  case add, subtract, multiply, divide, maximum, minimum, power
  case negative, absolute, exponential, logarithm, squareRoot, reciprocal, tanh, erf
  case relu, sigmoid, silu, gelu, geluTanh, softplus
  case equal, less, greater, and, or, not, choose

  var operandCount: Int {
    switch self {
    case .add, .subtract, .multiply, .divide, .maximum, .minimum, .power, .equal, .less, .greater, .and, .or: 2
    case .choose: 3
    default: 1
    }
  }

  func text(_ v: [String], isFloat: Bool) -> String {
    // Integers wrap around, which C++ promises for none that have a sign.
    switch self {
    case .add: isFloat ? "\(v[0]) + \(v[1])" : "added(\(v[0]), \(v[1]))"
    case .subtract: isFloat ? "\(v[0]) - \(v[1])" : "subtracted(\(v[0]), \(v[1]))"
    case .multiply: isFloat ? "\(v[0]) * \(v[1])" : "multiplied(\(v[0]), \(v[1]))"
    case .divide: "\(v[0]) / \(v[1])"
    case .maximum: "maximum(\(v[0]), \(v[1]))"
    case .minimum: "minimum(\(v[0]), \(v[1]))"
    case .power: "powf(\(v[0]), \(v[1]))"
    case .negative: isFloat ? "-\(v[0])" : "negated(\(v[0]))"
    case .absolute: isFloat ? "fabsf(\(v[0]))" : "(\(v[0]) < 0 ? negated(\(v[0])) : \(v[0]))"
    case .exponential: "expf(\(v[0]))"
    case .logarithm: "logf(\(v[0]))"
    case .squareRoot: "square_root(\(v[0]))"
    case .reciprocal: "reciprocal(\(v[0]))"
    case .tanh: "tanhf(\(v[0]))"
    case .erf: "erff(\(v[0]))"
    case .relu: "relu(\(v[0]))"
    case .sigmoid: "sigmoid(\(v[0]))"
    case .silu: "silu(\(v[0]))"
    case .gelu: "gelu(\(v[0]))"
    case .geluTanh: "gelu_tanh(\(v[0]))"
    case .softplus: "softplus(\(v[0]))"
    case .equal: "\(v[0]) == \(v[1])"
    case .less: "\(v[0]) < \(v[1])"
    case .greater: "\(v[0]) > \(v[1])"
    case .and: "\(v[0]) && \(v[1])"
    case .or: "\(v[0]) || \(v[1])"
    case .not: "!\(v[0])"
    case .choose: "\(v[0]) ? \(v[1]) : \(v[2])"
    }
  }

  /// The kind of the result; nil where operands of these kinds have none.
  func result(_ kinds: [ValueKind]) -> ValueKind? {
    guard kinds.count == operandCount else { return nil }
    let first = kinds[0]
    let isUniform = kinds.allSatisfy { $0 == first }
    switch self {
    case .add, .subtract, .multiply, .maximum, .minimum, .negative, .absolute: return isUniform && first != .bool ? first : nil
    case .equal: return isUniform ? .bool : nil
    case .less, .greater: return isUniform && first != .bool ? .bool : nil
    case .and, .or, .not: return isUniform && first == .bool ? .bool : nil
    case .choose: return first == .bool && kinds[1] == kinds[2] ? kinds[1] : nil
    // Division of integers traps on no device and has no answer for zero; it stays on the processor.
    default: return isUniform && first == .float ? .float : nil
    }
  }
}

/// What a value is while it is computed with; 16-bit floats are float32 then.
enum ValueKind: String {
  case float, i32, i64, bool

  init(_ element: KernelElement) {
    switch element {
    case .f32, .f16, .bf16: self = .float
    case .i8, .u8, .i32: self = .i32
    case .i64: self = .i64
    case .bool: self = .bool
    }
  }
}

/// Elementwise operators that one kernel does together. Values are numbered: the inputs, then the steps in their order.
package struct ElementwiseChain: Sendable {
  package private(set) var inputs: [KernelElement]
  package private(set) var outputs: [(value: Int, element: KernelElement)] = []
  private(set) var kinds: [ValueKind]
  /// The text of each step.
  private(set) var steps: [String] = []

  package init(inputs: [KernelElement]) {
    self.inputs = inputs
    kinds = inputs.map(ValueKind.init)
  }

  /// - Returns: the number of the result.
  @discardableResult package mutating func add(_ function: ElementwiseFunction, _ operands: Int...) throws(PinionError) -> Int {
    guard operands.allSatisfy(kinds.indices.contains) else { throw .internal("\(function) of values \(operands), of which some are not there") }
    guard let kind = function.result(operands.map { kinds[$0] }) else {
      throw .unsupported("no CUDA kernel for \(function) of \(operands.map { kinds[$0].rawValue }.joined(separator: ", "))")
    }
    return append(function.text(operands.map { "v\($0)" }, isFloat: kinds[operands[0]] == .float), kind)
  }

  package mutating func addConstant(_ value: Float) -> Int {
    // By its bits, which every value has, and which say it exactly.
    append("float_of_bits(0x\(String(value.bitPattern, radix: 16))u)", .float)
  }

  /// Between numbers; from float32 towards zero, for values that the integer has.
  package mutating func addConversion(_ value: Int, to element: KernelElement) throws(PinionError) -> Int {
    guard kinds.indices.contains(value) else { throw .internal("a conversion of value \(value), which is not there") }
    let kind = ValueKind(element)
    return append(kind == .bool ? "v\(value) != 0" : "(\(kind.rawValue))v\(value)", kind)
  }

  /// round(value / scale) + zero with halves to the even side, kept within int8 or uint8; the result is an output's value of that type.
  package mutating func addQuantization(_ value: Int, scale: Float, zero: Int32, to element: KernelElement) throws(PinionError) -> Int {
    guard kinds.indices.contains(value), kinds[value] == .float, element == .i8 || element == .u8 else {
      throw .internal("a quantisation of value \(value) to \(element.rawValue)")
    }
    let limits = element == .i8 ? "-128, 127" : "0, 255"
    return append("quantize(v\(value), float_of_bits(0x\(String(scale.bitPattern, radix: 16))u), \(zero), \(limits))", .i32)
  }

  package mutating func addOutput(_ value: Int, as element: KernelElement) throws(PinionError) {
    guard kinds.indices.contains(value), kinds[value] == ValueKind(element) else { throw .internal("value \(value) as \(element.rawValue)") }
    outputs.append((value, element))
  }

  private mutating func append(_ text: String, _ kind: ValueKind) -> Int {
    kinds.append(kind)
    steps.append("const \(kind.rawValue) v\(kinds.count - 1) = \(text);")
    return kinds.count - 1
  }
}
