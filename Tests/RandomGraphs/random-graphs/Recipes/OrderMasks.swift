import PinionTensor

/// Masks of attention that hide later keys, computed from positions as exporters do.
extension GraphMaker {
  /// What is added to scores [batch, heads, rows of q, rows of past and q], with flags of attended keys among it or not, which may hide all of a row.
  func orderMask(_ q: Operand, past: Operand?, batch: Int) -> Operand? {
    guard let axis = ints([]), let zero = ints([0], shape: []), let one = ints([1], shape: []),
      let shape = node("Shape", [q], opset >= 15 ? [("start", .int(2)), ("end", .int(3))] : [])?.first,
      let rows = opset >= 15 ? shape : ints([2]).flatMap({ node("Gather", [shape, $0])?.first }), let s = node("Reshape", [rows, axis])?.first,
      var positions = node("Range", [zero, s, one])?.first
    else { return nil }
    var all = s
    if let past {
      guard let lengths = node("Shape", [past])?.first, let place = ints([2]), let length = node("Gather", [lengths, place])?.first,
        let p = node("Reshape", [length, axis])?.first, let sum = node("Add", [s, p])?.first, let later = node("Add", [positions, p])?.first
      else { return nil }
      (all, positions) = (sum, later)
    }
    guard let keys = node("Range", [zero, all, one])?.first, let columns = ints([0, 1, 2]).flatMap({ node("Unsqueeze", [keys, $0])?.first }),
      let lines = ints([0, 1, 3]).flatMap({ node("Unsqueeze", [positions, $0])?.first }),
      var flags = opset >= 16 && random.chance(0.3) ? node("GreaterOrEqual", [lines, columns])?.first : node("LessOrEqual", [columns, lines])?.first
    else { return nil }
    if random.chance(0.6) {
      guard let attended = new(.bool, [batch, 64], .plain, source: .input), let known = node("Gather", [attended, keys], [("axis", .int(1))])?.first,
        let wide = ints([1, 2]).flatMap({ node("Unsqueeze", [known, $0])?.first }), let both = node("And", random.chance(0.5) ? [flags, wide] : [wide, flags])?.first
      else { return nil }
      flags = both
    }
    let hidden: Float = random.pick([-.infinity, -.greatestFiniteMagnitude, -.greatestFiniteMagnitude, -1e30, -10_000])
    guard let nothing = float(0), let low = float(hidden) else { return nil }
    return node("Where", [flags, nothing, low])?.first
  }

  /// Attention under such a mask.
  func maskedByOrder() {
    guard opset >= 13 else { return }
    let (batch, heads, rows, depth) = (random.int(1...2), random.int(1...2), random.pick([1, 2, 3, 5]), random.pick([2, 4]))
    let before = random.chance(0.5) ? random.pick([0, 1, 4, 9]) : nil
    guard let q = new(.float32, [batch, heads, rows, depth], .plain), var k = new(.float32, [batch, heads, rows, depth], .plain),
      var v = new(.float32, [batch, heads, rows, depth], .plain)
    else { return }
    var past: Operand?
    if let before {
      guard let pastKey = new(.float32, [batch, heads, before, depth], .plain), let pastValue = new(.float32, [batch, heads, before, depth], .plain),
        let keys = node("Concat", [pastKey, k], [("axis", .int(2))])?.first, let values = node("Concat", [pastValue, v], [("axis", .int(2))])?.first
      else { return }
      (past, k, v) = (pastKey, keys, values)
    }
    guard let mask = orderMask(q, past: past, batch: batch), let turned = node("Transpose", [k], [("perm", .ints([0, 1, 3, 2]))])?.first,
      let scores = node("MatMul", [q, turned])?.first, let half = float(0.5), let scaled = node("Mul", [scores, half])?.first,
      let sum = node("Add", [scaled, mask])?.first, let weights = node("Softmax", [sum], [("axis", .int(-1))])?.first
    else { return }
    node("MatMul", [weights, v])
  }
}

extension Recipe {
  static let orderMasks: [Recipe] = [
    Recipe("Range", "LessOrEqual", "Where", "MatMul", "Softmax", from: 13, weight: 3) { $0.maskedByOrder() }
  ]
}
