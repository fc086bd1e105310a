import PinionTensor

/// What an operator may ask about its inputs where their types are known in part.
public struct FactContext {
  /// What is known of the inputs; nil for an absent optional one.
  public let inputs: Inputs
  /// How many outputs the node names, absent ones in between included.
  public let outputCount: Int
  public let symbols: Symbols

  private let constants: ConstantTable

  /// The facts of a node's inputs, looked up among those of all values.
  public struct Inputs: RandomAccessCollection {
    fileprivate let facts: [Fact]
    fileprivate let operands: [ValueID?]

    public var startIndex: Int { 0 }
    public var endIndex: Int { operands.count }
    public subscript(index: Int) -> Fact? {
      guard let operand = operands[index] else { return nil }
      return operand.index < facts.count ? facts[operand.index] : Fact()
    }
  }

  /// - Parameters:
  ///   - operands: the node's inputs; nil for an absent optional one.
  ///   - facts: what is known of each value, by its index; nothing of those behind the last.
  ///   - constants: the constants of the model.
  public init(operands: [ValueID?], facts: [Fact], constants: ConstantTable, outputCount: Int, symbols: Symbols) {
    inputs = Inputs(facts: facts, operands: operands)
    self.constants = constants
    self.outputCount = outputCount
    self.symbols = symbols
  }

  /// - Parameter constants: the inputs that are constants of the model; nil for the others.
  public init(inputs: [Fact?], constants: [Tensor?] = [], outputCount: Int, symbols: Symbols) {
    var table = ConstantTable()
    for (index, constant) in constants.enumerated() { if let constant { table[ValueID(index: index)] = constant } }
    self.init(
      operands: inputs.indices.map { inputs[$0] == nil ? nil : ValueID(index: $0) }, facts: inputs.map { $0 ?? Fact() }, constants: table,
      outputCount: outputCount, symbols: symbols)
  }

  public func has(_ index: Int) -> Bool { index < inputs.operands.count && inputs.operands[index] != nil }

  /// What is known of an input; of an absent one nothing is.
  public subscript(index: Int) -> Fact {
    guard index < inputs.operands.count, let operand = inputs.operands[index], operand.index < inputs.facts.count else { return Fact() }
    return inputs.facts[operand.index]
  }

  /// The input as a constant of the model.
  public func constant(_ index: Int) -> Tensor? {
    index < inputs.operands.count ? inputs.operands[index].flatMap { constants[$0] } : nil
  }

  /// The first element type that is known among inputs that share one.
  public func element(of indices: Range<Int>) -> ElementType? {
    for index in indices { if let element = self[index].element { return element } }
    return nil
  }

  // MARK: Rules that many operators share

  /// The type of an input, with its values where the operator only passes them on.
  public func like(_ index: Int, element: ElementType? = nil) -> Fact { Fact(element ?? self[index].element, self[index].dims) }

  /// The extents of inputs broadcast together.
  public func broadcast(_ indices: [Int]) -> [Int?]? { Fact.broadcast(indices.map { self[$0].dims }, symbols) }
  public func broadcast() -> [Int?]? {
    inputs.count == 2 ? Fact.broadcast(self[0].dims, self[1].dims, symbols) : broadcast(Array(inputs.indices))
  }

  /// The extents of an input without some of its axes, or with 1 in their places.
  public func reduced(_ index: Int, axes: [Int64?], keepsAxes: Bool) -> [Int?]? {
    guard let dims = self[index].dims else { return nil }
    var isReduced = [Bool](repeating: false, count: dims.count)
    for axis in axes {
      guard let axis, let position = Fact.position(axis, rank: dims.count) else {
        return [Int?](repeating: nil, count: keepsAxes ? dims.count : max(dims.count - axes.count, 0))
      }
      isReduced[position] = true
    }
    return keepsAxes
      ? zip(dims, isReduced).map { $1 ? 1 : $0 } : zip(dims, isReduced).compactMap { $1 ? nil : .some($0) }
  }

  /// The extents of inputs one after the other along an axis.
  public func concatenated(_ indices: [Int], axis: Int64) -> [Int?]? {
    let parts = indices.map { self[$0] }
    guard let rank = parts.lazy.compactMap(\.rank).first, let axis = Fact.position(axis, rank: rank) else { return nil }
    return (0..<rank).map { index in
      let extents = parts.map { $0.rank == rank ? $0.extent(index) : nil }
      if index == axis { return symbols.sum(of: extents) }
      return extents.lazy.compactMap { $0 }.first { $0 >= 0 } ?? extents.lazy.compactMap { $0 }.first
    }
  }

  /// The elements of two inputs combined one by one; a single one goes with all of the other input.
  public func elementwise(_ a: Int, _ b: Int, _ combine: (Int64, Int64) -> Int64?) -> [Int64?]? {
    guard let left = self[a].values, let right = self[b].values, left.count == right.count || left.count == 1 || right.count == 1 else {
      return nil
    }
    return (0..<(left.count == 1 ? right.count : left.count)).map { index in
      guard let x = left[left.count == 1 ? 0 : index], let y = right[right.count == 1 ? 0 : index] else { return nil }
      return combine(x, y)
    }
  }

  /// The elements of two int64 inputs as extents combined by `extents`, or as numbers by `numbers`, which tells whether it overflows.
  public func arithmetic(
    _ numbers: (Int64, Int64) -> (Int64, Bool), _ extents: (Int, Int) -> Int?
  ) -> [Int64?]? {
    guard element(of: 0..<2) == .int64 else { return nil }
    return elementwise(0, 1) { a, b in
      if Symbols.isSymbol(a) || Symbols.isSymbol(b) {
        guard Symbols.isExtent(Int(a)), Symbols.isExtent(Int(b)) else { return nil }
        return extents(Int(a), Int(b)).map(Int64.init)
      }
      let (value, overflow) = numbers(a, b)
      return overflow || Symbols.isSymbol(value) ? nil : value
    }
  }
}
