import PinionBase

/// A way through indices of int64. A negative index counts from the end.
package enum IndexedMove: String, Sendable, CaseIterable {
  /// y takes x's elements at the indices.
  case gather
  /// y's elements at the indices become the updates; of several for one place any may be the last.
  case scatter
  /// The updates are added to y's elements, in any order; float32.
  case scatterAdd
}

extension KernelCall {
  /// Along an axis, an index for each element: with data of [outer, extent, inner], indices, and the gathered or the updates, are [outer,
  /// picked, inner]. `fault`, an int32 that is INT32_MAX before, gets the position of the first index that is out of range.
  package static func elements(
    _ move: IndexedMove, elementBytes: Int, from: DeviceAddress, indices: DeviceAddress, y: DeviceAddress, fault: DeviceAddress, outer: Int,
    extent: Int, inner: Int, picked: Int
  ) throws(PinionError) -> KernelCall {
    guard outer > 0, extent > 0, inner > 0, picked > 0 else { throw .internal("indices of [\(outer), \(picked), \(inner)] for \(extent)") }
    _ = try kernelCount(try [outer, extent, inner].checkedProduct(), "indexed elements")
    let count = try kernelCount(try [outer, picked, inner].checkedProduct(), "indexed elements")
    var arguments = LaunchArguments()
    for address in [from, indices, y, fault] { arguments.add(address) }
    for number in [Int32(extent), Int32(inner), Int32(picked), count] { arguments.add(number) }
    return KernelCall(try KernelProgram(named: "scatter.cu"), try name(move, "elements", elementBytes), try loopShape(Int(count)), arguments)
  }

  /// Along the first axes of `extents`, an index of as many parts for each slice of `inner` elements: indices are [tuples, extents.count].
  /// `fault` gets the first tuple that is out of range.
  package static func tuples(
    _ move: IndexedMove, elementBytes: Int, from: DeviceAddress, indices: DeviceAddress, y: DeviceAddress, fault: DeviceAddress, extents: [Int],
    inner: Int, tuples: Int
  ) throws(PinionError) -> KernelCall {
    guard inner > 0, tuples > 0, extents.allSatisfy({ $0 > 0 }) else { throw .internal("\(tuples) indices into \(extents), \(inner) elements each") }
    guard extents.count <= MergedAxes.limit else { throw .unsupported("indices of \(extents.count) parts; CUDA kernels take up to \(MergedAxes.limit)") }
    _ = try kernelCount(try extents.checkedProduct().multiplied(by: inner), "indexed slices")
    let count = try kernelCount(try tuples.multiplied(by: inner), "indexed slices")
    var arguments = LaunchArguments()
    for address in [from, indices, y, fault] { arguments.add(address) }
    let padded = extents.map { Int32(truncatingIfNeeded: $0) } + [Int32](repeating: 1, count: MergedAxes.limit - extents.count)
    arguments.add(structure: [Int32(extents.count)] + padded + [Int32(inner)])
    arguments.add(count)
    return KernelCall(try KernelProgram(named: "scatter.cu"), try name(move, "tuples", elementBytes), try loopShape(Int(count)), arguments)
  }

  private static func name(_ move: IndexedMove, _ what: String, _ bytes: Int) throws(PinionError) -> String {
    guard [1, 2, 4, 8].contains(bytes), move != .scatterAdd || bytes == 4 else { throw .unsupported("no CUDA kernel to \(move.rawValue) elements of \(bytes) bytes") }
    return move == .scatterAdd ? "scatter_\(what)_add_f32" : "\(move.rawValue)_\(what)_\(bytes)"
  }
}
