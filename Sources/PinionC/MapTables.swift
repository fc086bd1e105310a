import CPinion
import Glibc
import Pinion

/// The pairs of all maps of a sequence in a few tensors.
private struct MapTables {
  let keys: Tensor
  let values: Tensor
  /// Where each map's pairs begin, and the end; nil where all have the same keys.
  let offsets: Tensor?

  init(_ maps: [Value], keyType: ElementType, valueType: ElementType) throws(PinionError) {
    if let table = try MapTables.table(maps, keyType, valueType) {
      (keys, values) = table
      offsets = nil
      return
    }
    var allKeys: [Tensor] = []
    var allValues: [Tensor] = []
    var ends: [Int64] = [0]
    var count = 0
    for map in maps {
      let part = try map.asMap()
      guard part.keys.element == keyType, part.values.element == valueType else {
        throw .invalidShape("a map of \(part.keys.element) to \(part.values.element) among maps of \(keyType) to \(valueType)")
      }
      allKeys.append(part.keys)
      allValues.append(part.values)
      count = try count.adding(part.keys.count)
      ends.append(Int64(count))
    }
    keys = try concatenated(allKeys, keyType, .vector(count))
    values = try concatenated(allValues, valueType, .vector(count))
    offsets = try Tensor(vector: ends)
  }

  /// Keys and a row of values for each map; nil where not all have the keys of the first.
  private static func table(
    _ maps: [Value], _ keyType: ElementType, _ valueType: ElementType
  ) throws(PinionError) -> (keys: Tensor, values: Tensor)? {
    // Strings would need an owner for each row.
    guard valueType != .string, case .map(let first, _)? = maps.first, first.element == keyType else { return nil }
    let values = try Tensor(TensorType(valueType, try Shape([maps.count, first.count])))
    let rowBytes = first.count &* valueType.byteWidth
    var row = values.data
    for map in maps {
      guard case .map(let keys, let scores) = map, keys.element == keyType, scores.element == valueType, scores.byteCount == rowBytes,
        try haveSameElements(keys, first)
      else { return nil }
      row.copyMemory(from: scores.data, byteCount: rowBytes)
      row += rowBytes
    }
    return (first, values)
  }
}

private func haveSameElements(_ a: Tensor, _ b: Tensor) throws(PinionError) -> Bool {
  guard a.count == b.count else { return false }
  if a.data == b.data { return true }
  guard a.element == .string else { return memcmp(a.data, b.data, a.byteCount) == 0 }
  let first = try a.unsafeElements(as: StringElement.self), second = try b.unsafeElements(as: StringElement.self)
  // Maps of one operator mostly point to the same text.
  return zip(first, second).allSatisfy { ($0.start == $1.start && $0.count == $1.count) || $0 == $1 }
}

private func concatenated(_ tensors: [Tensor], _ element: ElementType, _ shape: Shape) throws(PinionError) -> Tensor {
  let result = try Tensor(TensorType(element, shape))
  var position = 0
  for tensor in tensors {
    let end = try position.adding(tensor.byteCount)
    guard end <= result.byteCount else { throw .internal("maps of more pairs than were counted") }
    (result.data + position).copyMemory(from: tensor.data, byteCount: tensor.byteCount)
    position = end
  }
  guard position == result.byteCount else { throw .invalidShape("a map has more keys than values") }
  return result.keepingAlive(tensors.map(\.owner))
}

@c @implementation
public func pinion_sequence_get_maps(
  _ sequence: OpaquePointer!, _ keys: UnsafeMutablePointer<OpaquePointer?>!, _ values: UnsafeMutablePointer<OpaquePointer?>!,
  _ offsets: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let keys = try required(keys, "keys"), values = try required(values, "values"), offsets = try required(offsets, "offsets")
    keys.pointee = nil
    values.pointee = nil
    offsets.pointee = nil
    guard case .sequence(let maps, .map(let key, .tensor(let content, _)))? = valueBox(sequence)?.value else {
      throw .invalidArgument("the value is no sequence of maps")
    }
    let tables = try MapTables(maps, keyType: key, valueType: content)
    let boxes = (try ValueBox(.tensor(tables.keys)), try ValueBox(.tensor(tables.values)))
    if let places = tables.offsets { offsets.pointee = handle(try ValueBox(.tensor(places))) }
    keys.pointee = handle(boxes.0)
    values.pointee = handle(boxes.1)
  }
}
