import CPinion
import Pinion

@c @implementation
public func pinion_sequence_create(_ sequence: UnsafeMutablePointer<OpaquePointer?>!) -> pinion_status {
  status { () throws(PinionError) in
    let sequence = try required(sequence, "sequence")
    sequence.pointee = handle(try ValueBox(.sequence([], element: .tensor(.float32, dims: nil))))
  }
}

@c @implementation
public func pinion_sequence_append(_ sequence: OpaquePointer!, _ element: OpaquePointer!) -> pinion_status {
  status { () throws(PinionError) in
    guard let sequence = valueBox(sequence), let element = valueBox(element) else { throw .invalidArgument("a value is NULL") }
    try sequence.append(try element.current())
  }
}

@c @implementation
public func pinion_sequence_count(_ sequence: OpaquePointer!) -> Int {
  guard case .sequence(let values, _)? = valueBox(sequence)?.value else { return 0 }
  return values.count
}

@c @implementation
public func pinion_sequence_get(_ sequence: OpaquePointer!, _ index: Int, _ element: UnsafeMutablePointer<OpaquePointer?>!) -> pinion_status {
  status { () throws(PinionError) in
    let element = try required(element, "element")
    element.pointee = nil
    guard case .sequence(let values, _)? = valueBox(sequence)?.value else { throw .invalidArgument("the value is no sequence") }
    guard values.indices.contains(index) else { throw PinionError(.notFound, "element \(index) of \(values.count)") }
    element.pointee = handle(try ValueBox(values[index]))
  }
}

@c @implementation
public func pinion_sequence_describe(
  _ sequence: OpaquePointer!, _ first: Int, _ count: Int, _ views: UnsafeMutablePointer<pinion_tensor_view>!
) -> pinion_status {
  status { () throws(PinionError) in
    guard let box = valueBox(sequence), case .sequence(let values, _) = box.value else { throw .invalidArgument("the value is no sequence") }
    guard first >= 0, count >= 0, first <= values.count, count <= values.count - first else {
      throw PinionError(.notFound, "\(UInt(bitPattern: count)) elements from \(UInt(bitPattern: first)) on of \(values.count)")
    }
    guard count > 0 else { return }
    let views = try required(views, "views")
    for index in 0..<count { try clear(views + index, "views[\(index)].") }
    let dims = box.elementDims(of: values)
    for index in 0..<count {
      guard case .tensor(let tensor) = values[first + index], tensor.element.bitWidth >= 8 else { continue }
      let holdsNumbers = tensor.element != .string && tensor.count > 0
      views[index].element_type = tensor.element.cType
      views[index].rank = Int32(truncatingIfNeeded: tensor.shape.rank)
      views[index].dims = dims[first + index]
      views[index].data = holdsNumbers ? tensor.data : nil
      views[index].byte_size = holdsNumbers ? tensor.byteCount : 0
      views[index].element_count = Int64(tensor.count)
    }
  }
}

@c @implementation
public func pinion_map_create(_ keys: OpaquePointer!, _ values: OpaquePointer!, _ map: UnsafeMutablePointer<OpaquePointer?>!) -> pinion_status {
  status { () throws(PinionError) in
    let map = try required(map, "map")
    map.pointee = nil
    guard let keys = valueBox(keys)?.tensor, let values = valueBox(values)?.tensor else { throw .invalidArgument("keys and values have to be tensors") }
    guard keys.element == .string || keys.element.isInteger, keys.shape.rank == 1, values.shape.dims == keys.shape.dims else {
      throw .invalidShape("keys are \(keys.type) and values \(values.type), expected vectors of one length")
    }
    map.pointee = handle(try ValueBox(.map(keys: keys, values: values)))
  }
}

private func part(
  _ map: OpaquePointer?, _ result: UnsafeMutablePointer<OpaquePointer?>?, _ choose: (_ keys: Tensor, _ values: Tensor) -> Tensor
) -> pinion_status {
  status { () throws(PinionError) in
    let result = try required(result, "result")
    result.pointee = nil
    guard case .map(let keys, let values)? = valueBox(map)?.value else { throw .invalidArgument("the value is no map") }
    result.pointee = handle(try ValueBox(.tensor(choose(keys, values))))
  }
}

@c @implementation
public func pinion_map_get_keys(_ map: OpaquePointer!, _ keys: UnsafeMutablePointer<OpaquePointer?>!) -> pinion_status {
  part(map, keys) { keys, _ in keys }
}

@c @implementation
public func pinion_map_get_values(_ map: OpaquePointer!, _ values: UnsafeMutablePointer<OpaquePointer?>!) -> pinion_status {
  part(map, values) { _, values in values }
}

@c @implementation
public func pinion_none_create(_ none: UnsafeMutablePointer<OpaquePointer?>!) -> pinion_status {
  status { () throws(PinionError) in
    let none = try required(none, "none")
    none.pointee = handle(try ValueBox(.none(.tensor(.float32, dims: nil))))
  }
}
