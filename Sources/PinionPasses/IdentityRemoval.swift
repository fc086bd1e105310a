import PinionBase
import PinionGraph
import PinionOperators
import PinionTensor

/// Removes nodes whose result is their input, and merges neighbours of which one does for both.
struct IdentityRemoval: Pass {
  let name = "IdentityRemoval"

  private static let rewriting = Rewriting([
    CopyRemoval(), CastRemoval(), TransposeMerging(), BatchedTranspose(), ReshapeMerging(), AxisRemoval(), AxisMerging(), SplitOfOne(), KnownAlignment(), SumOfTwo(),
    NeutralElement(), NeutralFlag(), DivisionByPowerOfTwo(), StillMovement(), GatherOfColumns(), ExpandedOperand(),
  ])

  func run(_ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    try IdentityRemoval.rewriting.run(&editor, context)
  }
}

extension GraphEditor {
  /// Lets the readers of the node's first output read `value`, unless the graph's outputs stand against it, or the output is made in
  /// each run and `value` is a constant: kernels with constant operands sum in another order than those without.
  mutating func bypass(_ index: Int, with value: ValueID?) -> Bool {
    guard let value, let output = graph.nodes[index].outputs.first ?? nil, mayForward(output, to: value),
      constant(value) == nil || givesConstants(index)
    else { return false }
    forward(output, to: value)
    return true
  }

  /// Whether plans compute the node once, whatever the level: see `Resolution`.
  func givesConstants(_ index: Int) -> Bool {
    let node = graph.nodes[index], op = type(of: node.op)
    return op.isDeterministic && node.inputs.indices.allSatisfy { slot in
      op.typeOnlyInputs.contains(slot) || input(index, slot).map { constant($0) != nil } ?? true
    }
  }

  /// The elements of a constant integer vector.
  func integers(_ value: ValueID?) -> [Int64]? {
    guard let constant = constant(value), constant.shape.rank <= 1 else { return nil }
    return try? constant.integers()
  }
}

/// Identity, Dropout as it is when a model is used, and the variadic operators over one input.
struct CopyRemoval: Rule {
  let anchors: [any Operator.Type] = [Identity.self, Dropout.self, Concat.self, Sum.self, Max.self, Min.self, Mean.self, Split.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    switch editor.kind(index) {
    case Identity.self: break
    case Dropout.self:
      if let mode = editor.input(index, 2) {
        guard let constant = editor.constant(mode), constant.count == 1, constant.element == .bool,
          constant.data.load(as: UInt8.self) == 0
        else { return false }
      }
      guard editor.outputs(of: index).dropFirst().allSatisfy({ $0.map { editor.useCount($0) == 0 } ?? true }) else { return false }
    case Split.self:
      // The last of the pieces may have no name.
      guard editor.outputs(of: index).count == 1, let split = editor.op(index, Split.self), editor.input(index, 1).map({ editor.constant($0)?.count == 1 }) ?? true,
        split.outputCount ?? 1 == 1, let position = position(split.axis, index, &editor)
      else { return false }
      // A run that refuses the piece's extent is refused without the node as well.
      if let extents = editor.integers(editor.input(index, 1)) {
        guard let extent = editor.fact(editor.input(index, 0), at: index).extent(position), extent >= 0, extents == [Int64(extent)] else { return false }
      }
    case Concat.self:
      guard editor.inputs(of: index).count == 1, let concat = editor.op(index, Concat.self), position(concat.axis, index, &editor) != nil
      else { return false }
    default: guard editor.inputs(of: index).count == 1 else { return false }
    }
    return editor.bypass(index, with: editor.input(index, 0))
  }
}

extension CopyRemoval {
  /// Where an axis of the first input lies; nil where it may be out of range.
  private func position(_ axis: Int64, _ index: Int, _ editor: inout GraphEditor) -> Int? {
    editor.fact(editor.input(index, 0), at: index).position(axis)
  }
}

/// A Cast to the type that its input has.
struct CastRemoval: Rule {
  let anchors: [any Operator.Type] = [Cast.self, CastLike.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let element = editor.fact(editor.input(index, 0), at: index).element else { return false }
    let target = editor.op(index, Cast.self)?.to ?? editor.fact(editor.input(index, 1), at: index).element
    guard target == element else { return false }
    return editor.bypass(index, with: editor.input(index, 0))
  }
}

/// A Transpose that moves nothing, and one after another.
struct TransposeMerging: Rule {
  let anchors: [any Operator.Type] = [Transpose.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let outer = permutation(index, &editor) else { return false }
    // A permutation of another length than the input's rank is refused when the model runs.
    guard editor.fact(editor.input(index, 0), at: index).rank == outer.count else { return false }
    if outer.elementsEqual(outer.indices) { return editor.bypass(index, with: editor.input(index, 0)) }
    guard let inner = editor.producer(editor.input(index, 0), Transpose.self), let first = permutation(inner, &editor),
      first.count == outer.count
    else { return false }
    let merged = outer.map { first[$0] }
    if merged.elementsEqual(merged.indices), editor.fact(editor.input(inner, 0), at: inner).rank == merged.count,
      editor.bypass(index, with: editor.input(inner, 0))
    {
      return true
    }
    let node = try Node(
      Transpose.self, name: editor[index].name, attributes: ["perm": .ints(merged.map(Int64.init))], inputs: [editor.input(inner, 0)],
      outputs: editor.outputs(of: index))
    editor.replace(index, with: node)
    return true
  }

  private func permutation(_ index: Int, _ editor: inout GraphEditor) -> [Int]? {
    guard let axes = editor.op(index, Transpose.self)?.permutation else {
      return editor.fact(editor.input(index, 0), at: index).rank.map { Array((0..<$0).reversed()) }
    }
    let permutation = axes.map { Int(truncatingIfNeeded: $0) }
    guard permutation.sorted().elementsEqual(permutation.indices) else { return nil }
    return permutation
  }
}

/// A Transpose of the last two axes between Reshapes that merge and split the axes before them.
struct BatchedTranspose: Rule {
  let anchors: [any Operator.Type] = [Reshape.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let transpose = editor.producer(editor.input(index, 0), Transpose.self), editor.op(transpose, Transpose.self)?.permutation == [0, 2, 1],
      let merge = editor.producer(editor.input(transpose, 0), Reshape.self), let source = editor.input(merge, 0),
      let output = editor.outputs(of: index).first ?? nil, let dims = editor.fact(source, at: index).dims, dims.count > 3,
      let merged = editor.fact(editor.input(transpose, 0), at: index).dims, merged.count == 3,
      let result = editor.fact(output, at: index + 1).dims, result.count == dims.count
    else { return false }
    let rank = dims.count
    // One extent follows from the others, since the number of elements stays; it may be unknown.
    guard let rows = dims[rank - 2], let columns = dims[rank - 1], merged[1] == rows, merged[2] == columns,
      zip(result, dims[..<(rank - 2)] + [columns, rows]).count(where: { $0 == nil || $0 != $1 }) <= (rows > 0 && columns > 0 ? 1 : 0)
    else { return false }
    let permutation = Array(0..<Int64(rank - 2)) + [Int64(rank - 1), Int64(rank - 2)]
    let node = try Node(
      Transpose.self, name: editor[transpose].name, attributes: ["perm": .ints(permutation)], inputs: [source], outputs: [output])
    editor.replace(index, with: node)
    return true
  }
}

/// A Reshape to the shape that is there already, and one of a Reshape's or its relatives' result.
struct ReshapeMerging: Rule {
  let anchors: [any Operator.Type] = [Reshape.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let source = editor.input(index, 0) else { return false }
    // Every extent stays what it is, also those that only symbols stand for.
    if let dims = editor.fact(source, at: index).dims, !dims.contains(nil), let output = editor.outputs(of: index).first,
      editor.fact(output, at: index + 1).dims == dims, editor.bypass(index, with: source)
    {
      return true
    }
    guard let shape = editor.integers(editor.input(index, 1)) else { return false }
    let copiesZeros = editor.op(index, Reshape.self)?.allowZero != true
    if let dims = editor.fact(source, at: index).dims, dims.count == shape.count,
      isSame(dims, shape, copiesZeros: copiesZeros), editor.bypass(index, with: source)
    {
      return true
    }
    guard !(copiesZeros && shape.contains(0)),
      let inner = editor.producer(source, Reshape.self, Flatten.self, Squeeze.self, Unsqueeze.self), let origin = editor.input(inner, 0),
      editor.constant(origin) == nil || editor.givesConstants(inner), alwaysRuns(inner, origin, &editor)
    else { return false }
    var node = editor[index]
    node.inputs[0] = origin
    editor.replace(index, with: node)
    return true
  }

  /// Whether a node that only gives its input another shape does so in every run: a run that it refuses is refused without it as well.
  private func alwaysRuns(_ node: Int, _ origin: ValueID, _ editor: inout GraphEditor) -> Bool {
    let dims = editor.fact(origin, at: node).dims
    switch editor[node].op {
    case let op as Reshape:
      guard let shape = editor.integers(editor.input(node, 1)) else { return false }
      return alwaysFits(dims, shape, copiesZeros: !op.allowZero)
    case is Squeeze:
      guard editor.input(node, 1) != nil else { return true }
      guard let dims, let axes = editor.integers(editor.input(node, 1)) else { return false }
      let places = axes.map { $0 < 0 ? Int(truncatingIfNeeded: $0) &+ dims.count : Int(truncatingIfNeeded: $0) }
      return Set(places).count == places.count && places.allSatisfy { dims.indices.contains($0) && dims[$0] == 1 }
    case let op as Flatten:
      guard let rank = dims?.count else { return false }
      return (-Int64(rank)...Int64(rank)).contains(op.axis)
    default:
      guard let dims, let axes = editor.integers(editor.input(node, 1)) else { return false }
      let rank = Int64(dims.count + axes.count)
      return axes.allSatisfy { (-rank..<rank).contains($0) } && Set(axes.map { $0 < 0 ? $0 + rank : $0 }).count == axes.count
    }
  }

  /// Whether every tensor with these extents has the elements that the shape asks for.
  private func alwaysFits(_ dims: [Int?]?, _ shape: [Int64], copiesZeros: Bool) -> Bool {
    var kept: Set<Int> = []
    var wanted: Int64 = 1
    for (axis, extent) in shape.enumerated() where extent != -1 {
      if extent == 0, copiesZeros {
        guard let dims, axis < dims.count else { return false }
        kept.insert(axis)
      } else {
        let product = wanted.multipliedReportingOverflow(by: extent)
        guard extent > 0, !product.overflow else { return false }
        wanted = product.partialValue
      }
    }
    let isOpen = shape.contains(-1)
    guard let dims else { return isOpen && wanted == 1 }
    var known: Int64 = 1, hasOpen = false
    for (axis, extent) in dims.enumerated() where !kept.contains(axis) {
      guard let extent, extent >= 0 else {
        hasOpen = true
        continue
      }
      let product = known.multipliedReportingOverflow(by: Int64(extent))
      guard !product.overflow else { return false }
      known = product.partialValue
    }
    return isOpen ? known % wanted == 0 : !hasOpen && known == wanted
  }

  /// Whether a tensor with these extents keeps them under the new shape: at most one may be left open.
  private func isSame(_ dims: [Int?], _ shape: [Int64], copiesZeros: Bool) -> Bool {
    var open = 0
    for (extent, target) in zip(dims, shape) {
      if target == 0, copiesZeros { continue }
      if target == -1 {
        open += 1
        continue
      }
      guard let extent, Int64(extent) == target, extent > 0 else { return false }
    }
    return open <= 1
  }
}

/// An operand of an opset before 7 whose axes lie as NumPy's rule has them or whose place is known by now.
struct KnownAlignment: Rule {
  let anchors: [any Operator.Type] = [AlignAxes.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let output = editor.outputs(of: index).first ?? nil, let data = editor.input(index, 0),
      let rank = editor.fact(data, at: index).rank, let aligned = editor.fact(output, at: index + 1).rank, aligned >= rank
    else { return false }
    if aligned == rank { return editor.bypass(index, with: data) }
    let axes = editor.addConstant(try Tensor(vector: (rank..<aligned).map(Int64.init)))
    let node = try Node(Unsqueeze.self, name: editor[index].name, inputs: [data, axes], outputs: editor.outputs(of: index))
    editor.replace(index, with: node)
    return true
  }
}

/// A Sum of two tensors is an Add, which other rules know.
struct SumOfTwo: Rule {
  let anchors: [any Operator.Type] = [Sum.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard editor.inputs(of: index).count == 2 else { return false }
    let node = try Node(Add.self, name: editor[index].name, inputs: editor.inputs(of: index), outputs: editor.outputs(of: index))
    editor.replace(index, with: node)
    return true
  }
}

/// x * 1, x / 1, x - 0, x ^ 1, and x + 0 of integers; -0.0 + 0.0 is another number.
struct NeutralElement: Rule {
  let anchors: [any Operator.Type] = [Add.self, Mul.self, Div.self, Sub.self, Pow.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let (constant, slot, other) = editor.constantAndOther(index), constant.count == 1 else { return false }
    let operation = editor.kind(index)
    let isSum = operation == Add.self || operation == Sub.self
    guard slot == 1 || operation == Mul.self || operation == Add.self, let number = constant.scalar, number == (isSum ? 0 : 1),
      operation != Add.self || constant.element.isInteger, !(operation == Sub.self && number.sign == .minus)
    else { return false }
    let fact = editor.fact(other, at: index)
    // A constant of higher rank adds axes; the exponent's type may be another one.
    guard constant.shape.rank == 0 || constant.shape.rank <= fact.rank ?? 0 else { return false }
    return editor.bypass(index, with: other)
  }
}

/// x and true, x or false.
struct NeutralFlag: Rule {
  let anchors: [any Operator.Type] = [And.self, Or.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let (constant, _, other) = editor.constantAndOther(index), constant.count == 1, constant.element == .bool,
      (constant.data.load(as: UInt8.self) != 0) == (editor.kind(index) == And.self),
      constant.shape.rank == 0 || constant.shape.rank <= editor.fact(other, at: index).rank ?? 0
    else { return false }
    return editor.bypass(index, with: other)
  }
}

/// Division by powers of two as a multiplication, which is exact and faster.
struct DivisionByPowerOfTwo: Rule {
  let anchors: [any Operator.Type] = [Div.self]

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    guard let divisor = editor.constant(editor.input(index, 1)), divisor.element == .float32, divisor.count > 0,
      let numbers = try? divisor.elements(as: Float.self),
      numbers.allSatisfy({ $0.isNormal && $0.significand == 1 && (1 / $0).isNormal })
    else { return false }
    let factors = editor.addConstant(try Tensor(numbers.map { 1 / $0 }, divisor.shape))
    let node = try Node(
      Mul.self, name: editor[index].name, inputs: [editor.input(index, 0), factors], outputs: editor.outputs(of: index))
    editor.replace(index, with: node)
    return true
  }
}

/// Pad by nothing, Slice of everything, Expand to what is there.
struct StillMovement: Rule {
  let anchors: [any Operator.Type] = [Pad.self, Slice.self, Expand.self]
  /// No extent is as large.
  private static let everything: Int64 = 1 << 46

  /// Whether a node that names these axes runs; one that does not is left, to say so.
  private func areAxes(_ axes: [Int64], rank: Int) -> Bool {
    let rank = Int64(rank)
    return axes.allSatisfy { -rank <= $0 && $0 < rank } && Set(axes.map { $0 < 0 ? $0 + rank : $0 }).count == axes.count
  }

  func apply(_ index: Int, _ editor: inout GraphEditor, _ context: PassContext) throws(PinionError) -> Bool {
    let source = editor.input(index, 0)
    switch editor.kind(index) {
    case Pad.self:
      guard let pads = editor.integers(editor.input(index, 1)), pads.allSatisfy({ $0 == 0 }), let rank = editor.fact(source, at: index).rank
      else { return false }
      if let axes = editor.input(index, 3) {
        guard let axes = editor.integers(axes), areAxes(axes, rank: rank), pads.count == 2 * axes.count else { return false }
      } else {
        guard pads.count == 2 * rank else { return false }
      }
    case Slice.self:
      guard let starts = editor.integers(editor.input(index, 1)), starts.allSatisfy({ $0 == 0 }),
        let ends = editor.integers(editor.input(index, 2)), ends.count == starts.count
      else { return false }
      if let steps = editor.input(index, 4) {
        guard let steps = editor.integers(steps), steps.allSatisfy({ $0 == 1 }) else { return false }
      }
      var axes = ends.indices.map { Optional($0) }
      if let given = editor.input(index, 3) {
        guard let given = editor.integers(given), given.count == ends.count else { return false }
        axes = given.map { Int(exactly: $0) }
      }
      let fact = editor.fact(source, at: index)
      guard let rank = fact.rank, areAxes(axes.map { Int64($0 ?? .max) }, rank: rank) else { return false }
      for (axis, end) in zip(axes, ends) where end < StillMovement.everything {
        guard let axis, let extent = fact.known(axis), end >= Int64(extent) else { return false }
      }
    default:
      guard let dims = editor.fact(source, at: index).dims else { return false }
      // Every extent stays what it is, also those that only symbols stand for.
      if let output = editor.outputs(of: index).first, !dims.contains(nil), editor.fact(output, at: index + 1).dims == dims { break }
      guard let shape = editor.integers(editor.input(index, 1)), shape.count <= dims.count else { return false }
      for (extent, target) in zip(dims.suffix(shape.count), shape) where target != 1 {
        guard let extent, Int64(extent) == target else { return false }
      }
    }
    return editor.bypass(index, with: source)
  }
}
