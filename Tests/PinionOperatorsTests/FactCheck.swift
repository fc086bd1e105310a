import PinionBase
import PinionGraph
import PinionTensor
import Testing

/// Operators whose rule for facts does not even tell the rank of output 0 where it knows all about the inputs, and why.
private let silent: [String: String] = [
  "ConcatFromSequence": "the parts' extents are not known of a sequence",
  "Optional": "an optional is no tensor",
  "OptionalGetElement": "the optional's own type is not known",
  "SequenceAt": "the elements' extents are not known of a sequence",
  "ai.onnx.ml::CastMap": "the length is that of a map",
  "ai.onnx.ml::DictVectorizer": "the input is a map",
  "Squeeze": "without its axes",
  "Upsample": "is read as Resize",
]

/// Checks the operator's rule for facts on a case that has run: extents are replaced at random by symbols and by nothing, small integer
/// inputs lose elements, and whatever the rule claims has to be what came out.
func checkFacts(_ node: Node, _ inputs: [Value?], constants: Set<Int>, _ outputs: [Value]) throws {
  let name = node.schema.qualifiedName
  var random = Dice(seed: name.utf8.reduce(UInt64(inputs.count)) { $0 &* 31 &+ UInt64($1) })
  for trial in 0..<12 {
    let veil = Veil(trial: trial)
    var facts: [Fact?] = []
    var known: [Tensor?] = []
    for (index, input) in inputs.enumerated() {
      guard case .tensor(let tensor)? = input else {
        facts.append(input == nil ? nil : Fact())
        known.append(nil)
        continue
      }
      let isExact = trial == 0 || (trial % 2 == 0 && constants.contains(index))
      facts.append(isExact ? Fact(constant: tensor) : veil.fact(tensor, hidesZeros: name != "Reshape", &random))
      known.append(isExact && constants.contains(index) ? tensor : nil)
    }
    let context = FactContext(inputs: facts, constants: known, outputCount: node.outputs.count, symbols: veil.symbols)
    let claims = node.op.facts(context)
    for (slot, output) in outputs.enumerated() where slot < claims.count {
      guard case .tensor(let tensor) = output else { continue }
      check(claims[slot].consistent, tensor, veil, "\(name), output \(slot), inputs \(facts)")
    }
    guard case .tensor? = outputs.first else { continue }
    let isClassed = node.op is any LikeFirstInput || node.op is any Broadcasting
    let ranksAreKnown = facts.allSatisfy { $0 == nil || $0?.rank != nil }
    if trial == 0 || (isClassed && ranksAreKnown) {
      #expect(claims.first?.dims != nil || silent[name] != nil, "\(name) says nothing about inputs \(facts)")
      #expect(claims.count >= min(outputs.count, node.outputs.count) || silent[name] != nil, "\(name) is silent about some outputs")
    }
  }
}

private func check(_ claim: Fact, _ tensor: Tensor, _ veil: Veil, _ what: String) {
  #expect(claim.element == nil || claim.element == tensor.element, "\(what)")
  guard let dims = claim.dims else { return }
  guard dims.count == tensor.shape.rank else {
    Issue.record("\(what): claims rank \(dims.count), found \(tensor.type)")
    return
  }
  for (axis, extent) in dims.enumerated() {
    guard let extent else { continue }
    #expect(veil.number(extent) == tensor.shape[axis], "\(what): axis \(axis) of \(tensor.type)")
  }
  guard let values = claim.values else { return }
  let truth = Fact(constant: tensor).values
  #expect(values.count == tensor.count, "\(what): \(values)")
  for (value, right) in zip(values, truth ?? []) {
    guard let value, let right else { continue }
    #expect(veil.number(Int(value)) == Int(right), "\(what): \(values)")
  }
}

/// Hides parts of what is known, remembering what the symbols stand for.
private final class Veil {
  let symbols = Symbols()
  private var names: [String: Int] = [:]
  private let trial: Int

  init(trial: Int) { self.trial = trial }

  func number(_ extent: Int) -> Int? { symbols.number(extent, where: names) }

  /// A name for the number: that of other extents like it, or one of its own.
  private func symbol(_ number: Int, _ random: inout Dice) -> Int {
    let name = random.next(2) == 0 ? "of \(number)" : "own \(names.count)"
    names[name] = number
    return symbols.named(name)
  }

  private func hidden(_ number: Int, _ random: inout Dice) -> Int? {
    switch trial {
    case 1: return number
    case 2, 3: return number >= 0 ? symbol(number, &random) : number
    default:
      switch random.next(4) {
      case 0: return nil
      case 1: return number
      default: return number >= 0 && number < 1 << 40 ? symbol(number, &random) : number
      }
    }
  }

  /// - Parameter hidesZeros: whether symbols may stand for elements 0, which to Reshape are no extents.
  func fact(_ tensor: Tensor, hidesZeros: Bool, _ random: inout Dice) -> Fact {
    var fact = Fact(constant: tensor)
    if trial > 5, random.next(8) == 0 { fact.element = nil }
    if trial > 5, random.next(8) == 0 {
      fact.dims = nil
    } else {
      fact.dims = tensor.shape.dims.map { hidden($0, &random) }
    }
    // Extents are int64; of other types only what a constant says is known.
    let isShape = tensor.element == .int64
    if trial == 1 || random.next(4) == 0 || (!isShape && random.next(2) == 0) {
      fact.values = nil
    } else if isShape {
      fact.values = fact.values?.map { value in
        value == 0 && !hidesZeros ? 0 : value.flatMap { hidden(Int($0), &random).map(Int64.init) }
      }
    }
    return fact
  }
}

/// Numbers that are the same in every run of the tests.
private struct Dice {
  private var state: UInt64
  init(seed: UInt64) { state = seed | 1 }

  mutating func next(_ count: UInt64) -> UInt64 {
    state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
    return (state >> 33) % count
  }
}
