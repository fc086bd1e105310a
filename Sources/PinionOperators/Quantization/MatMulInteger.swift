import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The product of uint8 or int8 matrices, less their zero points, as int32.
package struct MatMulInteger: CPUExecutable {
  package static let schema = Schema(
    "MatMulInteger", since: 10, inputs: ["A: T1", "B: T2", "a_zero_point?: T1", "b_zero_point?: T2"], outputs: ["Y: int32"],
    types: ["T1": .bytes, "T2": .bytes])

  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    return [TensorType(.int32, try MatrixProduct(try context.type(0).shape, try context.type(1).shape).result)]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(.int32, context.product(0, 1))] }

  package func operations(inputs: [TensorType?], outputs: [TensorType]) -> Int {
    productOperations(depth: inputs.first??.dims.last, outputs)
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    var preparation = Preparation(context)
    let product = try integerProduct(a: 0, b: 1, aZero: 2, bZero: 3, &preparation, context)
    let (stage, lane) = try product.stage(context)
    return preparation.kernel([stage], laneScratchBytes: lane)
  }
}

/// The product of two inputs with their zero points, any of which may be absent.
func integerProduct(
  a: Int, b: Int, aZero: Int, bZero: Int, _ preparation: inout Preparation, _ context: KernelContext
) throws(PinionError) -> IntegerProduct {
  let typeA = try context.type(a), typeB = try context.type(b)
  // Zero points for the rows of each matrix keep the matrices apart.
  let isRowwise = (context.optionalType(aZero)?.count ?? 1) != 1
  let product = try MatrixProduct(typeA.shape, typeB.shape, inputs: (a, b), mergesRows: !isRowwise)
  return IntegerProduct(
    product, aIsSigned: typeA.element == .int8, bIsSigned: typeB.element == .int8,
    aZero: try ProductZero(aZero, lines: product.m, count: product.count, &preparation, context),
    bZero: try ProductZero(bZero, lines: product.n, count: product.count, &preparation, context))
}

extension InferenceContext {
  /// Checks that inputs are uint8 or int8.
  func requireBytes(_ indices: [Int]) throws(PinionError) {
    for index in indices {
      let type = try type(index)
      guard type.element == .uint8 || type.element == .int8 else {
        throw .unsupported("input \(index) is \(type); uint8 and int8 are supported")
      }
    }
  }

  /// Checks that inputs, where they are there, have one element.
  func requireSingle(_ indices: [Int]) throws(PinionError) {
    for index in indices {
      guard let type = optionalType(index), type.count != 1 else { continue }
      throw .invalidShape("input \(index) is \(type), expected one element")
    }
  }
}
