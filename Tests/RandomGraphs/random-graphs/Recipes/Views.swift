import PinionTensor

extension GraphMaker {
  /// A value under another shape: a node that has nothing to compute, or nearly nothing.
  func view(of x: Operand) {
    guard x.tensor != nil else { return }
    switch random.below(12) {
    case 0, 1: reshape(x)
    case 2: node("Flatten", [x], [("axis", .int(random.int(0...x.rank)))])
    case 3, 4:
      let unit = x.dims.indices.filter { x.dims[$0] == 1 }
      guard !unit.isEmpty else { return reshape(x) }
      let chosen = unit.filter { _ in random.chance(0.7) }
      if random.chance(0.2) { node("Squeeze", [x]) } else
      if opset < 13 { node("Squeeze", [x], [("axes", .ints(chosen.isEmpty ? unit : chosen))]) } else
      { node("Squeeze", [x, ints(chosen.isEmpty ? unit : chosen)]) }
    case 5, 6:
      guard x.rank < 6 else { return }
      let axes = random.chance(0.7) ? [random.int(0...x.rank)] : [0, x.rank + 1]
      if opset < 13 { node("Unsqueeze", [x], [("axes", .ints(axes))]) } else { node("Unsqueeze", [x, ints(axes)]) }
    case 7, 8:
      guard x.rank > 0 else { return }
      // With extents of 1 a transposition may move nothing.
      var order = Array(0..<x.rank)
      if random.chance(0.5), let unit = x.dims.firstIndex(of: 1) {
        order.remove(at: unit)
        order.insert(unit, at: random.int(0...order.count))
      } else {
        order = random.shuffled(order)
      }
      node("Transpose", [x], random.chance(0.1) ? [] : [("perm", .ints(order))])
    case 9: node("Identity", [x])
    case 10: split(x, axis: 0)
    default: slice(x, step: 1)
    }
  }

  func reshape(_ x: Operand) {
    var dims: [Int] = []
    var rest = max(x.count, 1)
    while rest > 1, dims.count < 4 {
      let divisors = (1...min(rest, 33)).filter { rest % $0 == 0 }
      let divisor = dims.count == 3 ? rest : random.pick(divisors)
      dims.append(divisor)
      rest /= divisor
    }
    if rest > 1 { dims.append(rest) }
    dims = random.shuffled(dims)
    if random.chance(0.2) { dims = [x.count] }
    if random.chance(0.2) { dims.insert(1, at: 0) }
    if x.count == 0 { dims = [0, 3] }
    var isZeroLiteral = x.count == 0
    if x.count > 0, random.chance(0.5), !dims.isEmpty { dims[random.below(dims.count)] = -1 }
    if x.count > 0, random.chance(0.2), !dims.isEmpty, !x.dims.isEmpty, dims[0] == x.dims[0] { dims[0] = 0 }
    if opset < 14 { isZeroLiteral = false }
    if opset < 5 { node("Reshape", [x], [("shape", .ints(dims))]) } else
    { node("Reshape", [x, ints(dims)], isZeroLiteral ? [("allowzero", .int(1))] : []) }
  }

  func split(_ x: Operand, axis: Int) {
    guard x.rank > 0, x.dims[axis] > 1 else { return }
    let extent = x.dims[axis], cut = random.int(1...(extent - 1))
    let sizes = random.chance(0.3) && extent % 2 == 0 ? [extent / 2, extent / 2] : [cut, extent - cut]
    let written = random.chance(0.3) ? axis - x.rank : axis
    if opset < 13 {
      node("Split", [x], outputs: 2, [("axis", .int(opset >= 11 ? written : axis)), ("split", .ints(sizes))])
    } else {
      node("Split", [x, ints(sizes)], outputs: 2, [("axis", .int(written))])
    }
  }

  func slice(_ x: Operand, step: Int) {
    guard x.rank > 0 else { return }
    let axis = random.chance(0.6) ? 0 : random.below(x.rank)
    let extent = x.dims[axis]
    var start = random.int(0...max(extent - 1, 0)), end = random.int(start...max(extent, start))
    if random.chance(0.2) { end = 1 << 40 }
    if step < 0 { (start, end) = (end, random.chance(0.5) ? -1 << 40 : 0) }
    if random.chance(0.2), extent > 0, step > 0 { start -= extent }
    if opset < 10 {
      guard step == 1 else { return }
      node("Slice", [x], [("axes", .ints([axis])), ("starts", .ints([start])), ("ends", .ints([end]))])
    } else {
      node("Slice", [x, ints([start]), ints([end]), ints([axis]), step == 1 && random.chance(0.5) ? nil : ints([step])])
    }
  }
}

extension Recipe {
  static let views: [Recipe] = [
    Recipe("Reshape", "Flatten", "Squeeze", "Unsqueeze", "Transpose", "Identity", "Split", "Slice", weight: 50) { g in
      guard let x = g.tensor(anything) else { return }
      g.view(of: x)
    },
    Recipe("Slice", "Split", weight: 8) { g in
      guard let x = g.tensor(anything, ranks: 1...4) else { return }
      if g.random.chance(0.5) { g.slice(x, step: g.random.pick([2, -1, -2, 3])) } else { g.split(x, axis: g.random.below(x.rank)) }
    },
    Recipe("Expand", from: 8) { g in
      guard let x = g.tensor(anything) else { return }
      var dims = x.dims.map { $0 == 1 && g.random.chance(0.6) ? g.random.int(1...4) : g.random.chance(0.2) ? 1 : $0 }
      if g.random.chance(0.3) { dims.insert(g.random.int(1...3), at: 0) }
      g.node("Expand", [x, g.ints(dims)])
    },
  ]
}
