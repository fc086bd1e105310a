import PinionBase
import PinionTensor

/// Reads the attributes of one node, checks their declared types, and remembers which names were read.
public struct AttributeReader {
  /// Few, so that looking each of them through costs less than a table.
  private var entries: [(name: String, value: AttributeValue, isRead: Bool)] = []
  /// The limits of what waits for the node, for operators that make tables of long attributes.
  public let control: RunControl

  public init(_ values: [String: AttributeValue], control: RunControl = RunControl()) {
    self.control = control
    guard !values.isEmpty else { return }
    entries.reserveCapacity(values.count)
    for (name, value) in values { entries.append((name, value, false)) }
  }

  private mutating func take(_ name: String) -> AttributeValue? {
    guard let index = entries.firstIndex(where: { $0.name == name }) else { return nil }
    entries[index].isRead = true
    return entries[index].value
  }

  private func mismatch(_ name: String, _ found: AttributeValue, _ expected: String) -> PinionError {
    .invalidModel("attribute '\(name)' is \(found.kind), expected \(expected)")
  }

  private func missing(_ name: String) -> PinionError { .invalidModel("attribute '\(name)' is missing") }

  public func has(_ name: String) -> Bool { entries.contains { $0.name == name } }

  public mutating func optionalInt(_ name: String) throws(PinionError) -> Int64? {
    switch take(name) {
    case nil: return nil
    case .int(let value)?: return value
    case let other?: throw mismatch(name, other, "INT")
    }
  }

  public mutating func int(_ name: String, default defaultValue: Int64? = nil) throws(PinionError) -> Int64 {
    if let value = try optionalInt(name) { return value }
    guard let defaultValue else { throw missing(name) }
    return defaultValue
  }

  /// An INT that has to lie in `range`.
  public mutating func int(_ name: String, default defaultValue: Int64? = nil, in range: ClosedRange<Int64>) throws(PinionError) -> Int {
    let value = try int(name, default: defaultValue)
    guard range.contains(value) else {
      throw .invalidModel("attribute '\(name)' is \(value), expected \(range.lowerBound) to \(range.upperBound)")
    }
    return Int(value)
  }

  /// An INT that ONNX uses as a flag: zero is false.
  public mutating func bool(_ name: String, default defaultValue: Bool = false) throws(PinionError) -> Bool {
    try int(name, default: defaultValue ? 1 : 0) != 0
  }

  public mutating func optionalFloat(_ name: String) throws(PinionError) -> Float? {
    switch take(name) {
    case nil: return nil
    case .float(let value)?: return value
    case let other?: throw mismatch(name, other, "FLOAT")
    }
  }

  public mutating func float(_ name: String, default defaultValue: Float? = nil) throws(PinionError) -> Float {
    if let value = try optionalFloat(name) { return value }
    guard let defaultValue else { throw missing(name) }
    return defaultValue
  }

  public mutating func optionalString(_ name: String) throws(PinionError) -> String? {
    switch take(name) {
    case nil: return nil
    case .string(let value)?: return value
    case let other?: throw mismatch(name, other, "STRING")
    }
  }

  public mutating func string(_ name: String, default defaultValue: String? = nil) throws(PinionError) -> String {
    if let value = try optionalString(name) { return value }
    guard let defaultValue else { throw missing(name) }
    return defaultValue
  }

  /// A STRING that has to be one of the cases of `T`.
  public mutating func choice<T: RawRepresentable & CaseIterable>(
    _ name: String, default defaultValue: T
  ) throws(PinionError) -> T where T.RawValue == String {
    guard let text = try optionalString(name) else { return defaultValue }
    guard let value = T(rawValue: text) else {
      let known = T.allCases.map(\.rawValue).joined(separator: ", ")
      throw .invalidModel("attribute '\(name)' is '\(text)', expected one of \(known)")
    }
    return value
  }

  public mutating func optionalInts(_ name: String) throws(PinionError) -> [Int64]? {
    switch take(name) {
    case nil: return nil
    case .ints(let value)?: return value
    case let other?: throw mismatch(name, other, "INTS")
    }
  }

  public mutating func ints(_ name: String, default defaultValue: [Int64]? = nil) throws(PinionError) -> [Int64] {
    if let value = try optionalInts(name) { return value }
    guard let defaultValue else { throw missing(name) }
    return defaultValue
  }

  public mutating func optionalFloats(_ name: String) throws(PinionError) -> [Float]? {
    switch take(name) {
    case nil: return nil
    case .floats(let value)?: return value
    case let other?: throw mismatch(name, other, "FLOATS")
    }
  }

  public mutating func floats(_ name: String, default defaultValue: [Float]? = nil) throws(PinionError) -> [Float] {
    if let value = try optionalFloats(name) { return value }
    guard let defaultValue else { throw missing(name) }
    return defaultValue
  }

  public mutating func optionalStrings(_ name: String) throws(PinionError) -> [String]? {
    switch take(name) {
    case nil: return nil
    case .strings(let value)?: return value
    case let other?: throw mismatch(name, other, "STRINGS")
    }
  }

  public mutating func strings(_ name: String, default defaultValue: [String]? = nil) throws(PinionError) -> [String] {
    if let value = try optionalStrings(name) { return value }
    guard let defaultValue else { throw missing(name) }
    return defaultValue
  }

  public mutating func optionalTensor(_ name: String) throws(PinionError) -> Tensor? {
    switch take(name) {
    case nil: return nil
    case .tensor(let value)?: return value
    case let other?: throw mismatch(name, other, "TENSOR")
    }
  }

  public mutating func tensor(_ name: String) throws(PinionError) -> Tensor {
    guard let value = try optionalTensor(name) else { throw missing(name) }
    return value
  }

  /// The index of a GRAPH attribute in the node's subgraphs.
  public mutating func subgraph(_ name: String) throws(PinionError) -> Int {
    switch take(name) {
    case nil: throw missing(name)
    case .graph(let index)?: return index
    case let other?: throw mismatch(name, other, "GRAPH")
    }
  }

  public mutating func optionalType(_ name: String) throws(PinionError) -> ValueType? {
    switch take(name) {
    case nil: return nil
    case .type(let value)?: return value
    case let other?: throw mismatch(name, other, "TYPE_PROTO")
    }
  }

  /// An INT that names an element type.
  public mutating func optionalElementType(_ name: String) throws(PinionError) -> ElementType? {
    guard let raw = try optionalInt(name) else { return nil }
    guard let type = Int32(exactly: raw).flatMap(ElementType.init(rawValue:)) else {
      throw .invalidModel("attribute '\(name)' is \(raw), which is no element type")
    }
    return type
  }

  public mutating func elementType(_ name: String, default defaultValue: ElementType? = nil) throws(PinionError) -> ElementType {
    if let value = try optionalElementType(name) { return value }
    guard let defaultValue else { throw missing(name) }
    return defaultValue
  }

  /// Accepts an attribute without effect, e.g. one that only tells how a model was trained.
  public mutating func ignore(_ names: String...) {
    for index in entries.indices where names.contains(entries[index].name) { entries[index].isRead = true }
  }

  /// Rejects the node when it carries an attribute that the operator did not read.
  public func finish() throws(PinionError) {
    guard entries.contains(where: { !$0.isRead }) else { return }
    let unread = entries.filter { !$0.isRead }.map(\.name)
    throw .invalidModel("unknown attribute " + unread.sorted().map { "'\($0)'" }.joined(separator: ", "))
  }
}
