import PinionBackend
import PinionBase
import PinionTensor

/// The values that a loop's body gives for one scan output, joined along a new outermost axis as they come.
///
/// The memory grows by doubling: neither the number of iterations nor the shape need be known beforehand.
struct StackedOutput {
  private var item: TensorType?
  private var memory: Tensor?
  private var capacity = 0
  private(set) var count = 0
  private var owners: [AnyObject?] = []
  let name: String

  init(name: String) { self.name = name }

  /// Adds the value of one iteration.
  /// - Parameter expected: how many iterations are to come at most.
  mutating func append(_ value: Value, expected: Int, _ context: EagerContext) throws(PinionError) {
    let tensor = try value.asTensor()
    let type = item ?? tensor.type
    guard tensor.type == type else {
      throw .invalidShape("\(name) is \(tensor.type) in iteration \(count) and was \(type) before")
    }
    item = type
    if count == capacity || memory == nil { try grow(type, expected: expected, context) }
    guard let memory else { return }
    try context.copy(tensor.data, to: memory.data + count &* type.byteCount, bytes: type.byteCount)
    count &+= 1
    if type.element == .string { owners.append(tensor.owner) }
  }

  /// Whether a body may write its values where they belong, since the type is known and is not text.
  var isPlain: Bool { item.map { $0.element != .string } ?? false }

  /// Memory for the value of the next iteration, for a body that writes it there where `isPlain`; `take` adds it once it is written.
  mutating func next(expected: Int, _ context: EagerContext) throws(PinionError) -> Tensor {
    guard let item else { throw .internal("\(name) has no type yet") }
    if count == capacity || memory == nil { try grow(item, expected: expected, context) }
    guard let memory else { throw .internal("\(name) has no memory") }
    return Tensor(item, data: memory.data + count &* item.byteCount, owner: memory.owner)
  }

  mutating func take() { count &+= 1 }

  private mutating func grow(_ type: TensorType, expected: Int, _ context: EagerContext) throws(PinionError) {
    let first = max(1, 65_536 / max(type.byteCount, 1))
    capacity = min(max(try capacity.multiplied(by: 2), first), max(expected, try count.adding(1)))
    let larger = try context.allocate(type.element, [capacity] + type.dims)
    if let memory { try context.copy(memory.data, to: larger.data, bytes: count &* type.byteCount) }
    memory = larger
  }

  /// The joined values, of which there is one at least.
  func joined() throws(PinionError) -> Tensor {
    guard let item, let memory else { throw .internal("\(name) has no value") }
    let type = TensorType(item.element, try Shape([count] + item.dims))
    return Tensor(type, data: memory.data, owner: memory.owner).keepingAlive(owners)
  }

  /// What there is to join after no iteration.
  /// - Parameter type: what is known of the body's output.
  func empty(_ type: ValueType?, _ context: EagerContext) throws(PinionError) -> Tensor {
    let item = try emptyItem(type, name: name)
    return try context.allocate(item.element, [0] + item.dims)
  }
}

/// The type of a body's output that was never computed: open extents count as 0.
func emptyItem(_ type: ValueType?, name: String) throws(PinionError) -> TensorType {
  // An optional that holds a tensor is one where it is stacked.
  if case .optional(let content)? = type { return try emptyItem(content, name: name) }
  guard case .tensor(let element, let dims)? = type else {
    throw .invalidModel("\(name): there was no iteration, and the body neither declares a tensor type for it nor lets one be inferred")
  }
  let extents = (dims ?? []).map { dimension in
    if case .known(let extent) = dimension { extent } else { 0 }
  }
  return TensorType(element, try Shape(extents))
}

/// The value of a one-element bool tensor that decides whether something goes on.
func truthValue(_ value: Value, _ name: String) throws(PinionError) -> Bool {
  let tensor = try value.asTensor()
  guard tensor.element == .bool, tensor.count == 1 else { throw .invalidShape("\(name) is \(tensor.type), expected one bool") }
  return tensor.data.load(as: UInt8.self) != 0
}

extension ValueType {
  /// The type of `count` such tensors along a new axis; nil where the rank is open.
  func stacked(_ count: Int, axis: Int) -> ValueType? {
    guard case .tensor(let element, var dims?) = self, axis <= dims.count else { return nil }
    dims.insert(.known(count), at: axis)
    return .tensor(element, dims: dims)
  }
}
