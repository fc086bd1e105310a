import PinionBase

extension KernelCall {
  /// y = x with its axes in the order of `permutation`.
  package static func transpose(
    elementBytes: Int, x: DeviceAddress, y: DeviceAddress, shape: [Int], permutation: [Int]
  ) throws(PinionError) -> KernelCall {
    guard permutation.sorted() == Array(shape.indices), shape.allSatisfy({ $0 > 0 }) else {
      throw .internal("a transposition of \(shape) by \(permutation)")
    }
    let count = try kernelCount(try shape.checkedProduct(), "a transposition")
    try requireUnit(elementBytes)
    var steps = [Int](repeating: 1, count: shape.count)
    for axis in shape.indices.dropLast().reversed() { steps[axis] = steps[axis + 1] * shape[axis + 1] }
    let axes = try MergedAxes(extents: permutation.map { shape[$0] }, steps: [permutation.map { steps[$0] }])
    var arguments = LaunchArguments()
    arguments.add(x)
    arguments.add(y)
    // The last two axes change places, within a batch of one or no axis: tiles. y is [batch, columns of x, rows of x].
    let extents = axes.extents, order = axes.steps[0]
    if extents.count >= 2, extents.count <= 3 {
      let batch = extents.count == 3 ? extents[0] : 1
      let columns = extents[extents.count - 2], rows = extents[extents.count - 1]
      let isSwap = order[order.count - 2] == 1 && order[order.count - 1] == columns && (extents.count == 2 || order[0] == rows * columns)
      if isSwap, batch <= 65_535, (rows + 31) / 32 <= 65_535 {
        arguments.add(Int32(rows))
        arguments.add(Int32(columns))
        let shape = try LaunchShape(x: (columns + 31) / 32, y: (rows + 31) / 32, z: batch, threads: 256)
        return KernelCall(try KernelProgram(named: "movement.cu"), "transpose_\(elementBytes)", shape, arguments)
      }
    }
    arguments.add(count)
    arguments.add(structure: try axes.structure())
    return KernelCall(try KernelProgram(named: "movement.cu"), "move_\(elementBytes)", try loopShape(Int(count)), arguments)
  }

  /// y[outer, indices, inner] = x[outer, index, inner]. `fault`, an int32 that is INT32_MAX before, gets the position of the first
  /// index that is out of range.
  package static func gather(
    elementBytes: Int, indexElement: KernelElement, x: DeviceAddress, indices: DeviceAddress, y: DeviceAddress, fault: DeviceAddress,
    outer: Int, extent: Int, inner: Int, indexCount: Int
  ) throws(PinionError) -> KernelCall {
    guard indexElement == .i32 || indexElement == .i64 else { throw .internal("indices of \(indexElement.rawValue)") }
    guard outer > 0, extent > 0, inner > 0, indexCount > 0 else {
      throw .internal("a gathering of \(indexCount) from [\(outer), \(extent), \(inner)]")
    }
    let (unit, units) = try widest(elementBytes, inner, [x, y])
    _ = try kernelCount(try [outer, extent, units].checkedProduct(), "a gathering")
    let count = try kernelCount(try [outer, indexCount, units].checkedProduct(), "a gathering")
    var arguments = LaunchArguments()
    for address in [x, indices, y, fault] { arguments.add(address) }
    for number in [Int32(extent), Int32(units), Int32(indexCount), count] { arguments.add(number) }
    return KernelCall(
      try KernelProgram(named: "movement.cu"), "gather_\(unit)_\(indexElement.rawValue)", try loopShape(Int(count)), arguments)
  }

  /// One part of a concatenation along an axis: x[outer, width] to y[outer, pitch] from `offset` on; all but outer in elements.
  package static func concatPart(
    elementBytes: Int, x: DeviceAddress, y: DeviceAddress, outer: Int, width: Int, offset: Int, pitch: Int
  ) throws(PinionError) -> KernelCall {
    guard outer > 0, width > 0, offset >= 0, pitch >= (try offset.adding(width)) else {
      throw .internal("a part of \(width) at \(offset) of \(pitch)")
    }
    let start = y.offset(by: try offset.multiplied(by: elementBytes))
    return try rows(elementBytes, x, start, outer, width, fromPitch: width, toPitch: pitch)
  }

  /// One part of a split along an axis: x[outer, pitch] from `offset` on to y[outer, width].
  package static func splitPart(
    elementBytes: Int, x: DeviceAddress, y: DeviceAddress, outer: Int, width: Int, offset: Int, pitch: Int
  ) throws(PinionError) -> KernelCall {
    guard outer > 0, width > 0, offset >= 0, pitch >= (try offset.adding(width)) else {
      throw .internal("a part of \(width) at \(offset) of \(pitch)")
    }
    let start = x.offset(by: try offset.multiplied(by: elementBytes))
    return try rows(elementBytes, start, y, outer, width, fromPitch: pitch, toPitch: width)
  }

  private static func rows(
    _ elementBytes: Int, _ x: DeviceAddress, _ y: DeviceAddress, _ outer: Int, _ width: Int, fromPitch: Int, toPitch: Int
  ) throws(PinionError) -> KernelCall {
    try requireUnit(elementBytes)
    var unit = elementBytes
    let bytes = try [width, fromPitch, toPitch].map { length throws(PinionError) in try length.multiplied(by: elementBytes) }
    while unit < 16, bytes.allSatisfy({ $0 % (unit * 2) == 0 }), [x, y].allSatisfy({ $0.bits % UInt64(unit * 2) == 0 }) { unit *= 2 }
    _ = try kernelCount(try outer.multiplied(by: max(bytes[1], bytes[2]) / unit), "a copy")
    let count = try kernelCount(try outer.multiplied(by: bytes[0] / unit), "a copy")
    var arguments = LaunchArguments()
    arguments.add(x)
    arguments.add(y)
    for length in bytes { arguments.add(try (length / unit).converted(to: Int32.self)) }
    arguments.add(count)
    return KernelCall(try KernelProgram(named: "movement.cu"), "copy_rows_\(unit)", try loopShape(Int(count)), arguments)
  }

  /// The widest unit that slices of `inner` elements and the addresses are made of, and how many of it a slice has.
  private static func widest(_ elementBytes: Int, _ inner: Int, _ addresses: [DeviceAddress]) throws(PinionError) -> (unit: Int, count: Int) {
    try requireUnit(elementBytes)
    let bytes = try inner.multiplied(by: elementBytes)
    var unit = elementBytes
    while unit < 16, bytes % (unit * 2) == 0, addresses.allSatisfy({ $0.bits % UInt64(unit * 2) == 0 }) { unit *= 2 }
    return (unit, bytes / unit)
  }

  private static func requireUnit(_ bytes: Int) throws(PinionError) {
    guard [1, 2, 4, 8, 16].contains(bytes) else { throw .internal("elements of \(bytes) bytes") }
  }
}
