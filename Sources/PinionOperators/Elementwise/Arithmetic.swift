import CKernels
import PinionBase
import PinionGraph
import PinionTensor

/// A + B, elementwise with broadcasting; integers wrap.
package struct Add: BinaryOperator {
  package static let schema = Schema("Add", since: 14, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .numbers])
  var function: pk_binary_op { PK_BINARY_ADD }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func facts(_ context: FactContext) -> [Fact] {
    var result = broadcast(context)
    result.values = context.arithmetic({ $0.addingReportingOverflow($1) }, { context.symbols.sum(of: [$0, $1]) })
    return [result]
  }
}

/// A - B, elementwise with broadcasting; integers wrap.
package struct Sub: BinaryOperator {
  package static let schema = Schema("Sub", since: 14, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .numbers])
  var function: pk_binary_op { PK_BINARY_SUB }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func facts(_ context: FactContext) -> [Fact] {
    var result = broadcast(context)
    result.values = context.arithmetic({ $0.subtractingReportingOverflow($1) }, { context.symbols.difference($0, $1) })
    return [result]
  }
}

/// A * B, elementwise with broadcasting; integers wrap.
package struct Mul: BinaryOperator {
  package static let schema = Schema("Mul", since: 14, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .numbers])
  var function: pk_binary_op { PK_BINARY_MUL }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func facts(_ context: FactContext) -> [Fact] {
    var result = broadcast(context)
    result.values = context.arithmetic({ $0.multipliedReportingOverflow(by: $1) }, { context.symbols.product(of: [$0, $1]) })
    return [result]
  }
}

/// A / B, elementwise with broadcasting; integers truncate, and dividing them by 0 gives 0.
package struct Div: BinaryOperator {
  package static let schema = Schema("Div", since: 14, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .numbers])
  var function: pk_binary_op { PK_BINARY_DIV }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func facts(_ context: FactContext) -> [Fact] {
    var result = broadcast(context)
    result.values = context.arithmetic({ $1 == 0 ? (0, true) : $0.dividedReportingOverflow(by: $1) }) { extent, divisor in
      context.symbols.quotient(extent, by: divisor)
    }
    return [result]
  }
}

/// The remainder of A / B, elementwise with broadcasting: with the sign of B, or with `fmod` that of A.
package struct Mod: BinaryOperator, ElementJudging {
  package static let schema = Schema("Mod", since: 28, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .numbers])
  let truncates: Bool
  /// Before opset 28 the sign of B was for integers alone.
  let isForIntegers: Bool
  var function: pk_binary_op { truncates ? PK_BINARY_FMOD : PK_BINARY_MOD }

  package static func adapt(_ node: inout NodeDraft) throws(PinionError) {
    try AlignAxes.adaptPair(&node)
    if node.opset < 28, node.attributes["fmod"] ?? .int(0) == .int(0) { node.attributes["integers alone"] = .int(1) }
  }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    truncates = try attributes.int("fmod", default: 0, in: 0...1) == 1
    isForIntegers = try attributes.bool("integers alone")
  }

  package var elementJudging: (any ElementJudging)? { isForIntegers ? self : nil }

  package func check(elements: [ElementType?]) throws(PinionError) {
    guard isForIntegers, let element = elements.lazy.compactMap({ $0 }).first(where: \.isFloatingPoint) else { return }
    throw .invalidModel("attribute 'fmod' is 0, which before opset 28 is for integers alone, and the inputs are of \(element), expected 1")
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    try elementJudging?.check(elements: context.inputs.map { $0?.element })
    return [try broadcastType(context)]
  }
}
