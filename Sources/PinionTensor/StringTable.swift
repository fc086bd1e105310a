import PinionBase

/// Strings that a run makes one after the other, in memory of its allocator that counts against its byte budget.
public struct StringTable: ~Copyable {
  /// Only the counts have a meaning until `tensor` knows where the text lies.
  private var elements: RunTable<StringElement>
  private var text: RunTable<UInt8>
  private var start = 0
  private let control: RunControl
  private var poll: Poll

  /// - Parameters:
  ///   - count, bytes: how many strings, and bytes of text in all, there will be, if that is known.
  /// - Throws: `.budgetExceeded`, `.outOfMemory`.
  public init(count: Int = 0, bytes: Int = 0, allocator: Allocator, control: RunControl) throws(PinionError) {
    let elements = try RunTable<StringElement>(capacity: count, allocator: allocator, control: control)
    let text = try RunTable<UInt8>(capacity: bytes, allocator: allocator, control: control)
    self.elements = elements
    self.text = text
    self.control = control
    poll = Poll(control)
  }

  /// The number of strings that have been ended.
  public var count: Int { elements.count }

  /// Adds text to the string that has not been ended.
  public mutating func write(_ bytes: UnsafeBufferPointer<UInt8>) throws(PinionError) {
    try poll.count(4 &+ bytes.count / 16)
    try text.append(contentsOf: bytes)
  }

  public mutating func write(_ byte: UInt8) throws(PinionError) { try text.append(byte) }

  /// Ends a string, of what has been written since the last one ended.
  public mutating func end() throws(PinionError) {
    try poll.count()
    try elements.append(StringElement(start: nil, count: text.count &- start))
    start = text.count
  }

  public mutating func append(_ bytes: UnsafeBufferPointer<UInt8>) throws(PinionError) {
    try write(bytes)
    try end()
  }

  public mutating func append(_ bytes: [UInt8]) throws(PinionError) {
    try bytes.withUnsafeBufferPointer { (bytes) throws(PinionError) in try append(bytes) }
  }

  public mutating func append(_ string: String) throws(PinionError) {
    // Strings of the standard library's own are contiguous already.
    var string = string
    string.makeContiguousUTF8()
    for byte in string.utf8 { try text.append(byte) }
    try poll.count(8)
    try end()
  }

  /// The strings as a tensor, which owns them.
  /// - Throws: `.invalidShape` where the shape has another number of elements.
  public consuming func tensor(_ shape: Shape) throws(PinionError) -> Tensor {
    guard elements.count == shape.count else { throw .invalidShape("\(elements.count) strings do not fill shape \(shape)") }
    var next = text.base
    for index in 0..<elements.count {
      try poll.count()
      let count = elements[index].count
      elements[index] = StringElement(start: UnsafePointer(next), count: count)
      next += count
    }
    let memory = Tensor.Owners([elements.owner, text.owner])
    return Tensor(TensorType(.string, shape), data: UnsafeMutableRawPointer(elements.base), owner: StringStorage(memory, maker: control))
  }
}
