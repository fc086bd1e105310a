import CPinion
import Pinion

/// The buffers that a session keeps; nil where it keeps none.
private func buffers(_ session: OpaquePointer?) -> SessionBuffers? { sessionBox(session)?.session.buffers }

private func required(_ session: OpaquePointer?) throws(PinionError) -> SessionBuffers {
  guard let box = sessionBox(session) else { throw .invalidArgument("session is NULL") }
  guard let buffers = box.session.buffers else {
    throw .unsupported("the session keeps no buffers: its model writes to none, or was not loaded with PINION_MUTATIONS_STATE")
  }
  return buffers
}

@c @implementation
public func pinion_session_buffer_count(_ session: OpaquePointer!) -> Int { buffers(session)?.names.count ?? 0 }

@c @implementation
public func pinion_session_buffer_name(_ session: OpaquePointer!, _ index: Int) -> UnsafePointer<CChar>! {
  guard let box = sessionBox(session), box.bufferNames.indices.contains(index) else { return nil }
  return box.bufferNames[index].pointer
}

@c @implementation
public func pinion_session_buffer_get(
  _ session: OpaquePointer!, _ index: Int, _ value: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let value = try required(value, "value")
    value.pointee = nil
    value.pointee = handle(try ValueBox(.tensor(try required(session).contents(index))))
  }
}

@c @implementation
public func pinion_session_buffer_set(_ session: OpaquePointer!, _ index: Int, _ value: OpaquePointer!) -> pinion_status {
  status { () throws(PinionError) in
    let buffers = try required(session)
    guard let box = valueBox(value) else { throw .invalidArgument("value is NULL") }
    try buffers.set(index, to: try box.current().asTensor())
  }
}

@c @implementation
public func pinion_session_buffers_reset(_ session: OpaquePointer!) -> pinion_status {
  status { () throws(PinionError) in try required(session).reset() }
}
