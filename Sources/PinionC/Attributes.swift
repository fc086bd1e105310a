import CPinion
import Pinion

/// Attributes for nodes of graphs that are made through the C interface.
// Unchecked: the interface leaves it to the caller that one thread at a time uses it.
final class AttributesBox: @unchecked Sendable { var attributes: [String: GraphDraft.Attribute] = [:] }

private func set(
  _ attributes: OpaquePointer?, _ name: UnsafePointer<CChar>?, _ value: () throws(PinionError) -> GraphDraft.Attribute
) -> pinion_status {
  status { () throws(PinionError) in
    let box = object(try required(attributes, "attributes"), AttributesBox.self), name = String(cString: try required(name, "name"))
    guard !name.isEmpty else { throw .invalidArgument("an attribute needs a name") }
    box.attributes[name] = try value()
  }
}

/// The elements of an array of the caller's.
private func list<T>(_ start: UnsafePointer<T>?, _ count: Int, _ what: StaticString) throws(PinionError) -> UnsafeBufferPointer<T> {
  guard count >= 0 else { throw .invalidArgument("count is \(count)") }
  guard count == 0 || start != nil else { throw .invalidArgument("\(what) is NULL") }
  return UnsafeBufferPointer(start: start, count: count)
}

@c @implementation
public func pinion_attributes_create(_ attributes: UnsafeMutablePointer<OpaquePointer?>!) -> pinion_status {
  status { () throws(PinionError) in try required(attributes, "attributes").pointee = handle(AttributesBox()) }
}

@c @implementation
public func pinion_attributes_retain(_ attributes: OpaquePointer!) -> OpaquePointer! { retain(attributes, AttributesBox.self) }

@c @implementation
public func pinion_attributes_release(_ attributes: OpaquePointer!) { release(attributes, AttributesBox.self) }

@c @implementation
public func pinion_attributes_set_int(_ attributes: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ number: Int64) -> pinion_status {
  set(attributes, name) { .int(number) }
}

@c @implementation
public func pinion_attributes_set_float(_ attributes: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ number: Float) -> pinion_status {
  set(attributes, name) { .float(number) }
}

@c @implementation
public func pinion_attributes_set_string(
  _ attributes: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ text: UnsafePointer<CChar>!, _ length: Int
) -> pinion_status {
  set(attributes, name) { () throws(PinionError) in
    let bytes = try list(text, length, "text")
    return .string(String(decoding: UnsafeRawBufferPointer(bytes), as: UTF8.self))
  }
}

@c @implementation
public func pinion_attributes_set_ints(
  _ attributes: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ numbers: UnsafePointer<Int64>!, _ count: Int
) -> pinion_status {
  set(attributes, name) { () throws(PinionError) in .ints(Array(try list(numbers, count, "numbers"))) }
}

@c @implementation
public func pinion_attributes_set_floats(
  _ attributes: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ numbers: UnsafePointer<Float>!, _ count: Int
) -> pinion_status {
  set(attributes, name) { () throws(PinionError) in .floats(Array(try list(numbers, count, "numbers"))) }
}

@c @implementation
public func pinion_attributes_set_strings(
  _ attributes: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ texts: UnsafePointer<UnsafePointer<CChar>?>!, _ count: Int
) -> pinion_status {
  set(attributes, name) { () throws(PinionError) in
    var strings: [String] = []
    for text in try list(texts, count, "texts") { strings.append(String(cString: try required(text, "a text"))) }
    return .strings(strings)
  }
}

@c @implementation
public func pinion_attributes_set_tensor(_ attributes: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ value: OpaquePointer!) -> pinion_status {
  set(attributes, name) { () throws(PinionError) in .tensor(try tensor(try required(value, "tensor"), "tensor")) }
}

@c @implementation
public func pinion_attributes_set_tensors(
  _ attributes: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ values: UnsafePointer<OpaquePointer?>!, _ count: Int
) -> pinion_status {
  set(attributes, name) { () throws(PinionError) in
    var tensors: [Tensor] = []
    for value in try list(values, count, "tensors") {
      tensors.append(try tensor(try required(value, "a tensor"), "tensors[\(tensors.count)]"))
    }
    return .tensors(tensors)
  }
}

@c @implementation
public func pinion_attributes_set_type(_ attributes: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ type: UnsafePointer<CChar>!) -> pinion_status {
  set(attributes, name) { () throws(PinionError) in .type(try ValueType(parsing: String(cString: try required(type, "type")))) }
}

@c @implementation
public func pinion_attributes_set_graph(_ attributes: OpaquePointer!, _ name: UnsafePointer<CChar>!, _ subgraph: OpaquePointer!) -> pinion_status {
  set(attributes, name) { () throws(PinionError) in .graph(object(try required(subgraph, "subgraph"), GraphBox.self).draft) }
}
