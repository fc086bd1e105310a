import CPinion
import Pinion

/// Type codes of DLPack.
private func elementType(_ type: pinion_dl_type) throws(PinionError) -> ElementType {
  let element: ElementType? =
    switch (type.code, type.bits) {
    case (0, 8): .int8
    case (0, 16): .int16
    case (0, 32): .int32
    case (0, 64): .int64
    case (0, 4): .int4
    case (1, 8): .uint8
    case (1, 16): .uint16
    case (1, 32): .uint32
    case (1, 64): .uint64
    case (1, 4): .uint4
    case (2, 16): .float16
    case (2, 32): .float32
    case (2, 64): .float64
    case (4, 16): .bfloat16
    case (5, 64): .complex64
    case (5, 128): .complex128
    case (6, 8): .bool
    case (10, 8): .float8e4m3fn
    case (11, 8): .float8e4m3fnuz
    case (12, 8): .float8e5m2
    case (13, 8): .float8e5m2fnuz
    case (14, 8): .float8e8m0
    case (17, 4): .float4e2m1
    default: nil
    }
  guard let element, type.lanes == 1 else {
    throw .unsupported("DLPack type code \(type.code) with \(type.bits) bits and \(type.lanes) lanes")
  }
  return element
}

private func dlType(_ element: ElementType) throws(PinionError) -> pinion_dl_type {
  let code: UInt8
  switch element {
  case .int8, .int16, .int32, .int64, .int4, .int2: code = 0
  case .uint8, .uint16, .uint32, .uint64, .uint4, .uint2: code = 1
  case .float16, .float32, .float64: code = 2
  case .bfloat16: code = 4
  case .complex64, .complex128: code = 5
  case .bool: code = 6
  case .float8e4m3fn: code = 10
  case .float8e4m3fnuz: code = 11
  case .float8e5m2: code = 12
  case .float8e5m2fnuz: code = 13
  case .float8e8m0: code = 14
  case .float4e2m1: code = 17
  case .string: throw .unsupported("strings have no DLPack type")
  }
  return pinion_dl_type(code: code, bits: UInt8(element.bitWidth), lanes: 1)
}

private func tensor(_ dl: pinion_dl_tensor, owner: AnyObject) throws(PinionError) -> Tensor {
  guard dl.device.type == 1 || dl.device.type == 3 else {
    throw .unsupported("the DLPack tensor is on device type \(dl.device.type), expected memory of the CPU")
  }
  let type = try tensorType(try elementType(dl.dtype).cType, dl.ndim, dl.shape)
  let offset: Int = try dl.byte_offset.converted()
  return try wrap(dl.data.map { $0 + offset }, type, strides: dl.strides, owner: owner)
}

/// Calls a DLPack tensor's deleter when the last reference goes.
private final class Legacy: @unchecked Sendable {
  let managed: UnsafeMutablePointer<pinion_dl_managed>
  var isOwned = false
  init(_ managed: UnsafeMutablePointer<pinion_dl_managed>) { self.managed = managed }
  deinit { if isOwned { managed.pointee.deleter?(managed) } }
}

private final class Versioned: @unchecked Sendable {
  let managed: UnsafeMutablePointer<pinion_dl_versioned>
  var isOwned = false
  init(_ managed: UnsafeMutablePointer<pinion_dl_versioned>) { self.managed = managed }
  deinit { if isOwned { managed.pointee.deleter?(managed) } }
}

@c @implementation
public func pinion_tensor_from_dlpack(_ managed: OpaquePointer!, _ value: UnsafeMutablePointer<OpaquePointer?>!) -> pinion_status {
  status { () throws(PinionError) in
    let value = try required(value, "value")
    value.pointee = nil
    let managed = UnsafeMutablePointer<pinion_dl_managed>(try required(managed, "managed"))
    let owner = Legacy(managed)
    let box = try ValueBox(.tensor(try tensor(managed.pointee.tensor, owner: owner)))
    owner.isOwned = true
    value.pointee = handle(box)
  }
}

@c @implementation
public func pinion_tensor_from_dlpack_versioned(_ managed: OpaquePointer!, _ value: UnsafeMutablePointer<OpaquePointer?>!) -> pinion_status {
  status { () throws(PinionError) in
    let value = try required(value, "value")
    value.pointee = nil
    let managed = UnsafeMutablePointer<pinion_dl_versioned>(try required(managed, "managed"))
    guard managed.pointee.major == 1 else { throw .unsupported("DLPack version \(managed.pointee.major).\(managed.pointee.minor), expected 1") }
    let owner = Versioned(managed)
    let box = try ValueBox(.tensor(try tensor(managed.pointee.tensor, owner: owner)))
    owner.isOwned = true
    value.pointee = handle(box)
  }
}

/// Extents and strides in one block that a DLPack tensor points to.
private func dlTensor(_ box: ValueBox) throws(PinionError) -> pinion_dl_tensor {
  guard let tensor = box.tensor else { throw .invalidArgument("the value is no tensor") }
  let type = try dlType(tensor.element)
  let rank = tensor.shape.rank
  let numbers = UnsafeMutablePointer<Int64>.allocate(capacity: max(2 &* rank, 1))
  for (axis, stride) in tensor.shape.strides.enumerated() {
    numbers[axis] = Int64(tensor.shape[axis])
    numbers[rank &+ axis] = Int64(stride)
  }
  return pinion_dl_tensor(
    data: box.visibleData, device: pinion_dl_device(type: 1, id: 0), ndim: Int32(truncatingIfNeeded: rank), dtype: type, shape: numbers,
    strides: numbers + rank, byte_offset: 0)
}

@c @implementation
public func pinion_tensor_to_dlpack(_ value: OpaquePointer!, _ managed: UnsafeMutablePointer<OpaquePointer?>!) -> pinion_status {
  status { () throws(PinionError) in
    let managed = try required(managed, "managed")
    managed.pointee = nil
    guard let box = valueBox(value) else { throw .invalidArgument("value is NULL") }
    let tensor = try dlTensor(box)
    let result = UnsafeMutablePointer<pinion_dl_managed>.allocate(capacity: 1)
    result.initialize(
      to: pinion_dl_managed(
        tensor: tensor, context: Unmanaged.passRetained(box).toOpaque(),
        deleter: { managed in
          guard let managed, let context = managed.pointee.context else { return }
          Unmanaged<ValueBox>.fromOpaque(context).release()
          managed.pointee.tensor.shape?.deallocate()
          managed.deallocate()
        }))
    managed.pointee = OpaquePointer(result)
  }
}

@c @implementation
public func pinion_tensor_to_dlpack_versioned(_ value: OpaquePointer!, _ managed: UnsafeMutablePointer<OpaquePointer?>!) -> pinion_status {
  status { () throws(PinionError) in
    let managed = try required(managed, "managed")
    managed.pointee = nil
    guard let box = valueBox(value) else { throw .invalidArgument("value is NULL") }
    let tensor = try dlTensor(box)
    let result = UnsafeMutablePointer<pinion_dl_versioned>.allocate(capacity: 1)
    result.initialize(
      to: pinion_dl_versioned(
        major: 1, minor: 1, context: Unmanaged.passRetained(box).toOpaque(),
        deleter: { managed in
          guard let managed, let context = managed.pointee.context else { return }
          Unmanaged<ValueBox>.fromOpaque(context).release()
          managed.pointee.tensor.shape?.deallocate()
          managed.deallocate()
        }, flags: 0, tensor: tensor))
    managed.pointee = OpaquePointer(result)
  }
}
