import PinionBase
import PinionGraph
import PinionTensor

/// Products of groups of rows, each with its own matrix, as mixtures of experts have them.
extension Lowering {
  /// The most matrices that rows are dealt out to.
  private static let groupLimit = 4096

  /// Rows [rows, depth], sorted by group, and matrices [groups, depth, columns]; `offs` says where each group ends. Rows behind the last end are 0.
  func groupedProduct(_ c: Call) throws(PinionError) -> Term {
    let isOwn = c.base == "_grouped_mm"
    let x = try c.tensor(isOwn ? "self" : "input"), matrices = try c.tensor(isOwn ? "mat2" : "weight")
    if isOwn, c.has("bias") { throw .unsupported("a bias of a grouped product") }
    guard let ends = try c.optionalTensor("offs") else { return try matmul(x, matrices) }
    guard x.rank == 2, matrices.rank == 3, ends.rank == 1 else {
      throw .unsupported("a grouped product of tensors of rank \(x.rank) and \(matrices.rank), expected 2 and 3")
    }
    guard let groups = matrices.dims[0], groups <= Lowering.groupLimit else {
      throw .unsupported("a grouped product of more than \(Lowering.groupLimit) groups, or of as many as a run decides")
    }
    let places = try cast(ends, .int64)
    var parts: [Term] = []
    var start = Extent.known(0)
    for group in 0..<groups {
      let number = try scalar(Int64(group), .int64)
      let end = Extent.value(try gather(places, number, 0).id)
      parts.append(try matmul(try slice(x, 0, start, end), try gather(matrices, number, 0)))
      start = end
    }
    let rest = try sub(try extentTerm(try extent(x, 0)), try extentTerm(start))
    parts.append(try filled(try scalar(0.0, x.element), [.value(rest.id), try extent(matrices, 2)]))
    var result = try concat(parts, 0)
    result.dims = [x.dims[0], matrices.dims[2]]
    return result
  }
}
