import CKernels
import Glibc
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor


/// The kernel function of a support vector machine.
struct SupportKernel: Sendable {
  enum Kind: String, CaseIterable {
    case linear = "LINEAR"
    case polynomial = "POLY"
    case radial = "RBF"
    case sigmoid = "SIGMOID"
  }

  let kind: Kind
  let gamma: Float
  let offset: Float
  let degree: Float

  init(_ attributes: inout AttributeReader) throws(PinionError) {
    kind = try attributes.choice("kernel_type", default: .linear)
    let parameters = try attributes.floats("kernel_params", default: [])
    guard parameters.isEmpty || parameters.count == 3 else {
      throw .invalidModel("attribute 'kernel_params' has \(parameters.count) entries, expected gamma, coef0, degree")
    }
    gamma = parameters.isEmpty ? 0 : parameters[0]
    offset = parameters.isEmpty ? 0 : parameters[1]
    degree = parameters.isEmpty ? 0 : parameters[2]
  }

  /// The kernel of a machine without support vectors.
  static let linear = SupportKernel(kind: .linear, gamma: 0, offset: 0, degree: 0)

  private init(kind: Kind, gamma: Float, offset: Float, degree: Float) {
    self.kind = kind
    self.gamma = gamma
    self.offset = offset
    self.degree = degree
  }

  /// Writes the kernel's value for `x` and each of `rows` vectors.
  func evaluate(
    _ x: UnsafePointer<Float>, _ vectors: UnsafePointer<Float>, rows: Int, columns: Int, to values: UnsafeMutablePointer<Float>
  ) {
    if kind == .radial {
      for row in 0..<rows { values[row] = -gamma * pk_square_distance_f32(x, vectors + row &* columns, columns) }
    } else {
      for row in 0..<rows { values[row] = pk_dot_f32(x, vectors + row &* columns, columns) }
    }
    switch kind {
    case .linear: break
    case .radial: apply(PK_UNARY_EXP, values, rows)
    case .polynomial: for row in 0..<rows { values[row] = pow(gamma * values[row] + offset, degree) }
    case .sigmoid:
      for row in 0..<rows { values[row] = gamma * values[row] + offset }
      apply(PK_UNARY_TANH, values, rows)
    }
  }

  private func apply(_ function: pk_unary_op, _ values: UnsafeMutablePointer<Float>, _ count: Int) {
    withUnsafePointer(to: pk_params()) { pk_unary_kernel(pk_isa_best(), function, PK_F32)?(values, values, count, $0) }
  }
}
