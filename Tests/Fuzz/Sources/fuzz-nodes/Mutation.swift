import PinionTensor

/// Changes to a seed that a model from anywhere might carry.
struct Mutation {
  var choice: Choice
  /// All seeds, for attributes and inputs borrowed from others.
  let seeds: [Seed]
  /// Those of the same operator.
  let relatives: [Seed]
  /// Elements of a mutated tensor at most, so that a run stays short.
  static let elementLimit = 1 << 13

  private static let extents = [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 64, 65, 100, 257]
  private static let integers: [Int64] = [
    0, 1, -1, 2, -2, 3, 4, 5, 6, 7, 8, 16, 17, 100, -100, 127, -128, 255, 256, 1 << 15, 65535, 1 << 16, 1 << 20, 1 << 31, (1 << 31) - 1,
    -(1 << 31), 1 << 32, 1 << 40, 1 << 46, 1 << 62, .max, .min, .max - 1, .min + 1,
  ]
  private static let floats: [Double] = [
    0, -0.0, 1, -1, 0.5, -0.5, 2, 3, 1e-3, 255, 256, -129, 1e9, 2_147_483_648, -2_147_483_649, 9.3e18, 1e30, -1e30, 3.4e38, .nan, .infinity, -.infinity,
    1e-45, 1e-40, 5e-324, 1e300,
  ]

  mutating func apply(to seed: inout Seed) {
    switch choice.below(20) {
    case 0...6: changeInput(&seed)
    case 7...9: changeValues(&seed)
    case 10...13: changeAttribute(&seed)
    case 14: changeOutputs(&seed)
    case 15: wire(&seed)
    case 16: seed.inputs.isEmpty ? () : (seed.inputs[choice.below(seed.inputs.count)] = nil)
    case 17: changePlacement(&seed)
    case 18: changePlacement(&seed)
    default:
      if choice.chance(1, of: 4) { seed.opset = 1 + choice.below(27) } else { changeTogether(&seed) }
    }
  }

  // MARK: Tensors

  private mutating func withTensor(_ seed: inout Seed, _ body: (inout Mutation, inout SeedTensor) -> Void) {
    guard !seed.inputs.isEmpty else { return }
    let index = choice.below(seed.inputs.count)
    guard var input = seed.inputs[index] else { return seed.inputs[index] = borrowedInput() }
    switch input.value {
    case .tensor(var tensor):
      body(&self, &tensor)
      input.value = .tensor(tensor)
    case .sequence(var tensors):
      switch choice.below(4) {
      case 0 where !tensors.isEmpty: tensors.removeLast()
      case 1 where !tensors.isEmpty: tensors.append(tensors[0])
      case _ where !tensors.isEmpty: body(&self, &tensors[choice.below(tensors.count)])
      default: break
      }
      input.value = .sequence(tensors)
    case .map(var keys, var values):
      if choice.chance(1, of: 2) { body(&self, &values) } else { fill(&keys) }
      input.value = .map(keys: keys, values: values)
    case .none: input = borrowedInput() ?? input
    }
    seed.inputs[index] = input
  }

  private mutating func changeInput(_ seed: inout Seed) {
    withTensor(&seed) { mutation, tensor in
      switch mutation.choice.below(8) {
      case 0, 1: mutation.reshape(&tensor, to: mutation.changedRank(tensor.dims))
      case 2...5:
        guard !tensor.dims.isEmpty else { return mutation.reshape(&tensor, to: [mutation.choice.below(4)]) }
        var dims = tensor.dims
        let axis = mutation.choice.below(dims.count)
        switch mutation.choice.below(4) {
        case 0: dims[axis] += 1
        case 1: dims[axis] = max(dims[axis] - 1, 0)
        case 2: dims[axis] *= 2
        default: dims[axis] = mutation.choice.one(of: Self.extents)
        }
        mutation.reshape(&tensor, to: dims)
      case 6:
        tensor.element = mutation.choice.one(of: ElementType.allCases)
        mutation.renew(&tensor)
      default:
        // No elements, so that an extent may be huge.
        var dims = tensor.dims.isEmpty ? [0] : tensor.dims
        dims[mutation.choice.below(dims.count)] = 0
        if dims.count > 1 { dims[mutation.choice.below(dims.count)] = mutation.choice.one(of: [0, 1 << 20, 1 << 32, 1 << 40, 1 << 45]) }
        if dims.contains(0) { mutation.reshape(&tensor, to: dims) }
      }
    }
  }

  /// The same new extent wherever an old one stands, so that inputs go on fitting each other.
  private mutating func changeTogether(_ seed: inout Seed) {
    var all: [Int] = []
    for case let input? in seed.inputs { if case .tensor(let tensor) = input.value { all += tensor.dims } }
    guard !all.isEmpty else { return }
    let old = choice.one(of: all), new = choice.one(of: Self.extents)
    for index in seed.inputs.indices {
      guard var input = seed.inputs[index], case .tensor(var tensor) = input.value else { continue }
      reshape(&tensor, to: tensor.dims.map { $0 == old ? new : $0 })
      input.value = .tensor(tensor)
      seed.inputs[index] = input
    }
  }

  private mutating func changedRank(_ dims: [Int]) -> [Int] {
    var dims = dims
    switch choice.below(5) {
    case 0: dims.insert(1, at: choice.below(dims.count + 1))
    case 1 where !dims.isEmpty: dims.remove(at: choice.below(dims.count))
    case 2: dims = [dims.reduce(1, &*)]
    case 3: dims = []
    default: dims.append(choice.one(of: Self.extents))
    }
    return dims
  }

  /// Gives the tensor other extents; elements are repeated where there are too few.
  private mutating func reshape(_ tensor: inout SeedTensor, to dims: [Int]) {
    let isEmpty = dims.contains(0)
    var count = 1
    for extent in dims where !isEmpty {
      count = count.multipliedReportingOverflow(by: extent).partialValue
      guard count <= Self.elementLimit else { return }
    }
    if isEmpty { count = 0 }
    tensor.dims = dims
    let width = tensor.element.byteWidth
    if tensor.element == .string {
      let old = tensor.strings.isEmpty ? [[]] : tensor.strings
      tensor.strings = (0..<count).map { old[$0 % old.count] }
    } else {
      let old = tensor.bytes.isEmpty ? [UInt8](repeating: 0, count: width) : tensor.bytes
      tensor.bytes = (0..<count * width).map { old[$0 % old.count] }
    }
  }

  /// Elements of small value for a tensor whose element type is new.
  private mutating func renew(_ tensor: inout SeedTensor) {
    let count = tensor.dims.contains(0) ? 0 : tensor.count
    tensor.bytes = []
    tensor.strings = []
    for index in 0..<count {
      if tensor.element == .string { tensor.strings.append(Array("s\(index % 3)".utf8)) } else { tensor.append(Double(index % 5)) }
    }
  }

  private mutating func changeValues(_ seed: inout Seed) { withTensor(&seed) { $0.fill(&$1) } }

  private mutating func fill(_ tensor: inout SeedTensor) {
    guard tensor.element != .string else {
      for index in tensor.strings.indices where choice.chance(1, of: 2) { tensor.strings[index] = text() }
      return
    }
    let width = tensor.element.byteWidth, count = tensor.bytes.count / width
    guard count > 0 else { return }
    let isFloat = tensor.element.isFloatingPoint
    switch choice.below(5) {
    case 0:
      for index in tensor.bytes.indices { tensor.bytes[index] = UInt8(truncatingIfNeeded: choice.bits()) }
      tensor.narrow()
    case 1, 2:
      let value = isFloat ? choice.one(of: Self.floats) : 0, integer = choice.one(of: Self.integers)
      for index in 0..<count { isFloat ? tensor.set(index, value) : tensor.set(index, integer) }
    default:
      for _ in 0..<1 + choice.below(3) {
        let index = choice.below(count)
        isFloat ? tensor.set(index, choice.one(of: Self.floats)) : tensor.set(index, choice.one(of: Self.integers))
      }
    }
  }

  private mutating func text() -> [UInt8] {
    switch choice.below(8) {
    case 0: []
    case 1: [0xff, 0xfe, 0x80]
    case 2: Array("NaN".utf8)
    case 3: Array("1e400".utf8)
    case 4: Array("-9223372036854775809".utf8)
    case 5: Array("ÀÉ北京 \u{301}𝄞".utf8)
    case 6: [UInt8](repeating: 40, count: 1 + choice.below(300))
    default: (0..<choice.below(12)).map { _ in UInt8(truncatingIfNeeded: choice.bits()) & 0x7f }
    }
  }

  // MARK: Wiring

  private mutating func borrowedInput() -> SeedInput? {
    let inputs = choice.one(of: seeds).inputs
    guard !inputs.isEmpty, var input = inputs[choice.below(inputs.count)] else { return nil }
    input.alias = nil
    return input
  }

  private mutating func wire(_ seed: inout Seed) {
    switch choice.below(5) {
    case 0: if !seed.inputs.isEmpty { seed.inputs.removeLast() }
    case 1: if seed.inputs.count < 20 { seed.inputs.append(borrowedInput()) }
    case 2: if let copy = seed.inputs.last, seed.inputs.count < 20 { seed.inputs.append(copy) }
    case 3 where seed.inputs.count > 1:
      let target = choice.below(seed.inputs.count), source = choice.below(seed.inputs.count)
      guard target != source, let input = seed.inputs[source], input.alias == nil, !seed.inputs.contains(where: { $0?.alias == target }) else {
        return
      }
      seed.inputs[target] = input
      seed.inputs[target]?.alias = source
    default:
      guard !seed.inputs.isEmpty else { return }
      let index = choice.below(seed.inputs.count)
      if let input = borrowedInput(), !seed.inputs.contains(where: { $0?.alias == index }) { seed.inputs[index] = input }
    }
    // An alias of an input that has gone stands for itself.
    for index in seed.inputs.indices {
      if let source = seed.inputs[index]?.alias, source >= seed.inputs.count || seed.inputs[source] == nil { seed.inputs[index]?.alias = nil }
    }
  }

  private mutating func changePlacement(_ seed: inout Seed) {
    for index in seed.inputs.indices where choice.chance(1, of: 2) {
      guard case .tensor? = seed.inputs[index]?.value else { continue }
      switch choice.below(3) {
      case 0: seed.inputs[index]?.isConstant.toggle()
      case 1: seed.inputs[index]?.declaresShape.toggle()
      default: seed.inputs[index]?.isComputed.toggle()
      }
    }
  }

  private mutating func changeOutputs(_ seed: inout Seed) {
    switch choice.below(4) {
    case 0 where seed.outputs.count > 1: seed.outputs.removeLast()
    case 1 where seed.outputs.count < 8: seed.outputs.append(true)
    default:
      if !seed.outputs.isEmpty { seed.outputs[choice.below(seed.outputs.count)].toggle() }
    }
    if !seed.outputs.contains(true) { seed.outputs.append(true) }
  }

  // MARK: Attributes

  private mutating func changeAttribute(_ seed: inout Seed) {
    if seed.attributes.isEmpty || choice.chance(1, of: 5) {
      // One that another form of the operator has, or any.
      let attributes = choice.one(of: choice.chance(7, of: 8) ? relatives : seeds).attributes
      guard !attributes.isEmpty else { return }
      let taken = choice.one(of: attributes)
      if let index = seed.attributes.firstIndex(where: { $0.name == taken.name }) { seed.attributes[index] = taken } else { seed.attributes.append(taken) }
      return
    }
    let index = choice.below(seed.attributes.count)
    if choice.chance(1, of: 6) {
      seed.attributes.remove(at: index)
    } else {
      seed.attributes[index].value = changed(seed.attributes[index].value)
    }
  }

  private mutating func list<T>(_ values: [T], _ special: (inout Mutation) -> T) -> [T] {
    var values = values
    switch choice.below(6) {
    case 0: values = []
    case 1: if !values.isEmpty { values.removeLast() }
    case 2: values.append(special(&self))
    case 3: if let last = values.last { values.append(last) }
    default: if !values.isEmpty { values[choice.below(values.count)] = special(&self) }
    }
    return values
  }

  private mutating func changed(_ value: SeedAttribute) -> SeedAttribute {
    switch value {
    case .int(let old): return .int(choice.chance(1, of: 4) ? old &+ Int64(choice.below(3)) &- 1 : choice.one(of: Self.integers))
    case .ints(let values): return .ints(list(values) { $0.choice.one(of: Self.integers) })
    case .float: return .float(Float(choice.one(of: Self.floats)))
    case .floats(let values): return .floats(list(values) { Float($0.choice.one(of: Self.floats)) })
    case .string(let old):
      let others = relatives.flatMap(\.attributes).compactMap { attribute -> [UInt8]? in
        if case .string(let bytes) = attribute.value { bytes } else { nil }
      }
      return .string(choice.chance(1, of: 3) || others.isEmpty ? text() : choice.chance(1, of: 4) ? old + text() : choice.one(of: others))
    case .strings(let values): return .strings(list(values) { $0.text() })
    case .tensor(var tensor):
      if choice.chance(1, of: 2) { fill(&tensor) } else { reshape(&tensor, to: changedRank(tensor.dims)) }
      return .tensor(tensor)
    case .graph(var bytes):
      if !bytes.isEmpty, choice.chance(1, of: 2) { bytes[choice.below(bytes.count)] = UInt8(truncatingIfNeeded: choice.bits()) }
      return .graph(bytes)
    case .type: return value
    }
  }
}

extension SeedTensor {
  /// Keeps bytes that stand for a bool or a narrow type within what these can hold.
  mutating func narrow() {
    let bits = element == .bool ? 1 : element.bitWidth
    guard bits < 8 else { return }
    for index in bytes.indices { bytes[index] &= UInt8(truncatingIfNeeded: (1 << bits) - 1) }
  }

  mutating func append(_ value: Double) {
    bytes += [UInt8](repeating: 0, count: element.byteWidth)
    let last = bytes.count / element.byteWidth - 1
    if element.isFloatingPoint { set(last, value) } else { set(last, Int64(value)) }
  }

  mutating func set(_ index: Int, _ value: Double) {
    switch element {
    case .float32: store(Float(value).bitPattern, index)
    case .float64: store(value.bitPattern, index)
    case .float16: store(Float16(value).bitPattern, index)
    case .bfloat16: store(BFloat16(Float(value)).bitPattern, index)
    default: set(index, Int64(truncatingIfNeeded: value.bitPattern >> 56))
    }
  }

  mutating func set(_ index: Int, _ value: Int64) {
    for byte in 0..<element.byteWidth {
      bytes[index * element.byteWidth + byte] = UInt8(truncatingIfNeeded: byte < 8 ? value >> Int64(byte * 8) : 0)
    }
    if element == .bool || element.bitWidth < 8 { narrow() }
  }

  private mutating func store<T: FixedWidthInteger>(_ pattern: T, _ index: Int) {
    for byte in 0..<element.byteWidth { bytes[index * element.byteWidth + byte] = UInt8(truncatingIfNeeded: pattern >> T(byte * 8)) }
  }
}
