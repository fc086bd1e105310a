import Pinion
import PinionBase
import PinionTensor

extension GraphMaker {
  private static let opsets = [6, 6, 7, 8, 9, 10, 11, 11, 12, 12, 13, 13, 14, 15, 16, 17, 17, 18, 18, 19, 20, 21, 21, 22, 22, 23, 23, 24, 25, 26, 27, 28, 28]

  /// Adds what one recipe makes.
  func addNode() {
    let recipes = Recipe.byOpset[opset] ?? []
    guard let total = recipes.last?.upTo else { return }
    let roll = random.below(total)
    var low = 0, high = recipes.count - 1
    while low < high {
      let middle = (low + high) / 2
      if recipes[middle].upTo > roll { high = middle } else { low = middle + 1 }
    }
    recipes[low].recipe.make(self)
  }

  /// Makes the model of the seed, with the runs to check it with.
  func make(_ kind: Kind = .single) -> ModelSpec {
    spec.kind = kind
    wantsOpenExtents = kind != .single
    opset = random.pick(GraphMaker.opsets)
    spec.opset = opset
    spec.mlOpset = opset >= 21 && random.chance(0.5) ? 5 : 3
    hasCommonTypesOnly = random.chance(0.4)
    interpreter.spec = spec
    if kind == .state { addCarried() }
    for _ in 0..<random.int(1...2) { _ = new(random.pick(hasCommonTypesOnly ? [.float32, .float32, .int64, .bool] : anything), shape(rank: random.int(0...4)), source: .input) }
    let count = random.int(2...9)
    for _ in 0..<count {
      addNode()
      // Values seen under two names, one of which is changed: what memory plans are made of.
      if random.chance(0.35), let x = existing(where: { $0.tensor != nil }) { view(of: x) }
      if random.chance(0.25), let x = existing(where: { $0.element.map { numbers.contains($0) } ?? false }) {
        node(x.element?.isUnsignedInteger ?? true ? "Abs" : random.pick(["Neg", "Abs", "Relu", "Sign"]), [x])
      }
    }
    chooseOutputs()
    spec.graph = scopes[0].graph.with(outputs: spec.graph.outputs)
    spec.runs =
      switch kind {
      case .single: runs()
      case .sequences: sequence()
      case .state: steps()
      }
    interpreter.spec = spec
    return spec
  }

  private func chooseOutputs() {
    var chosen: [Operand] = []
    let made = scopes[0].operands.filter { !$0.isConstant && feeds[$0.name] == nil }
    if let last = made.last { chosen.append(last) }
    for _ in 0..<random.int(0...4) {
      if let more = existing(where: { operand in made.contains { $0.name == operand.name } }) { chosen.append(more) }
    }
    if random.chance(0.05), let any = existing(where: { _ in true }) { chosen.append(any) }
    if chosen.isEmpty { chosen = operands.suffix(1) }
    var seen = Set(carried.map(\.name))
    for operand in carried { spec.graph.outputs.append(ValueSpec(name: operand.name, type: random.chance(0.6) ? operand.value.openType : nil)) }
    let mayRepeat = random.chance(0.06)
    for operand in random.shuffled(chosen) where mayRepeat || seen.insert(operand.name).inserted {
      spec.graph.outputs.append(ValueSpec(name: operand.name, type: outputType(operand)))
    }
  }

  private func outputType(_ operand: Operand) -> ValueType? {
    guard let tensor = operand.tensor else { return operand.value.openType }
    if random.chance(0.5) { return .tensor(tensor.element, dims: nil) }
    return .tensor(tensor.element, dims: tensor.shape.dims.map { _ in .unknown })
  }

  /// The first run, runs at other extents (that grow by little, as a cache does, or shrink, or come again, so that plans are made from
  /// plans), runs with other values of initializers; the first comes again.
  private func runs() -> [Feeds] {
    var result = [feeds]
    for symbol in ["N", "M"] where random.chance(0.8) {
      let extents = random.pick([[7], [2, 11], [1], [0], [6, 3], [3, 4, 5, 6], [9, 10, 8, 9, 1], [5, 0, 5, 20]])
      for extent in extents { if let other = resized(symbol, extent) { result.append(other) } }
    }
    if !overridable.isEmpty {
      for _ in 0..<random.int(1...2) {
        var other = random.pick(result)
        for name in overridable where random.chance(0.7) {
          guard let tensor = environment[name]?.value.tensor, let new = try? random.tensor(tensor.element, tensor.shape.dims, .plain) else { continue }
          other[name] = .tensor(new)
        }
        result.append(other)
      }
    }
    if result.count > 1 { result.append(feeds) }
    return result
  }

  func resized(_ symbol: String, _ extent: Int, from given: Feeds? = nil) -> Feeds? {
    let feeds = given ?? feeds
    var other = feeds
    var hasChanged = false
    for input in scopes[0].graph.inputs {
      guard case .tensor(_, let dims?)? = input.type, let tensor = feeds[input.name]?.tensor else { continue }
      var changed = tensor.shape.dims
      for (axis, dimension) in dims.enumerated() where dimension == .symbol(symbol) { changed[axis] = extent }
      // A list of integers may be a shape, of which a longer one asks for more elements than there is memory for.
      guard changed.count != 1 || changed[0] <= 12 || tensor.element != .int64 else { continue }
      guard changed != tensor.shape.dims, let resized = try? tensor.repeated(changed) else { continue }
      other[input.name] = .tensor(resized)
      hasChanged = true
    }
    return hasChanged ? other : nil
  }
}

extension GraphSpec {
  func with(outputs: [ValueSpec]) -> GraphSpec {
    var copy = self
    copy.outputs = outputs
    return copy
  }
}

extension Tensor {
  /// Other extents, filled with the elements in turn.
  func repeated(_ dims: [Int]) throws(PinionError) -> Tensor {
    let result = try Tensor(TensorType(element, try Shape(dims)))
    guard count > 0 || result.count == 0 else { throw .invalidShape("nothing to repeat") }
    let width = element.byteWidth
    for index in 0..<result.count { (result.data + index * width).copyMemory(from: data + index % count * width, byteCount: width) }
    return result.keepingAlive([owner])
  }
}

extension Recipe {
  /// For each opset its recipes, each with the sum of the weights up to it.
  static let byOpset: [Int: [(upTo: Int, recipe: Recipe)]] = {
    var result: [Int: [(upTo: Int, recipe: Recipe)]] = [:]
    for opset in 1...28 {
      var total = 0
      for recipe in all where recipe.from <= opset {
        total += recipe.weight
        result[opset, default: []].append((total, recipe))
      }
    }
    return result
  }()
}
