import PinionBase
import PinionGraph
import PinionTensor

/// A node of the program with its arguments by name, omitted ones at their defaults.
struct Call {
  let node: PT2Node
  let lowering: Lowering
  /// The target without `torch.ops.aten.` and `.default`.
  let key: String
  /// The key without its overload, and without the underscore of targets that work in place.
  let base: String
  let isInPlace: Bool
  private let given: [String: PT2Argument]

  init(_ node: PT2Node, _ lowering: Lowering) {
    self.node = node
    self.lowering = lowering
    let key = Call.key(node.target)
    let isAten = node.target.hasPrefix("torch.ops.aten.") || node.target.hasPrefix("aten.")
    self.key = key
    var base = isAten ? String(key.prefix { $0 != "." }) : String(key)
    // `add_`, and `__iand__` of `x &= y`, which is `__and__` in place.
    let isAugmented = isAten && Call.augmented.contains(base)
    isInPlace = isAugmented || isAten && base.hasSuffix("_") && !base.hasSuffix("__")
    if isAugmented { base = "__" + base.dropFirst(3) } else if isInPlace { base.removeLast() }
    self.base = base
    var given: [String: PT2Argument] = [:]
    for (name, argument) in node.inputs where !name.isEmpty { given[name] = argument }
    self.given = given
  }

  private static let augmented: Set<String> = ["__iand__", "__ior__", "__ixor__", "__ilshift__", "__irshift__"]

  /// A target's name without `torch.ops.`, `aten.` and `.default`.
  static func key(_ target: String) -> String {
    var key = Substring(target)
    if key.hasPrefix("torch.ops.") { key = key.dropFirst(10) }
    if key.hasSuffix(".default") { key = key.dropLast(8) }
    if key.hasPrefix("aten.") { key = key.dropFirst(5) }
    return String(key)
  }

  /// For a target that copies what a view shows (`slice_copy.Tensor`) the call of the view itself.
  var copiedView: Call? {
    guard !isInPlace, base.hasSuffix("_copy"), base != "_to_copy", base != "lift_fresh_copy" else { return nil }
    let plain = String(base.dropLast(5))
    return Call(self, key: plain + key.dropFirst(base.count), base: plain)
  }

  /// For a target that makes its tensor a view of what it was (`t_`) the call of the view itself.
  var ownView: Call? {
    guard isInPlace else { return nil }
    let views: Set<String> = ["t", "transpose", "swapaxes", "swapdims", "squeeze", "unsqueeze", "as_strided", "detach"]
    guard views.contains(base) else { return nil }
    let overload = base == "transpose" ? ".int" : String(key.dropFirst(base.count + 1))
    return Call(self, key: base + overload, base: base)
  }

  /// The call with another argument in the place of one.
  func replacing(_ name: String, by argument: PT2Argument) -> Call {
    var given = given
    given[name] = argument
    return Call(self, key: key, base: base, given: given)
  }

  init(_ call: Call, key: String, base: String, given: [String: PT2Argument]? = nil) {
    node = call.node
    lowering = call.lowering
    self.key = key
    self.base = base
    isInPlace = false
    self.given = given ?? call.given
  }

  func argument(_ name: String) -> PT2Argument? {
    if let argument = given[name] { return argument }
    return Defaults.value(of: name, key: key, base: base)
  }

  func has(_ name: String) -> Bool {
    switch argument(name) {
    case nil, .some(.none): false
    default: true
    }
  }

  private func missing(_ name: String, _ expected: String) -> PinionError {
    .invalidModel(argument(name) == nil ? "argument '\(name)' is missing" : "argument '\(name)' is not \(expected)")
  }

  // MARK: Tensors

  func tensor(_ name: String) throws(PinionError) -> Term {
    guard case .tensor(let tensor)? = argument(name) else { throw missing(name, "a tensor") }
    return try lowering.term(tensor)
  }

  func tensor(_ name: String, as element: ElementType) throws(PinionError) -> Term { try lowering.cast(try tensor(name), element) }

  func optionalTensor(_ name: String) throws(PinionError) -> Term? {
    guard case .tensor? = argument(name) else { return nil }
    return try tensor(name)
  }

  func handle(_ name: String) throws(PinionError) -> TensorHandle {
    guard case .tensor(let tensor)? = argument(name) else { throw missing(name, "a tensor") }
    return try lowering.handle(tensor)
  }

  /// The traced description of a tensor argument.
  func meta(_ name: String) -> PT2Meta? {
    guard case .tensor(let tensor)? = argument(name) else { return nil }
    return lowering.source.tensors[tensor]
  }

  /// Where a view by strides begins in memory: where the target says, or else where its tensor does.
  func storageOffset() throws(PinionError) -> Int64 {
    if let offset = try optionalInt("storage_offset") { return offset }
    switch meta("self")?.offset {
    case nil: return 0
    case .known(let offset)?: return offset
    default: throw .unsupported("a view by strides of a tensor whose place in memory a run decides")
    }
  }

  func optionalTensors(_ name: String) throws(PinionError) -> [Term?] {
    guard case .tensors(let names)? = argument(name) else { throw missing(name, "a list of tensors") }
    var terms: [Term?] = []
    for name in names {
      if let name { terms.append(try lowering.term(name)) } else { terms.append(nil) }
    }
    return terms
  }

  func tensors(_ name: String) throws(PinionError) -> [Term] { try optionalTensors(name).compactMap { $0 } }

  // MARK: Numbers

  func optionalNumber(_ name: String) throws(PinionError) -> Number? {
    switch argument(name) {
    case nil, .some(.none), .ignored?: return nil
    case .int(let value)?: return .int(value)
    case .float(let value)?: return .float(value)
    case .bool(let value)?: return .bool(value)
    case .symbol(let symbol)?: return try lowering.number(named: symbol)
    case .tensor(let tensor)?:
      let term = try lowering.term(tensor)
      guard term.rank == 0 else { throw missing(name, "a number") }
      return .symbol(term)
    case .complex?: throw .unsupported("argument '\(name)' is a complex number")
    default: throw missing(name, "a number")
    }
  }

  func number(_ name: String) throws(PinionError) -> Number {
    guard let number = try optionalNumber(name) else { throw missing(name, "a number") }
    return number
  }

  func operand(_ name: String) throws(PinionError) -> Operand {
    if case .tensor? = argument(name) { return .tensor(try tensor(name)) }
    if case .complex(let real, let imaginary)? = argument(name) {
      let element = try outputElement() ?? .float32
      return .tensor(try lowering.pair(try lowering.scalar(real, element), try lowering.scalar(imaginary, element)))
    }
    return .number(try number(name))
  }

  /// Integers that sizes are computed with lie within this bound, so that sums and products of two are numbers of 64 bits.
  static let intBound = -(Int64(1) << 31)...(Int64(1) << 31)

  private func bounded(_ value: Int64, _ name: String) throws(PinionError) -> Int64 {
    guard Call.intBound.contains(value) else { throw .invalidModel("argument '\(name)' is \(value), beyond 2^31") }
    return value
  }

  func optionalInt(_ name: String) throws(PinionError) -> Int64? {
    switch try optionalNumber(name) {
    case .int(let value)?: return try bounded(value, name)
    case .bool(let value)?: return value ? 1 : 0
    case .symbol?: throw .unsupported("argument '\(name)' is decided by a run; a number is expected")
    case .float(let value)?: return try Int64(exactly: value).map { (value) throws(PinionError) in try bounded(value, name) }
    case nil: return nil
    }
  }

  /// A count of things that are made one by one.
  func count(_ name: String, limit: Int64 = 1 << 20) throws(PinionError) -> Int64 {
    let value = try int(name)
    guard (0...limit).contains(value) else { throw .unsupported("argument '\(name)' is \(value), expected 0 to \(limit)") }
    return value
  }

  func int(_ name: String) throws(PinionError) -> Int64 {
    guard let value = try optionalInt(name) else { throw missing(name, "an integer") }
    return value
  }

  func optionalFloat(_ name: String) throws(PinionError) -> Double? {
    switch try optionalNumber(name) {
    case .int(let value)?: return Double(value)
    case .bool(let value)?: return value ? 1 : 0
    case .float(let value)?: return value
    case .symbol?: throw .unsupported("argument '\(name)' is decided by a run; a number is expected")
    case nil: return nil
    }
  }

  func float(_ name: String) throws(PinionError) -> Double {
    guard let value = try optionalFloat(name) else { throw missing(name, "a number") }
    return value
  }

  func bool(_ name: String) throws(PinionError) -> Bool { try int(name) != 0 }

  func string(_ name: String) throws(PinionError) -> String {
    guard case .string(let text)? = argument(name) else { throw missing(name, "a string") }
    return text
  }

  func optionalString(_ name: String) -> String? {
    guard case .string(let text)? = argument(name) else { return nil }
    return text
  }

  // MARK: Lists and sizes

  func optionalExtent(_ name: String) throws(PinionError) -> Extent? {
    switch try optionalNumber(name) {
    case .int(let value)?: return .known(value)
    case .symbol(let term)?: return .value(try lowering.cast(term, .int64).id)
    case nil: return nil
    default: throw missing(name, "an integer")
    }
  }

  func extent(_ name: String) throws(PinionError) -> Extent {
    guard let extent = try optionalExtent(name) else { throw missing(name, "an integer") }
    return extent
  }

  func optionalExtents(_ name: String) throws(PinionError) -> [Extent]? {
    guard let argument = argument(name) else { return nil }
    switch argument {
    case .none: return nil
    case .int(let value): return [.known(try bounded(value, name))]
    case .symbol: return [try extent(name)]
    case .ints(let sizes):
      var result: [Extent] = []
      for size in sizes {
        switch size {
        case .known(let value): result.append(.known(try bounded(value, name)))
        case .named(let symbol):
          switch try lowering.number(named: symbol) {
          case .int(let value): result.append(.known(try bounded(value, name)))
          case .symbol(let term): result.append(.value(term.id))
          default: throw missing(name, "a list of integers")
          }
        case .expression: throw missing(name, "a list of integers")
        }
      }
      return result
    case .tensors(let names) where names.isEmpty: return []
    default: throw missing(name, "a list of integers")
    }
  }

  func extents(_ name: String) throws(PinionError) -> [Extent] {
    guard let extents = try optionalExtents(name) else { throw missing(name, "a list of integers") }
    return extents
  }

  func optionalInts(_ name: String) throws(PinionError) -> [Int64]? {
    guard let extents = try optionalExtents(name) else { return nil }
    let known = extents.compactMap(\.known)
    guard known.count == extents.count else { throw .unsupported("argument '\(name)' is decided by a run; numbers are expected") }
    return known
  }

  func ints(_ name: String) throws(PinionError) -> [Int64] {
    guard let ints = try optionalInts(name) else { throw missing(name, "a list of integers") }
    return ints
  }

  /// A list with one entry for each of `count` dimensions; a single entry counts for all.
  func ints(_ name: String, count: Int) throws(PinionError) -> [Int64] {
    let list = try ints(name)
    if list.count == 1 { return [Int64](repeating: list[0], count: count) }
    guard list.count == count else { throw .invalidModel("argument '\(name)' has \(list.count) entries, expected \(count)") }
    return list
  }

  func optionalFloats(_ name: String) throws(PinionError) -> [Double]? {
    switch argument(name) {
    case nil, .some(.none): return nil
    case .floats(let floats)?: return floats
    case .ints?: return try ints(name).map(Double.init)
    default: throw missing(name, "a list of numbers")
    }
  }

  func dtype(_ name: String = "dtype") throws(PinionError) -> (element: ElementType, isComplex: Bool)? {
    guard case .scalarType(let dtype)? = argument(name) else { return nil }
    return try PT2Meta.element(dtype)
  }

  // MARK: Results

  /// The traced description of an output.
  func outputMeta(_ index: Int = 0) -> PT2Meta? {
    var names: [String?] = []
    for output in node.outputs {
      switch output {
      case .tensor(let name): names.append(name)
      case .tensors(let list): names += list
      default: names.append(nil)
      }
    }
    guard index < names.count, let name = names[index] else { return nil }
    return lowering.source.tensors[name]
  }

  func outputElement(_ index: Int = 0) throws(PinionError) -> ElementType? { try outputMeta(index)?.element().0 }
  var outputCount: Int {
    node.outputs.reduce(0) { if case .tensors(let list) = $1 { $0 + list.count } else { $0 + 1 } }
  }
}
