import CKernels
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// An integer type that index tensors may have.
protocol IndexElement: FixedWidthInteger & SignedInteger & Element {}
extension Int32: IndexElement {}
extension Int64: IndexElement {}

extension IndexElement {
  /// The index counted from the front, where a negative one counts from the back of `extent`.
  @inline(__always)
  func position(in extent: Int) throws(PinionError) -> Int {
    let index = Int(truncatingIfNeeded: self)
    let position = index < 0 ? index &+ extent : index
    guard position >= 0, position < extent else { throw indexError(index, extent) }
    return position
  }
}

@inline(never) func indexError(_ index: Int, _ extent: Int) -> PinionError {
  .invalidValue("index \(index) is out of range for extent \(extent)")
}

/// Moves `bytes` bytes, mostly the few of one element.
@inline(__always)
func copyRun(_ to: UnsafeMutableRawPointer, _ from: UnsafeRawPointer, _ bytes: Int) {
  switch bytes {
  case 1: to.storeBytes(of: from.loadUnaligned(as: UInt8.self), as: UInt8.self)
  case 2: to.storeBytes(of: from.loadUnaligned(as: UInt16.self), as: UInt16.self)
  case 4: to.storeBytes(of: from.loadUnaligned(as: UInt32.self), as: UInt32.self)
  case 8: to.storeBytes(of: from.loadUnaligned(as: UInt64.self), as: UInt64.self)
  default: to.copyMemory(from: from, byteCount: bytes)
  }
}

/// Calls `pk_gather_elements` and throws where an index is out of range.
func gatherElements(
  _ source: UnsafeRawPointer, _ indices: UnsafeRawPointer, isWide: Bool, extent: Int, step: Int, drift: Int, width: Int,
  _ target: UnsafeMutableRawPointer, _ count: Int
) throws(PinionError) {
  guard !pk_gather_elements(source, indices, isWide, extent, step, drift, width, target, count) else { return }
  for index in 0..<count {
    _ = try isWide
      ? indices.assumingMemoryBound(to: Int64.self)[index].position(in: extent)
      : indices.assumingMemoryBound(to: Int32.self)[index].position(in: extent)
  }
}
