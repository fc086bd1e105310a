import Glibc
import PinionGraph
import PinionTensor

/// What is known of each value of a graph.
typealias KnowledgeTable = SharedTable<Knowledge>

/// How far a value is known while a plan is built.
enum Knowledge: Sendable {
  /// Not computed before the segment ends.
  case unknown
  case constant(Tensor)
  /// A tensor of this type will be there.
  case tensor(TensorType)
  /// A sequence, optional or map will be there.
  case other

  /// The type of a tensor that is or will be there.
  var type: TensorType? {
    switch self {
    case .constant(let tensor): tensor.type
    case .tensor(let type): type
    case .unknown, .other: nil
    }
  }

  /// Constants up to this size are compared by their elements, larger ones by where they lie.
  private static let comparedBytes = 1024

  /// Whether a plan made under one holds under the other.
  func isSame(as other: Knowledge) -> Bool {
    switch (self, other) {
    case (.unknown, .unknown), (.other, .other): true
    case (.tensor(let a), .tensor(let b)): a == b
    case (.constant(let a), .constant(let b)):
      a.isSameMemory(as: b)
        || (a.type == b.type && a.element != .string && a.byteCount <= Knowledge.comparedBytes && memcmp(a.data, b.data, a.byteCount) == 0)
    default: false
    }
  }
}
