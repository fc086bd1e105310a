import PinionBase
import PinionTensor

/// How far an output may be from the reference where another order of roundings is allowed: between optimisation level 0 and 2,
/// between levels of instructions, and between runtimes.
///
/// The model is computed a few times more with every floating-point input, constant and intermediate number moved up or down at
/// random by a few units of its last place. An output may differ by `factor` times what that moves the output's tensor by, and by
/// `factor` units of the last place of its largest number. Numbers that are no longer finite (or finite again), and integers that are others in any of
/// these runs, are not compared: the model itself decides there by a hair's breadth. Nor are elements that an infinite product or power
/// of finite numbers has made what they are (a fused norm scales its squares and has the number that the model means), or an infinite
/// float16 computed from finite numbers (level 2 computes such nodes in float32).
struct Bound {
  static let factor = 16.0
  /// As many as a difference needs to be found within the bounds, and at most the last of these.
  static let repetitions = [4, 12, 40]

  /// Nil where the output's shape or structure depends on the roundings.
  private(set) var tensors: [TensorBound]?

  struct TensorBound {
    var deviation = 0.0
    var isUnstable: [Bool]
  }

  /// Units of the last place, as a fraction of the number.
  static func unit(_ element: ElementType) -> Double? {
    switch element {
    case .float32: 0x1p-23
    case .float64: 0x1p-52
    case .float16: 0x1p-10
    case .bfloat16: 0x1p-7
    default: nil
    }
  }

  /// Where outputs lie outside the bounds; nil where they do not.
  /// - Parameter undecided: counts outputs that could not be compared in full.
  static func violation(
    _ found: [Value], _ expected: [Value], _ interpreter: Interpreter, _ feeds: Feeds, seed: UInt64, undecided: inout Int
  ) -> String? {
    func firstViolation(_ bounds: [Bound]) -> String? {
      for index in found.indices {
        if let text = bounds[index].violation(found[index], expected[index]) { return "output \(index): " + text }
      }
      return nil
    }
    var text: String?
    var all: [Bound] = []
    for count in repetitions {
      all = bounds(interpreter, feeds, reference: expected, seed: seed, repetitions: count)
      text = firstViolation(all)
      if text == nil { break }
    }
    for repetition in 0..<8 {
      guard text != nil, let moved = interpreter.runWithoutOverflow(feeds, some: repetition == 0 ? nil : RandomNumbers(seed: UInt64(repetition))) else { break }
      for index in all.indices { all[index].leaveOut(moved[index].leaves, expected[index].leaves) }
      text = firstViolation(all)
    }
    if text != nil {
      for index in all.indices { all[index].leaveOutCoincidences(interpreter, feeds, reference: expected, output: index, seed: seed) }
      text = firstViolation(all)
    }
    if text == nil { undecided += all.count { $0.tensors?.contains { $0.isUnstable.contains(true) } ?? true } }
    return text
  }

  /// Bounds for each output of a run.
  static func bounds(_ interpreter: Interpreter, _ feeds: Feeds, reference: [Value], seed: UInt64, repetitions: Int) -> [Bound] {
    var bounds = reference.map { value in
      Bound(tensors: value.leaves.map { TensorBound(isUnstable: [Bool](repeating: false, count: $0.count)) })
    }
    var random = RandomNumbers(seed: seed)
    let original = interpreter.spec
    defer {
      interpreter.disturb = nil
      interpreter.spec = original
    }
    for _ in 0..<repetitions {
      interpreter.disturb = { value, isScaled throws(PinionError) in try disturbed(value, isScaled: isScaled, &random) }
      var moved = feeds
      for (name, value) in feeds { moved[name] = (try? disturbed(value, &random)) ?? value }
      interpreter.spec.graph = original.graph.disturbed(&random)
      let outputs: [Value]
      do { outputs = try interpreter.run(moved) } catch {
        for index in bounds.indices { bounds[index].tensors = nil }
        continue
      }
      for index in bounds.indices { bounds[index].widen(outputs[index].leaves, reference[index].leaves) }
    }
    return bounds
  }

  /// Does not compare what is another number where nearly equal numbers are equal: that two sums are one number to the last bit is too rare
  /// among numbers that move to be met with. Numbers are nearly equal by their own last places or, for what is no floating-point
  /// number in the end, by those of the largest beside them, from which they may be what is left.
  private mutating func leaveOutCoincidences(_ interpreter: Interpreter, _ feeds: Feeds, reference: [Value], output: Int, seed: UInt64) {
    var random = RandomNumbers(seed: seed ^ 0x5a9)
    defer { interpreter.disturb = nil }
    for repetition in 0..<16 {
      let isOwn = repetition % 4 < 2
      let units = isOwn ? [8, 32][repetition % 2] : [4, 16][repetition % 2], offset = Double(random.int(0...(units - 1)))
      interpreter.disturb = { value, _ throws(PinionError) in
        guard case .tensor(let tensor) = value else { return value }
        return .tensor(try tensor.onGrid(units: Double(units), offset: offset, isOwn: isOwn))
      }
      guard let moved = try? interpreter.run(feeds)[output].leaves, let tensors else { return }
      let leaves = reference[output].leaves
      guard moved.map(\.type) == leaves.map(\.type) else {
        self.tensors = nil
        return
      }
      for index in moved.indices where isOwn || !leaves[index].element.isFloatingPoint {
        guard let x = moved[index].doubles(), let y = leaves[index].doubles() else { continue }
        let largest = y.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
        let unit = Bound.unit(leaves[index].element).map { Bound.factor * (tensors[index].deviation + $0 * largest) } ?? 0
        for place in x.indices where !(abs(x[place] - y[place]) <= unit) && x[place] != y[place] { self.tensors?[index].isUnstable[place] = true }
      }
    }
  }

  private mutating func widen(_ moved: [Tensor], _ reference: [Tensor]) {
    guard var tensors else { return }
    guard moved.map(\.type) == reference.map(\.type) else {
      self.tensors = nil
      return
    }
    defer { self.tensors = tensors }
    for index in moved.indices {
      guard let x = moved[index].doubles(), let y = reference[index].doubles() else {
        for place in moved[index].differences(from: reference[index]) { tensors[index].isUnstable[place] = true }
        continue
      }
      for place in x.indices where x[place] != y[place] {
        if !reference[index].element.isFloatingPoint || !x[place].isFinite || !y[place].isFinite {
          if !(x[place].isNaN && y[place].isNaN) { tensors[index].isUnstable[place] = true }
        } else {
          tensors[index].deviation = max(tensors[index].deviation, abs(x[place] - y[place]))
        }
      }
    }
  }

  /// Does not compare the elements in which two computations differ.
  private mutating func leaveOut(_ moved: [Tensor], _ reference: [Tensor]) {
    guard let tensors, moved.map(\.type) == reference.map(\.type) else { return }
    for index in tensors.indices {
      for place in moved[index].differences(from: reference[index]) { self.tensors?[index].isUnstable[place] = true }
    }
  }

  /// Where a value lies outside; nil where it does not.
  func violation(_ value: Value, _ reference: Value) -> String? {
    guard let tensors else { return nil }
    let found = value.leaves, expected = reference.leaves
    guard found.map(\.type) == expected.map(\.type) else { return "\(found.map(\.type)), expected \(expected.map(\.type))" }
    for index in found.indices {
      guard let x = found[index].doubles(), let y = expected[index].doubles() else {
        if let place = found[index].differences(from: expected[index]).first(where: { !tensors[index].isUnstable[$0] }) {
          return "element \(place) is \(found[index].text(place)), expected \(expected[index].text(place))"
        }
        continue
      }
      let largest = y.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
      let allowed = Bound.factor * (tensors[index].deviation + (Bound.unit(expected[index].element) ?? 0) * largest)
      for place in x.indices where x[place] != y[place] && !tensors[index].isUnstable[place] && !(x[place].isNaN && y[place].isNaN) {
        guard !(abs(x[place] - y[place]) <= allowed) else { continue }
        // An intermediate number that is too large for its type in one order of operations and not in the other.
        if x[place].sign == y[place].sign, x[place].isInfinite != y[place].isInfinite, min(abs(x[place]), abs(y[place])) > 1e30 { continue }
        return "element \(place) of \(found[index].type) is \(x[place]), expected \(y[place]) +- \(allowed)"
      }
    }
    return nil
  }

  static func disturbed(_ value: Value, isScaled: Bool = false, _ random: inout RandomNumbers) throws(PinionError) -> Value {
    switch value {
    case .tensor(let tensor): return .tensor(try disturbed(tensor, isScaled: isScaled, &random))
    case .sequence(let values, let element):
      var moved: [Value] = []
      for value in values { moved.append(try disturbed(value, &random)) }
      return .sequence(moved, element: element)
    default: return value
    }
  }

  /// - Parameter isScaled: whether a 0 of half precision may be a number that is too small for it, which a region in float32 keeps.
  static func disturbed(_ tensor: Tensor, isScaled: Bool = false, _ random: inout RandomNumbers) throws(PinionError) -> Tensor {
    guard let unit = unit(tensor.element) else { return tensor }
    let copy = try tensor.copy()
    for index in 0..<copy.count {
      let step = (random.chance(0.5) ? unit : -unit) * (tensor.element == .float32 || tensor.element == .float64 ? 4 : 1)
      switch tensor.element {
      case .float32:
        let number = copy.data.load(fromByteOffset: index * 4, as: Float.self)
        // A fused node may have 0 for what is smaller than all normal numbers.
        let isLost = isScaled && number.isSubnormal && random.chance(0.5)
        copy.store(index, isLost ? Float(signOf: number, magnitudeOf: 0) : number * Float(1 + step))
      case .float64: copy.store(index, copy.data.load(fromByteOffset: index * 8, as: Double.self) * (1 + step))
      case .float16:
        let number = copy.data.load(fromByteOffset: index * 2, as: Float16.self)
        let isLost = number == 0 && isScaled && random.chance(0.5)
        copy.store(index, isLost ? Float16(signOf: number, magnitudeOf: .leastNonzeroMagnitude) : Float16(Float(number) * Float(1 + step)))
      default:
        let number = copy.data.load(fromByteOffset: index * 2, as: BFloat16.self).float
        let isLost = number == 0 && isScaled && random.chance(0.5)
        copy.store(index, BFloat16(isLost ? Float(signOf: number, magnitudeOf: 0x1p-133) : number * Float(1 + step)))
      }
    }
    return copy
  }
}

extension Value {
  /// The tensors inside, in order.
  var leaves: [Tensor] {
    switch self {
    case .tensor(let tensor): [tensor]
    case .sequence(let values, _): values.flatMap(\.leaves)
    case .map(let keys, let values): [keys, values]
    case .none: []
    }
  }
}

extension GraphSpec {
  fileprivate func disturbed(_ random: inout RandomNumbers) -> GraphSpec {
    var copy = self
    for index in copy.initializers.indices {
      if let moved = try? Bound.disturbed(copy.initializers[index].tensor, &random) { copy.initializers[index].tensor = moved }
    }
    return copy
  }
}

extension Tensor {
  /// The tensor with its floating-point numbers cut to multiples of `units` units of the last place, after `offset` are added.
  /// - Parameter isOwn: whether of the number's own last place, or of the largest number's.
  fileprivate func onGrid(units: Double, offset: Double, isOwn: Bool) throws(PinionError) -> Tensor {
    guard element == .float32 || element == .float64, let numbers = doubles(), let unit = Bound.unit(element) else { return self }
    let copy = try copy()
    let largest = numbers.reduce(0) { $1.isFinite ? max($0, abs($1)) : $0 }
    for (index, number) in numbers.enumerated() where number.isFinite && number != 0 {
      let step = units * unit * (isOwn ? Double(sign: .plus, exponent: number.exponent, significand: 1) : largest)
      let moved = ((number / step) + offset / units).rounded(.down) * step
      if element == .float32 { copy.store(index, Float(moved)) } else { copy.store(index, moved) }
    }
    return copy
  }
}
