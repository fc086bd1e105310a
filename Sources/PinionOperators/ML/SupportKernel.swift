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

  func callAsFunction(_ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ count: Int) -> Double {
    switch kind {
    case .linear: Double(pk_dot_f32(a, b, count))
    case .polynomial: pow(Double(gamma) * Double(pk_dot_f32(a, b, count)) + Double(offset), Double(degree))
    case .radial: exp(-Double(gamma) * Double(pk_square_distance_f32(a, b, count)))
    case .sigmoid: tanh(Double(gamma) * Double(pk_dot_f32(a, b, count)) + Double(offset))
    }
  }
}
