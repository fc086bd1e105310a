import CKernels
import PinionBase
import PinionGraph

/// The remainder of A / B, elementwise with broadcasting: with the sign of B, or with `fmod` that of A.
public struct Mod: BinaryOperator {
  public static let schema = Schema("Mod", since: 28, inputs: ["A: T", "B: T"], outputs: ["C: T"], types: ["T": .numbers])
  let truncates: Bool
  var function: pk_binary_op { truncates ? PK_BINARY_FMOD : PK_BINARY_MOD }

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    truncates = try attributes.int("fmod", default: 0, in: 0...1) == 1
  }
}
