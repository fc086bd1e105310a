import CKernels
import PinionBase
import PinionGraph

/// The index of the largest element along an axis.
package struct ArgMax: ArgExtremum {
  package static let schema = Schema("ArgMax", since: 13, inputs: ["data: numbers"], outputs: ["reduced: int64"])
  let attributes: ArgExtremumAttributes
  package init(_ reader: inout AttributeReader) throws(PinionError) { attributes = try ArgExtremumAttributes(&reader) }
  static func vectorKernel(_ element: pk_type) -> pk_arg_fn? { pk_arg_max_kernel(pk_isa_best(), element) }
  static func prefers<T: Comparable>(_ a: T, over b: T) -> Bool { a > b }
}

/// The index of the smallest element along an axis.
package struct ArgMin: ArgExtremum {
  package static let schema = Schema("ArgMin", since: 13, inputs: ["data: numbers"], outputs: ["reduced: int64"])
  let attributes: ArgExtremumAttributes
  package init(_ reader: inout AttributeReader) throws(PinionError) { attributes = try ArgExtremumAttributes(&reader) }
  static func vectorKernel(_ element: pk_type) -> pk_arg_fn? { pk_arg_min_kernel(pk_isa_best(), element) }
  static func prefers<T: Comparable>(_ a: T, over b: T) -> Bool { a < b }
}
