import CPinion
import Glibc
import Pinion

/// Memory of the caller's that is given back when the last reference goes.
final class LentMemory: @unchecked Sendable {
  let data: UnsafeMutableRawPointer?
  let release: pinion_memory_release_fn?
  let context: UnsafeMutableRawPointer?
  /// Whether giving back is this object's duty: not if making the value failed.
  var isOwned = false

  init(_ data: UnsafeMutableRawPointer?, _ release: pinion_memory_release_fn?, _ context: UnsafeMutableRawPointer?) {
    self.data = data
    self.release = release
    self.context = context
  }

  deinit { if isOwned { release?(data, context) } }
}

/// The type from what the caller says.
func tensorType(_ element: pinion_element_type, _ rank: Int32, _ dims: UnsafePointer<Int64>?) throws(PinionError) -> TensorType {
  let element = try ElementType(c: element)
  guard rank >= 0 else { throw .invalidArgument("rank is \(rank)") }
  guard rank <= Shape.rankLimit else { throw .invalidShape("rank \(rank), more than \(Shape.rankLimit)") }
  guard rank == 0 || dims != nil else { throw .invalidArgument("dims is NULL") }
  var extents: [Int] = []
  for axis in 0..<Int(rank) { extents.append(Int(dims?[axis] ?? 0)) }
  return TensorType(element, try Shape(extents))
}

/// A tensor over the caller's memory; a copy where that is not contiguous or not aligned.
func wrap(
  _ data: UnsafeMutableRawPointer?, _ type: TensorType, strides: UnsafePointer<Int64>?, owner: AnyObject?
) throws(PinionError) -> Tensor {
  guard type.element != .string else { throw .unsupported("strings cannot be wrapped; use pinion_tensor_create_strings()") }
  guard let data else {
    guard type.count == 0 else { throw .invalidArgument("data is NULL") }
    return try Tensor(type)
  }
  let isContiguous =
    strides.map { strides in
      var expected: Int64 = 1
      for axis in type.dims.indices.reversed() {
        if type.dims[axis] != 1, strides[axis] != expected { return type.count == 0 }
        expected &*= Int64(max(type.dims[axis], 1))
      }
      return true
    } ?? true
  if type.element.bitWidth < 8 {
    guard isContiguous else { throw .unsupported("elements of less than a byte have to be contiguous") }
    let tensor = try Tensor(type)
    unpackNarrow(
      UnsafeRawBufferPointer(start: data, count: (type.count &* type.element.bitWidth &+ 7) / 8), type.element,
      into: UnsafeMutableRawBufferPointer(start: tensor.data, count: type.byteCount))
    return tensor
  }
  let alignment = min(type.element.byteWidth, 8)
  if isContiguous, UInt(bitPattern: data) % UInt(alignment) == 0 { return Tensor(type, data: data, owner: owner) }
  let tensor = try Tensor(type)
  let width = type.element.byteWidth
  guard let strides, !isContiguous else {
    tensor.data.copyMemory(from: data, byteCount: type.byteCount)
    return tensor
  }
  var position = [Int](repeating: 0, count: type.rank)
  for index in 0..<type.count {
    var offset: Int64 = 0
    for axis in position.indices { offset &+= Int64(position[axis]) &* strides[axis] }
    (tensor.data + index &* width).copyMemory(from: data + Int(offset) &* width, byteCount: width)
    var axis = type.rank - 1
    while axis >= 0 {
      position[axis] += 1
      if position[axis] < type.dims[axis] { break }
      position[axis] = 0
      axis -= 1
    }
  }
  return tensor
}

@c @implementation
public func pinion_tensor_wrap(
  _ data: UnsafeMutableRawPointer!, _ element: pinion_element_type, _ rank: Int32, _ dims: UnsafePointer<Int64>!, _ strides: UnsafePointer<Int64>!,
  _ release: pinion_memory_release_fn!, _ context: UnsafeMutableRawPointer!, _ value: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let value = try required(value, "value")
    value.pointee = nil
    let lent = LentMemory(data, release, context)
    let type = try tensorType(element, rank, dims)
    let tensor = try wrap(data, type, strides: strides, owner: lent)
    let box = try ValueBox(.tensor(tensor), isCopyOfLent: tensor.owner !== lent && type.count > 0)
    lent.isOwned = true
    value.pointee = handle(box)
  }
}

@c @implementation
public func pinion_tensor_create(
  _ runtime: OpaquePointer!, _ element: pinion_element_type, _ rank: Int32, _ dims: UnsafePointer<Int64>!,
  _ value: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let value = try required(value, "value")
    value.pointee = nil
    let type = try tensorType(element, rank, dims)
    let tensor = try Tensor(type, allocator: runtimeBox(runtime).allocator)
    if type.element == .string {
      tensor.data.assumingMemoryBound(to: StringElement.self).initialize(repeating: StringElement(start: nil, count: 0), count: type.count)
    } else if type.element.bitWidth < 8 {
      tensor.data.initializeMemory(as: UInt8.self, repeating: 0, count: type.byteCount)
    }
    value.pointee = handle(try ValueBox(.tensor(tensor)))
  }
}

@c @implementation
public func pinion_tensor_create_strings(
  _ strings: UnsafePointer<UnsafePointer<CChar>?>!, _ lengths: UnsafePointer<Int>!, _ rank: Int32, _ dims: UnsafePointer<Int64>!,
  _ value: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let value = try required(value, "value")
    value.pointee = nil
    let type = try tensorType(PINION_STRING, rank, dims)
    guard strings != nil || type.count == 0 else { throw .invalidArgument("strings is NULL") }
    let made = try Tensor(type.shape) { (index) throws(PinionError) in
      guard let start = strings?[index] else {
        guard let lengths, lengths[index] == 0 else { throw .invalidArgument("strings[\(index)] is NULL") }
        return UnsafeRawBufferPointer(start: nil, count: 0)
      }
      let count = lengths.map { $0[index] } ?? strlen(start)
      guard count >= 0 else { throw .invalidArgument("lengths[\(index)] is \(count)") }
      return UnsafeRawBufferPointer(start: start, count: count)
    }
    value.pointee = handle(try ValueBox(.tensor(made)))
  }
}

@c @implementation
public func pinion_value_retain(_ value: OpaquePointer!) -> OpaquePointer! { retain(value, ValueBox.self) }

@c @implementation
public func pinion_value_release(_ value: OpaquePointer!) { release(value, ValueBox.self) }

@c @implementation
public func pinion_value_kind(_ value: OpaquePointer!) -> pinion_kind { valueBox(value)?.kind ?? PINION_KIND_NONE }

@c @implementation
public func pinion_tensor_element_type(_ value: OpaquePointer!) -> pinion_element_type {
  valueBox(value)?.tensor?.element.cType ?? PINION_UNDEFINED
}

@c @implementation
public func pinion_tensor_rank(_ value: OpaquePointer!) -> Int32 {
  Int32(truncatingIfNeeded: valueBox(value)?.tensor?.shape.rank ?? -1)
}

@c @implementation
public func pinion_tensor_dims(_ value: OpaquePointer!) -> UnsafePointer<Int64>! {
  guard let box = valueBox(value), let tensor = box.tensor, tensor.shape.rank > 0 else { return nil }
  return UnsafePointer(box.dims)
}

@c @implementation
public func pinion_tensor_element_count(_ value: OpaquePointer!) -> Int64 { Int64(valueBox(value)?.tensor?.count ?? 0) }

extension ValueBox {
  var visibleData: UnsafeMutableRawPointer? {
    guard let tensor, tensor.element != .string, tensor.count > 0 else { return nil }
    return packed?.pointer ?? tensor.data
  }

  var visibleBytes: Int {
    guard let tensor, tensor.element != .string else { return 0 }
    return tensor.element.bitWidth < 8 ? packedBytes(tensor.type) : tensor.byteCount
  }
}

private func packedBytes(_ type: TensorType) -> Int { (type.count &* type.element.bitWidth &+ 7) / 8 }

@c @implementation
public func pinion_tensor_data(_ value: OpaquePointer!) -> UnsafeMutableRawPointer! { valueBox(value)?.visibleData }

@c @implementation
public func pinion_tensor_byte_size(_ value: OpaquePointer!) -> Int { valueBox(value)?.visibleBytes ?? 0 }

@c @implementation
public func pinion_tensor_describe(_ value: OpaquePointer!, _ view: UnsafeMutablePointer<pinion_tensor_view>!) -> pinion_status {
  status { () throws(PinionError) in
    let view = try required(view, "view")
    try clear(view, "")
    guard let box = valueBox(value), box.tensor != nil else { throw .invalidArgument("the value is no tensor") }
    box.describe(in: view)
  }
}

/// Sets all members but the size to 0.
func clear(_ view: UnsafeMutablePointer<pinion_tensor_view>, _ name: @autoclosure () -> String) throws(PinionError) {
  let size = view.pointee.struct_size
  guard size >= MemoryLayout<pinion_tensor_view>.size else {
    throw .invalidArgument("\(name())struct_size is \(size), expected at least \(MemoryLayout<pinion_tensor_view>.size)")
  }
  view.pointee = pinion_tensor_view(
    struct_size: size, element_type: PINION_UNDEFINED, rank: 0, dims: nil, data: nil, byte_size: 0, element_count: 0)
}

extension ValueBox {
  /// Says what the tensor is; leaves a view of another value as it is.
  func describe(in view: UnsafeMutablePointer<pinion_tensor_view>) {
    guard let tensor else { return }
    view.pointee.element_type = tensor.element.cType
    view.pointee.rank = Int32(truncatingIfNeeded: tensor.shape.rank)
    view.pointee.dims = UnsafePointer(dims)
    view.pointee.data = visibleData
    view.pointee.byte_size = visibleBytes
    view.pointee.element_count = Int64(tensor.count)
  }
}

@c @implementation
public func pinion_tensor_string(
  _ value: OpaquePointer!, _ index: Int64, _ data: UnsafeMutablePointer<UnsafePointer<CChar>?>!, _ length: UnsafeMutablePointer<Int>!
) -> pinion_status {
  status { () throws(PinionError) in
    let data = try required(data, "data"), length = try required(length, "length")
    data.pointee = nil
    length.pointee = 0
    guard let tensor = valueBox(value)?.tensor, tensor.element == .string else { throw .invalidArgument("the value is no tensor of strings") }
    guard index >= 0, index < tensor.count else { throw PinionError(.notFound, "string \(index) of \(tensor.count)") }
    let element = try tensor.unsafeElements(as: StringElement.self)[Int(index)]
    data.pointee = element.start.map { UnsafeRawPointer($0).assumingMemoryBound(to: CChar.self) } ?? CText.empty
    length.pointee = element.count
  }
}
