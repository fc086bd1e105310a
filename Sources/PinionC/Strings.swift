import CPinion
import Glibc
import Pinion

/// All strings of a tensor one after the other, a zero behind each, with the place of each.
final class FlatStrings: @unchecked Sendable {
  /// One more than there are strings.
  let offsets: UnsafePointer<Int64>
  let text: UnsafePointer<CChar>
  private let block: Buffer

  init(_ tensor: Tensor) throws(PinionError) {
    let elements = try tensor.unsafeElements(as: StringElement.self)
    let table = try (try elements.count.adding(1)).multiplied(by: MemoryLayout<Int64>.stride)
    var bytes = table
    for element in elements { bytes = try (try bytes.adding(element.bytes.count)).adding(1) }
    block = try Allocator.system.buffer(bytes: bytes)
    let offsets = block.pointer.bindMemory(to: Int64.self, capacity: elements.count + 1)
    let text = (block.pointer + table).bindMemory(to: UInt8.self, capacity: bytes - table)
    var position = 0
    for (index, element) in elements.enumerated() {
      offsets[index] = Int64(position)
      if let start = element.bytes.baseAddress { (text + position).update(from: start, count: element.bytes.count) }
      position &+= element.bytes.count
      text[position] = 0
      position &+= 1
    }
    offsets[elements.count] = Int64(position)
    self.offsets = UnsafePointer(offsets)
    self.text = UnsafeRawPointer(text).assumingMemoryBound(to: CChar.self)
  }
}

@c @implementation
public func pinion_tensor_strings(
  _ value: OpaquePointer!, _ data: UnsafeMutablePointer<UnsafePointer<CChar>?>!, _ offsets: UnsafeMutablePointer<UnsafePointer<Int64>?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let data = try required(data, "data"), offsets = try required(offsets, "offsets")
    data.pointee = nil
    offsets.pointee = nil
    guard let box = valueBox(value), let tensor = box.tensor, tensor.element == .string else {
      throw .invalidArgument("the value is no tensor of strings")
    }
    let flat = try box.flatStrings(of: tensor)
    data.pointee = flat.text
    offsets.pointee = flat.offsets
  }
}

@c @implementation
public func pinion_tensor_create_text(
  _ text: UnsafePointer<CChar>!, _ offsets: UnsafePointer<Int64>!, _ rank: Int32, _ dims: UnsafePointer<Int64>!,
  _ value: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let value = try required(value, "value")
    value.pointee = nil
    let tensor = try textTensor(text, offsets, try tensorType(PINION_STRING, rank, dims), "")
    value.pointee = handle(try ValueBox(.tensor(tensor)))
  }
}

@c @implementation
public func pinion_string_views_join(
  _ strings: UnsafePointer<pinion_string_view>!, _ count: Int, _ text: UnsafeMutablePointer<CChar>!, _ capacity: Int
) -> pinion_status {
  status { () throws(PinionError) in
    guard count >= 0, capacity >= 0 else { throw .invalidArgument("\(UInt(bitPattern: count)) strings for \(UInt(bitPattern: capacity)) bytes") }
    guard count > 0 else { return }
    let strings = try required(strings, "strings")
    var next = UnsafeMutableRawPointer(try required(text, "text"))
    var room = capacity
    for index in 0..<count {
      let string = strings[index]
      guard string.length >= 0, string.length < room else {
        throw .invalidArgument("strings[\(index)] has \(UInt(bitPattern: string.length)) bytes and a zero, but \(room) bytes of \(capacity) are left")
      }
      if string.length > 0 {
        guard let data = string.data else { throw .invalidArgument("strings[\(index)].data is NULL") }
        next.copyMemory(from: data, byteCount: string.length)
      }
      (next + string.length).storeBytes(of: 0, as: UInt8.self)
      next += string.length &+ 1
      room &-= string.length &+ 1
    }
  }
}

@c @implementation
public func pinion_string_views_split(
  _ text: UnsafePointer<CChar>!, _ length: Int, _ count: Int, _ strings: UnsafeMutablePointer<pinion_string_view>!
) -> pinion_status {
  status { () throws(PinionError) in
    guard count >= 0, length >= 0 else { throw .invalidArgument("\(UInt(bitPattern: count)) strings of \(UInt(bitPattern: length)) bytes") }
    guard count > 0 else {
      guard length == 0 else { throw .invalidValue("\(length) bytes of no strings") }
      return
    }
    let strings = try required(strings, "strings")
    guard length > 0 else {
      guard count == 1 else { throw .invalidValue("\(count) strings in no bytes") }
      strings[0] = pinion_string_view(data: nil, length: 0)
      return
    }
    var next = try required(text, "text")
    var left = length
    for index in 0..<(count &- 1) {
      guard let zero = left > 0 ? memchr(next, 0, left) : nil else { throw .invalidValue("\(index) zeros between \(count) strings") }
      let bytes = UnsafePointer(zero.assumingMemoryBound(to: CChar.self)) - next
      strings[index] = pinion_string_view(data: next, length: bytes)
      next += bytes &+ 1
      left &-= bytes &+ 1
    }
    guard left == 0 || memchr(next, 0, left) == nil else { throw .invalidValue("more zeros than between \(count) strings") }
    strings[count &- 1] = pinion_string_view(data: next, length: left)
  }
}

/// A tensor of copies of strings that lie one after the other.
/// - Parameter name: what stands before "text" and "offsets" in messages.
func textTensor(
  _ text: UnsafePointer<CChar>?, _ offsets: UnsafePointer<Int64>?, _ type: TensorType, _ name: String
) throws(PinionError) -> Tensor {
  guard let offsets else { throw .invalidArgument("\(name)offsets is NULL") }
  guard offsets[0] >= 0 else { throw .invalidArgument("\(name)offsets[0] is \(offsets[0])") }
  for index in 0..<type.count where offsets[index + 1] < offsets[index] {
    throw .invalidArgument("\(name)offsets[\(index + 1)] is \(offsets[index + 1]), less than \(offsets[index]) before it")
  }
  let first = Int(offsets[0]), end = Int(offsets[type.count])
  guard text != nil || first == end else { throw .invalidArgument("\(name)text is NULL") }
  let bytes = UnsafeRawBufferPointer(start: text.map { UnsafeRawPointer($0) + first }, count: text == nil ? 0 : end - first)
  return try Tensor(text: bytes, offsets: UnsafeBufferPointer(start: offsets, count: type.count + 1), type.shape)
}
