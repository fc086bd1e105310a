import CKernels
import CPinion
import Pinion

/// A session with its inputs and outputs by name and position.
final class SessionBox: @unchecked Sendable {
  let session: Session
  let model: ModelBox
  let runtime: RuntimeBox
  let byteBudget: Int?
  /// What ends the creation of the session's states: nanoseconds from the call on, 0 for any, and a token.
  let stateTimeout: Int64
  let stateToken: CancelToken?
  let bufferNames: [CText]

  init(_ session: Session, model: ModelBox, runtime: RuntimeBox, byteBudget: Int?, stateTimeout: Int64, stateToken: CancelToken?) {
    self.session = session
    self.model = model
    self.runtime = runtime
    self.byteBudget = byteBudget
    self.stateTimeout = stateTimeout
    self.stateToken = stateToken
    bufferNames = (session.buffers?.names ?? []).map { CText($0) }
  }

  /// The inputs of the C interface: the model's own, then those with a default.
  var inputs: [InfoBox] { model.inputs }
  var outputs: [InfoBox] { model.outputs }

  private func byPath(_ name: UnsafePointer<CChar>, _ infos: [InfoBox]) -> Int? {
    infos.firstIndex { $0.path.pointer.pointee != 0 && sameText($0.path.pointer, name) }
  }

  /// The input of a name, or of a path into nested arguments.
  func inputIndex(_ name: UnsafePointer<CChar>?, _ position: Int) throws(PinionError) -> Int {
    guard let name else { throw .invalidArgument("input_names[\(position)] is NULL") }
    if inputs.indices.contains(position), sameText(inputs[position].name.pointer, name) { return position }
    let text = String(cString: name)
    guard let index = model.inputPositions[text] ?? byPath(name, inputs) else {
      throw PinionError(.notFound, "the model has no input '\(text)'; it has " + names(inputs))
    }
    return index
  }

  func outputIndex(_ name: UnsafePointer<CChar>?, _ position: Int) throws(PinionError) -> Int {
    guard let name else { throw .invalidArgument("output_names[\(position)] is NULL") }
    if outputs.indices.contains(position), sameText(outputs[position].name.pointer, name) { return position }
    let text = String(cString: name)
    guard let index = model.outputPositions[text] ?? byPath(name, outputs) else {
      throw PinionError(.notFound, "the model has no output '\(text)'; it has " + names(outputs))
    }
    return index
  }

  private func names(_ infos: [InfoBox]) -> String { infos.map { "'\(String(cString: $0.name.pointer))'" }.joined(separator: ", ") }
}

private nonisolated(unsafe) let defaultSessionOptions = pinion_session_options(
  struct_size: MemoryLayout<pinion_session_options>.size, runtime: nil, device: nil, threads: 0, optimization_level: 2, profile: 0,
  reserved: 0, plan_cache_bytes: 0, byte_budget: 0, timeout_ns: 0, cancel_token: nil, should_stop: nil, should_stop_context: nil)

@c @implementation
public func pinion_session_create(
  _ model: OpaquePointer!, _ given: UnsafePointer<pinion_session_options>!, _ session: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let session = try required(session, "session")
    session.pointee = nil
    let model = object(try required(model, "model"), ModelBox.self)
    let given = try options(given, default: defaultSessionOptions) { $0.struct_size }
    let runtime = given.runtime.map { object($0, RuntimeBox.self) } ?? model.runtime
    let begin = monotonicNanoseconds()
    let (created, limits) = try runtime.logging("creating a session") { () throws(PinionError) in try create(model, runtime, given) }
    if pk_isa_best() == PK_ISA_SCALAR { runtime.log(PINION_LOG_WARNING, "kernels are plain C: the processor has no AVX2, or PINION_ISA says so") }
    runtime.log(
      PINION_LOG_INFO,
      "created a session: \(model.model.graph.nodes.count) nodes became \(created.program.graph.nodes.count) in \(microseconds(since: begin)) us")
    let box = SessionBox(
      created, model: model, runtime: runtime, byteBudget: limits.bytes, stateTimeout: given.timeout_ns, stateToken: limits.token)
    session.pointee = handle(box)
  }
}

/// The session that is asked for, and the limits of its making.
private func create(
  _ model: ModelBox, _ runtime: RuntimeBox, _ given: pinion_session_options
) throws(PinionError) -> (Session, RunLimits) {
  guard (0...1024).contains(given.threads) else { throw .invalidArgument("threads is \(given.threads), expected 0 to 1024") }
  guard (0...2).contains(given.optimization_level) else {
    throw .invalidArgument("optimization_level is \(given.optimization_level), expected 0 to 2")
  }
  guard given.reserved == 0 else { throw .invalidArgument("reserved is \(given.reserved), expected 0") }
  guard given.plan_cache_bytes >= 0, given.byte_budget >= 0 else { throw .invalidArgument("a byte limit is negative") }
  var options = SessionOptions()
  if let device = given.device { options.device = String(cString: device) }
  options.optimization = Int(given.optimization_level)
  options.profile = try flag(given.profile, "profile")
  if given.plan_cache_bytes > 0 { options.planBytes = Int(given.plan_cache_bytes) }
  let budget = given.byte_budget > 0 ? Int(given.byte_budget) : nil
  options.stateBytes = budget
  var limits = try creationLimits(timeout: given.timeout_ns, given.cancel_token, given.should_stop, given.should_stop_context)
  limits.bytes = budget
  return (try Session(model.model, runtime: try runtime.runtime(threads: Int(given.threads)), options: options, limits: limits), limits)
}

func sessionBox(_ session: OpaquePointer?) -> SessionBox? { session.map { object($0, SessionBox.self) } }

@c @implementation
public func pinion_session_retain(_ session: OpaquePointer!) -> OpaquePointer! { retain(session, SessionBox.self) }

@c @implementation
public func pinion_session_release(_ session: OpaquePointer!) { release(session, SessionBox.self) }

@c @implementation
public func pinion_session_input_count(_ session: OpaquePointer!) -> Int { sessionBox(session)?.inputs.count ?? 0 }

@c @implementation
public func pinion_session_input(_ session: OpaquePointer!, _ index: Int) -> OpaquePointer! {
  guard let box = sessionBox(session), box.inputs.indices.contains(index) else { return nil }
  return borrowed(box.inputs[index])
}

@c @implementation
public func pinion_session_output_count(_ session: OpaquePointer!) -> Int { sessionBox(session)?.outputs.count ?? 0 }

@c @implementation
public func pinion_session_output(_ session: OpaquePointer!, _ index: Int) -> OpaquePointer! {
  guard let box = sessionBox(session), box.outputs.indices.contains(index) else { return nil }
  return borrowed(box.outputs[index])
}

@c @implementation
public func pinion_session_trim(_ session: OpaquePointer!) -> Int64 {
  guard let box = sessionBox(session) else { return 0 }
  return Int64(box.session.trim())
}

@c @implementation
public func pinion_session_profile_json(_ session: OpaquePointer!, _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!) -> pinion_status {
  status { () throws(PinionError) in
    let json = try required(json, "json")
    json.pointee = nil
    json.pointee = try ownedString(try profile(session).summaryJSON(jsonString))
  }
}

@c @implementation
public func pinion_session_profile_trace(_ session: OpaquePointer!, _ json: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>!) -> pinion_status {
  status { () throws(PinionError) in
    let json = try required(json, "json")
    json.pointee = nil
    json.pointee = try ownedString(try profile(session).traceJSON(jsonString))
  }
}

@c @implementation
public func pinion_session_profile_reset(_ session: OpaquePointer!) { sessionBox(session)?.session.profile?.reset() }

private func profile(_ session: OpaquePointer?) throws(PinionError) -> Profile {
  guard let box = sessionBox(session) else { throw .invalidArgument("session is NULL") }
  guard let profile = box.session.profile else { throw .unsupported("the session was created without profile") }
  return profile
}
