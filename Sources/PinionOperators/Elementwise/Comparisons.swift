import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// A = B, elementwise with broadcasting; NaN equals nothing.
package struct Equal: CompareOperator {
  package static let schema = Schema("Equal", since: 19, inputs: ["A: T", "B: T"], outputs: ["C: bool"], types: ["T": [.numbers, .bool, .string]])
  var function: pk_compare_op { PK_COMPARE_EQ }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let shapes = try context.inference.operandShapes()
    guard try context.type(0).element == .string else { return try compareKernel(function, shapes, context) }
    let width = MemoryLayout<StringElement>.stride
    return try pairwiseKernel(shapes, width: width, outputWidth: 1, context) { a, b, y, count, flags in
      let a = a.assumingMemoryBound(to: StringElement.self), b = b.assumingMemoryBound(to: StringElement.self)
      let aStep = flags & Int32(PK_A_SCALAR) == 0 ? 1 : 0, bStep = flags & Int32(PK_B_SCALAR) == 0 ? 1 : 0
      let y = y.assumingMemoryBound(to: Bool.self)
      for index in 0..<count { y[index] = a[index &* aStep] == b[index &* bStep] }
    }
  }

  /// An extent differs from every negative number.
  package func facts(_ context: FactContext) -> [Fact] {
    var result = broadcast(context)
    result.values = context.elementwise(0, 1) { a, b in
      if a == b { return 1 }
      return Symbols.isSymbol(a) && b >= 0 || Symbols.isSymbol(b) && a >= 0 || (Symbols.isSymbol(a) && Symbols.isSymbol(b)) ? nil : 0
    }
    return [result]
  }
}

/// A > B, elementwise with broadcasting; false where either is NaN.
package struct Greater: CompareOperator {
  package static let schema = Schema("Greater", since: 13, inputs: ["A: T", "B: T"], outputs: ["C: bool"], types: ["T": [.numbers, .bool]])
  var function: pk_compare_op { PK_COMPARE_GT }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// A >= B, elementwise with broadcasting; false where either is NaN.
package struct GreaterOrEqual: CompareOperator {
  package static let schema = Schema("GreaterOrEqual", since: 16, inputs: ["A: T", "B: T"], outputs: ["C: bool"], types: ["T": [.numbers, .bool]])
  var function: pk_compare_op { PK_COMPARE_GE }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// A < B, elementwise with broadcasting; false where either is NaN.
package struct Less: CompareOperator {
  package static let schema = Schema("Less", since: 13, inputs: ["A: T", "B: T"], outputs: ["C: bool"], types: ["T": [.numbers, .bool]])
  var function: pk_compare_op { PK_COMPARE_LT }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}

/// A <= B, elementwise with broadcasting; false where either is NaN.
package struct LessOrEqual: CompareOperator {
  package static let schema = Schema("LessOrEqual", since: 16, inputs: ["A: T", "B: T"], outputs: ["C: bool"], types: ["T": [.numbers, .bool]])
  var function: pk_compare_op { PK_COMPARE_LE }

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}
}
