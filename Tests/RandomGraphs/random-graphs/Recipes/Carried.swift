import PinionTensor

/// What a state keeps: caches that grow, states of recurrent networks, and values that look like either.
extension GraphMaker {
  func addCarried() {
    let makers: [(weight: Int, make: () -> Void)] = [
      (5, concatenation), (opset >= 23 ? 5 : 0, attention), (2, attentionOfMicrosoft), (3, exportedAttention), (3, replacement), (1, passage), (1, exchange), (1, window),
      (1, cacheInOneTensor), (3, groupQuery), (1, recurrence), (3, branches),
    ]
    stateRows = (random.pick([0, 1, 2, 4, 15, 16]), random.pick([1, 1, 2, 5, 5, 5]))
    let total = makers.reduce(0) { $0 + $1.weight }
    for _ in 0..<random.int(1...2) {
      for _ in 0..<8 {
        let before = carried.count
        var roll = random.below(total)
        for maker in makers {
          if roll < maker.weight {
            maker.make()
            break
          }
          roll -= maker.weight
        }
        if carried.count > before { break }
      }
    }
  }

  /// An input whose next value a run gives.
  private func past(_ element: ElementType, _ dims: [Int], growing axis: Int?) -> Operand? {
    guard let tensor = try? random.tensor(element, dims, element == .string ? .plain : contents()) else { return nil }
    // Names tell more than data does where the graph says nothing.
    let name = freshName(random.pick(axis == nil ? ["h", "h", "past_"] : ["past_", "past_", "cache", "x"]))
    let isOpen = random.chance(0.3)
    let declared = dims.enumerated().map { index, extent -> Dimension in
      if index == axis { return random.chance(0.5) ? .unknown : .symbol("P") }
      return isOpen ? GraphMaker.symbols[extent].map(Dimension.symbol) ?? .unknown : .known(extent)
    }
    scopes[0].graph.inputs.append(ValueSpec(name: name, type: .tensor(element, dims: declared)))
    feeds[name] = .tensor(tensor)
    return register(name, .tensor(tensor), isConstant: false, scope: 0)
  }

  private func carry(_ past: Operand, as present: Operand?) {
    guard let present, !carried.contains(where: { $0.name == present.name }) else { return }
    spec.carried.append(CarriedSpec(input: past.name, output: present.name))
    carried.append(present)
  }

  // One length for all, as a state has.
  private var newRows: Int { stateRows.new }
  private var earlier: Int { stateRows.earlier }

  private func concatenation() {
    let rank = random.int(1...4), axis = random.below(rank)
    var dims = (0..<rank).map { _ in random.pick([1, 2, 2, 3, 4]) }
    dims[axis] = earlier
    var rows = dims
    rows[axis] = newRows
    let element = random.pick([.float32, .float32, .float16, .bfloat16, .int64, .uint8, .float64, .bool] as [ElementType])
    guard let past = past(element, dims, growing: axis), var new = new(element, rows, .plain) else { return }
    if numbers.contains(element), !element.isUnsignedInteger, random.chance(0.5), let other = node("Neg", [new])?.first { new = other }
    let isFront = random.chance(0.1)
    let third = random.chance(0.1) ? self.new(element, rows, .plain) : nil
    let operands = (isFront ? [new, past] : [past, new]) + (third.map { [$0] } ?? [])
    guard let present = node("Concat", operands, [("axis", .int(random.chance(0.3) ? axis - rank : axis))])?.first else { return }
    if random.chance(0.3) { node("Shape", [random.pick([past, present])]) }
    if random.chance(0.3) { node("Identity", [random.pick([past, present])]) }
    carry(past, as: random.chance(0.1) ? node("Identity", [present])?.first : present)
  }

  private func attention() {
    let (batch, heads, rows, depth) = (random.pick([1, 1, 2]), random.pick([1, 2, 4]), newRows, random.pick([2, 4, 8]))
    let element = random.pick([.float32, .float32, .float32, .float16, .bfloat16, .float64] as [ElementType])
    let keyHeads = heads % 2 == 0 && random.chance(0.4) ? heads / 2 : heads, before = earlier
    let isFlat = random.chance(0.4)
    func new(_ heads: Int) -> Operand? {
      isFlat ? self.new(element, [batch, rows, heads * depth], .plain, source: .input) : self.new(element, [batch, heads, rows, depth], .plain, source: .input)
    }
    guard let q = new(heads), let k = new(keyHeads), let v = new(keyHeads), let pastKey = past(element, [batch, keyHeads, before, depth], growing: 2),
      let pastValue = past(element, [batch, keyHeads, before, depth], growing: 2)
    else { return }
    var attributes: [(name: String, value: AttributeSpec)] = [("is_causal", .int(random.below(2)))]
    if isFlat { attributes += [("q_num_heads", .int(heads)), ("kv_num_heads", .int(keyHeads))] }
    if random.chance(0.2) { attributes.append(("softcap", .float(2))) }
    // A mask for all rows that there will be: what is cut off it follows from the keys.
    var mask: Operand?
    if random.chance(0.4), let whole = self.new(random.chance(0.5) ? .bool : element, [rows, 64], .plain, source: random.pick([.input, .initializer])),
      let shape = node("Shape", [pastKey], [("start", .int(2)), ("end", .int(3))])?.first, let count = ints([rows]), let total = node("Add", [shape, count])?.first,
      let zero = ints([0]), let one = ints([1]) {
      mask = node("Slice", [whole, zero, total, one])?.first
    }
    let named = [true, true, true]
    guard let outputs = node("Attention", [q, k, v, mask, pastKey, pastValue], outputs: 3, attributes, named: named) else { return }
    let isSwapped = random.chance(0.05)
    carry(pastKey, as: outputs[isSwapped ? 2 : 1])
    if random.chance(0.95) { carry(pastValue, as: outputs[isSwapped ? 1 : 2]) }
  }

  private func attentionOfMicrosoft() {
    let (batch, rows, heads, depth, before) = (random.int(1...2), newRows, random.int(1...2), 4, earlier)
    let element = random.pick([.float32, .float32, .float16, .bfloat16] as [ElementType])
    guard let q = new(element, [batch, rows, heads * depth], .plain, source: .input), let k = new(element, [batch, rows, heads * depth], .plain, source: .input),
      let v = new(element, [batch, rows, heads * depth], .plain, source: .input), let pastKey = past(element, [batch, heads, before, depth], growing: 2),
      let pastValue = past(element, [batch, heads, before, depth], growing: 2)
    else { return }
    let bias = random.chance(0.4) ? new(element, [3 * heads * depth], .plain) : nil
    guard let outputs = node(
      "MultiHeadAttention", [q, k, v, bias, nil, nil, pastKey, pastValue], outputs: 3, [("num_heads", .int(heads)), ("unidirectional", .int(random.below(2)))],
      domain: "com.microsoft")
    else { return }
    carry(pastKey, as: outputs[1])
    carry(pastValue, as: outputs[2])
  }

  /// A decoder step as exporters write it.
  private func exportedAttention() {
    guard opset >= 13 else { return }
    let (batch, headCount, rows, depth, before) = (random.pick([1, 1, 2]), random.pick([1, 2, 4]), newRows, random.pick([2, 4]), earlier)
    let element = random.pick([.float32, .float32, .float32, .float16, .bfloat16] as [ElementType])
    guard let x = new(element, [batch, rows, headCount * depth], .plain, source: .input) else { return }
    func heads(_ x: Operand) -> Operand? {
      guard let w = new(element, [headCount * depth, headCount * depth], .plain, source: .initializer), let p = node("MatMul", [x, w])?.first,
        let shape = ints([batch, -1, headCount, depth]), let r = node("Reshape", [p, shape])?.first
      else { return nil }
      return node("Transpose", [r], [("perm", .ints([0, 2, 1, 3]))])?.first
    }
    guard let q = heads(x), let k = heads(x), let v = heads(x), let pastKey = past(element, [batch, headCount, before, depth], growing: 2),
      let pastValue = past(element, [batch, headCount, before, depth], growing: 2), let keys = node("Concat", [pastKey, k], [("axis", .int(2))])?.first,
      let values = node("Concat", [pastValue, v], [("axis", .int(random.pick([2, -2])))])?.first, let turned = node("Transpose", [keys], [("perm", .ints([0, 1, 3, 2]))])?.first,
      let scores = node("MatMul", [q, turned])?.first, let factor = element == .float32 ? float(0.5) : new(element, [], .plain, source: .initializer), let scaled = node("Mul", [scores, factor])?.first,
      let masked = element == .float32 && random.chance(0.5) ? orderMask(q, past: pastKey, batch: batch).flatMap({ node("Add", [scaled, $0])?.first }) : scaled,
      let weights = node("Softmax", [masked], [("axis", .int(-1))])?.first, let y = node("MatMul", [weights, values])?.first,
      let z = node("Transpose", [y], [("perm", .ints([0, 2, 1, 3]))])?.first, let shape = ints([0, 0, -1])
    else { return }
    carry(pastKey, as: keys)
    carry(pastValue, as: values)
    node("Reshape", [z, shape])
  }

  /// A value that each run makes anew, of the same type or of one that grows.
  private func replacement() {
    let element = random.pick([.float32, .float32, .float16, .int64, .float64] as [ElementType]), dims = shape(rank: random.int(0...3))
    guard let past = past(element, dims, growing: nil) else { return }
    var present = past
    for _ in 0..<random.int(1...3) {
      if random.chance(0.5), let other = new(element, random.chance(0.5) ? dims : [], .plain), let sum = node(random.pick(["Add", "Sub", "Mul"]), [present, other])?.first {
        present = sum
      } else if let changed = node(random.pick(["Neg", "Abs", "Relu", "Identity"]), [present])?.first { present = changed }
    }
    guard present.name != past.name else { return }
    carry(past, as: present)
  }

  private func passage() {
    guard let past = past(.float32, [2, 3], growing: nil), let y = node("Identity", [past])?.first else { return }
    carry(past, as: y)
    node("Neg", [past])
  }

  /// Two values that take each other's place.
  private func exchange() {
    guard let a = past(.float32, [2, 5], growing: nil), let b = past(.float32, [2, 5], growing: nil), let x = node(random.pick(["Identity", "Neg"]), [a])?.first,
      let y = node("Identity", [b])?.first
    else { return }
    carry(a, as: y)
    carry(b, as: x)
  }

  /// The last rows of what was and what is.
  private func window() {
    let width = random.int(1...4)
    guard let past = past(.float32, [2, width], growing: random.chance(0.5) ? 1 : nil), let new = new(.float32, [2, newRows], .plain),
      let all = node("Concat", [past, new], [("axis", .int(1))])?.first
    else { return }
    if opset >= 10 {
      guard let start = ints([-width]), let end = ints([1000]), let axes = ints([1]), let last = node("Slice", [all, start, end, axes])?.first else { return }
      carry(past, as: last)
    } else {
      carry(past, as: node("Slice", [all], [("starts", .ints([-width])), ("ends", .ints([1000])), ("axes", .ints([1]))])?.first)
    }
  }

  private func cacheInOneTensor() {
    let (batch, rows, heads, depth, before) = (random.int(1...2), newRows, random.int(1...2), 4, earlier), hidden = heads * depth
    guard let x = new(.float32, [batch, rows, hidden], .plain, source: .input), let w = new(.float32, [hidden, 3 * hidden], .plain, source: .initializer),
      let b = new(.float32, [3 * hidden], .plain), let past = past(.float32, [2, batch, heads, before, depth], growing: 3)
    else { return }
    guard let outputs = node("Attention", [x, w, b, nil, past], outputs: 2, [("num_heads", .int(heads)), ("unidirectional", .int(1))], domain: "com.microsoft") else { return }
    carry(past, as: outputs[1])
  }

  /// Caches that grow or are as long as they can become, with sequences that end at different rows, alone and among other nodes in half precision.
  private func groupQuery() {
    let (batch, rows, depth) = (random.int(1...3), newRows, 8), keyHeads = random.int(1...2), heads = keyHeads * random.int(1...2)
    let element = random.pick([.float32, .float32, .float16, .bfloat16] as [ElementType])
    let isFixed = random.chance(0.3), before = isFixed ? rows + random.below(20) : earlier
    let cache = [batch, keyHeads, before, depth]
    guard let q = new(element, [batch, rows, heads * depth], .plain, source: .input), var k = new(element, [batch, rows, keyHeads * depth], .plain, source: .input),
      let v = new(element, [batch, rows, keyHeads * depth], .plain, source: .input), let pastKey = past(element, cache, growing: isFixed ? nil : 2),
      let pastValue = past(element, cache, growing: isFixed ? nil : 2)
    else { return }
    if random.chance(0.4), let other = node("Softmax", [k], [("axis", .int(-1))])?.first { k = other }
    let missing = (0..<batch).map { _ in random.chance(0.4) ? random.int(0...2) : 0 }
    let total: Operand?, lengths: Operand?
    if isFixed {
      let end = random.int(rows...before)
      total = ints([end], .int32)
      lengths = ints(missing.map { max(end - 1 - $0, rows - 1) }, .int32)
    } else {
      guard let shape = node("Shape", [pastKey])?.first, let place = ints([2]), let length = node("Gather", [shape, place])?.first, let count = ints([rows]),
        let sum = node("Add", [length, count])?.first, let less = ints(missing.map { $0 + 1 }), var last = node("Sub", [sum, less])?.first
      else { return }
      if opset >= 12, let least = ints([rows - 1]), let more = node("Max", [last, least])?.first { last = more }
      total = node("Cast", [sum], [("to", .int(6))])?.first
      lengths = node("Cast", [last], [("to", .int(6))])?.first
    }
    guard let total, let lengths,
      let outputs = node(
        "GroupQueryAttention", [q, k, v, pastKey, pastValue, lengths, total], outputs: 3, [("num_heads", .int(heads)), ("kv_num_heads", .int(keyHeads))],
        domain: "com.microsoft")
    else { return }
    if random.chance(0.4) { node("Softmax", [outputs[0]], [("axis", .int(-1))]) }
    carry(pastKey, as: outputs[1])
    carry(pastValue, as: outputs[2])
  }

  private func recurrence() {
    let (batch, inputs, hidden) = (2, 3, random.pick([2, 4]))
    guard opset >= 7, let x = new(.float32, [newRows, batch, inputs], .plain, source: .input), let w = new(.float32, [1, 3 * hidden, inputs], .plain, source: .initializer),
      let r = new(.float32, [1, 3 * hidden, hidden], .plain, source: .initializer), let past = past(.float32, [1, batch, hidden], growing: nil),
      let outputs = node("GRU", [x, w, r, nil, nil, past], outputs: 2, [("hidden_size", .int(hidden))])
    else { return }
    carry(past, as: outputs[1])
  }

  /// Caches of attention that grow in one branch of an If, which a truth value decides, as in decoders exported with and without a past in one file.
  private func branches() {
    let (batch, heads, rows, depth, before) = (random.pick([1, 1, 2]), random.pick([1, 2]), newRows, random.pick([2, 4]), earlier)
    let element = random.pick([.float32, .float32, .float32, .float16] as [ElementType]), dims = [batch, heads, rows, depth]
    guard let flag = new(.bool, random.pick([[], [1]]), .plain, source: .input), let condition = random.chance(0.3) ? node("Not", [flag])?.first : flag,
      let q = new(element, dims, .plain, source: .input), let k = new(element, dims, .plain, source: .input), let v = new(element, dims, .plain, source: .input),
      let pastKey = past(element, [batch, heads, before, depth], growing: 2), let pastValue = past(element, [batch, heads, before, depth], growing: 2)
    else { return }
    func branch(_ course: Int) -> GraphSpec? {
      subgraph { g, _ in
        func cache(_ past: Operand, _ new: Operand) -> Operand? {
          switch course {
          case 0: g.node("Concat", [past, new], [("axis", .int(2))])?.first
          case 1: g.node("Identity", [new])?.first
          case 2: g.node("Concat", [new, past], [("axis", .int(2))])?.first
          default: g.node("Identity", [past])?.first
          }
        }
        guard let keys = cache(pastKey, k), let values = cache(pastValue, v), let turned = g.node("Transpose", [keys], [("perm", .ints([0, 1, 3, 2]))])?.first,
          let scores = g.node("MatMul", [q, turned])?.first, let weights = g.node("Softmax", [scores], [("axis", .int(-1))])?.first,
          let y = g.node("MatMul", [weights, values])?.first
        else { return nil }
        return [y, keys, values].map(g.declaration)
      }
    }
    let courses = random.shuffled([0, random.pick([0, 1, 1, 1, 2, 3])])
    guard let first = branch(courses[0]), let second = branch(courses[1]),
      let outputs = node("If", [condition], outputs: 3, [("then_branch", .graph(first)), ("else_branch", .graph(second))])
    else { return }
    carry(pastKey, as: outputs[1])
    carry(pastValue, as: outputs[2])
  }
}
