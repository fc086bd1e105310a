import PinionBase
import PinionTensor

/// What the small tensors of one load share: memory that they lie in together, extents and types that are alike.
///
/// Blocks of the heap for each of a hundred thousand tensors take longer to give back than a load that is stopped may go on.
final class SmallTensors {
  /// Bytes up to which a tensor is small.
  private static let limit = 1 << 10
  private static let alignment = 16
  private static let blockBytes = (first: 1 << 10, most: 1 << 16)

  private var block: Buffer?
  private var used = 0
  private var latest: TensorType?
  private var latestDeclared: ValueType?

  /// The type of these extents, with the list of the latest one where that is the same.
  func type(_ element: ElementType, _ extents: [Int64]) throws(PinionError) -> TensorType {
    if let latest, latest.rank == extents.count, zip(latest.dims, extents).allSatisfy({ Int64($0) == $1 }) {
      return TensorType(element, latest.shape)
    }
    var dims: [Int] = []
    dims.reserveCapacity(extents.count)
    for extent in extents { dims.append(try extent.converted()) }
    let type = TensorType(element, try Shape(dims))
    latest = type
    latestDeclared = nil
    return type
  }

  /// What a value is declared as that is a constant of this type.
  func declared(_ type: TensorType) -> ValueType {
    if let latestDeclared, latest == type { return latestDeclared }
    let declared = ValueType(type)
    (latest, latestDeclared) = (type, declared)
    return declared
  }

  /// A tensor of uninitialised elements.
  func tensor(_ type: TensorType) throws(PinionError) -> Tensor {
    let bytes = type.byteCount
    guard bytes <= SmallTensors.limit else { return try Tensor(type) }
    let taken = try alignedUp(max(bytes, 1), to: SmallTensors.alignment)
    if let block, taken <= block.byteCount - used {
      defer { used += taken }
      return Tensor(type, data: block.pointer + used, owner: block)
    }
    let size = min(max(SmallTensors.blockBytes.first, (block?.byteCount ?? 0) * 2), SmallTensors.blockBytes.most)
    let next = try Allocator.system.buffer(bytes: size)
    (block, used) = (next, taken)
    return Tensor(type, data: next.pointer, owner: next)
  }
}
