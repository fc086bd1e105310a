import CPinion
import Pinion

/// A state with its session, and what runs on it take and give.
// Unchecked: only constants beside the state, which several threads may use.
final class StateBox: @unchecked Sendable {
  let state: State
  let session: SessionBox
  /// For each pair the positions among the session's inputs and outputs.
  let pairInputs: [Int]
  let pairOutputs: [Int]
  /// The inputs and outputs that are in no pair.
  let freeInputs: [Int]
  let freeOutputs: [Int]

  init(_ state: State, session: SessionBox) {
    self.state = state
    self.session = session
    let places = state.pairPositions
    pairInputs = places.map(\.input)
    pairOutputs = places.map(\.output)
    freeInputs = session.inputs.indices.filter { index in !places.contains { $0.input == index } }
    freeOutputs = session.outputs.indices.filter { index in !places.contains { $0.output == index } }
  }
}

private func stateBox(_ state: OpaquePointer?) -> StateBox? { state.map { object($0, StateBox.self) } }

private func text(_ pointer: UnsafePointer<CChar>?, _ name: StaticString) throws(PinionError) -> String {
  String(cString: try required(pointer, name))
}

@c @implementation
public func pinion_state_create(
  _ session: OpaquePointer!, _ pairCount: Int, _ inputNames: UnsafePointer<UnsafePointer<CChar>?>!,
  _ outputNames: UnsafePointer<UnsafePointer<CChar>?>!, _ capacity: Int64, _ state: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  makeState(session, nil, pairCount, inputNames, outputNames, capacity, state)
}

@c @implementation
public func pinion_state_create_with_options(
  _ session: OpaquePointer!, _ options: UnsafePointer<pinion_run_options>!, _ pairCount: Int,
  _ inputNames: UnsafePointer<UnsafePointer<CChar>?>!, _ outputNames: UnsafePointer<UnsafePointer<CChar>?>!, _ capacity: Int64,
  _ state: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  makeState(session, options, pairCount, inputNames, outputNames, capacity, state)
}

private func makeState(
  _ session: OpaquePointer?, _ options: UnsafePointer<pinion_run_options>?, _ pairCount: Int,
  _ inputNames: UnsafePointer<UnsafePointer<CChar>?>?, _ outputNames: UnsafePointer<UnsafePointer<CChar>?>?, _ capacity: Int64,
  _ state: UnsafeMutablePointer<OpaquePointer?>?
) -> pinion_status {
  status { () throws(PinionError) in
    let state = try required(state, "state")
    state.pointee = nil
    let box: SessionBox = object(try required(session, "session"))
    try box.runtime.logging("making a state") { () throws(PinionError) in
      let limits = try stateLimits(options, box)
      guard pairCount >= 0 else { throw .invalidArgument("pair_count is negative") }
      var pairs: [StatePair]?
      if pairCount > 0 {
        let inputs = try required(inputNames, "input_names"), outputs = try required(outputNames, "output_names")
        var named: [StatePair] = []
        for index in 0..<pairCount {
          guard let input = inputs[index] else { throw .invalidArgument("input_names[\(index)] is NULL") }
          guard let output = outputs[index] else { throw .invalidArgument("output_names[\(index)] is NULL") }
          named.append(StatePair(input: String(cString: input), output: String(cString: output)))
        }
        pairs = named
      }
      let made = try State(box.session, pairs: pairs, capacity: try capacity.converted(), limits: limits)
      state.pointee = handle(StateBox(made, session: box))
    }
  }
}

/// The limits that are given, and those of the session's creation in the place of those that are not.
private func stateLimits(_ given: UnsafePointer<pinion_run_options>?, _ box: SessionBox) throws(PinionError) -> RunLimits {
  var limits = try limits(given, box)
  if limits.deadline == nil { limits.deadline = try creationLimits(timeout: box.stateTimeout, nil, nil, nil).deadline }
  if limits.token == nil { limits.token = box.stateToken }
  return limits
}

@c @implementation
public func pinion_state_retain(_ state: OpaquePointer!) -> OpaquePointer! { retain(state, StateBox.self) }

@c @implementation
public func pinion_state_release(_ state: OpaquePointer!) { release(state, StateBox.self) }

@c @implementation
public func pinion_state_pair_count(_ state: OpaquePointer!) -> Int { stateBox(state)?.pairInputs.count ?? 0 }

@c @implementation
public func pinion_state_pair_input(_ state: OpaquePointer!, _ index: Int) -> OpaquePointer! {
  guard let box = stateBox(state), box.pairInputs.indices.contains(index) else { return nil }
  return borrowed(box.session.inputs[box.pairInputs[index]])
}

@c @implementation
public func pinion_state_pair_output(_ state: OpaquePointer!, _ index: Int) -> OpaquePointer! {
  guard let box = stateBox(state), box.pairOutputs.indices.contains(index) else { return nil }
  return borrowed(box.session.outputs[box.pairOutputs[index]])
}

@c @implementation
public func pinion_state_pair_is_appended(_ state: OpaquePointer!, _ index: Int) -> Bool {
  guard let appended = stateBox(state)?.state.isAppended, appended.indices.contains(index) else { return false }
  return appended[index]
}

@c @implementation
public func pinion_state_run(
  _ state: OpaquePointer!, _ options: UnsafePointer<pinion_run_options>!, _ inputCount: Int, _ inputNames: UnsafePointer<UnsafePointer<CChar>?>!,
  _ inputs: UnsafePointer<OpaquePointer?>!, _ outputCount: Int, _ outputNames: UnsafePointer<UnsafePointer<CChar>?>!,
  _ outputs: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let box: StateBox = object(try required(state, "state"))
    try box.session.runtime.logging("running") { () throws(PinionError) in
      guard inputCount >= 0, outputCount >= 0 else { throw .invalidArgument("a count is negative") }
      guard inputCount == 0 || inputs != nil else { throw .invalidArgument("inputs is NULL") }
      guard outputCount == 0 || outputs != nil else { throw .invalidArgument("outputs is NULL") }
      guard inputNames != nil || inputCount <= box.freeInputs.count else {
        throw .invalidArgument("\(inputCount) inputs, the model has \(box.freeInputs.count) besides those of the state")
      }
      guard outputNames != nil || outputCount <= box.freeOutputs.count else {
        throw .invalidArgument("\(outputCount) outputs, the model has \(box.freeOutputs.count) besides those of the state")
      }
      let limits = try limits(options, box.session)
      let given = try givenInputs(box.session, box.freeInputs, inputCount, inputNames, inputs)
      try giveOutputs(box.session, box.freeOutputs, outputCount, outputNames, outputs) { (wanted, memory) throws(PinionError) in
        try box.session.logging(given) { () throws(PinionError) in
          try box.session.session.run(given, wanted: wanted, memory: memory, state: box.state, limits: limits)
        }
      }
    }
  }
}

@c @implementation
public func pinion_state_length(_ state: OpaquePointer!) -> Int64 { Int64(stateBox(state)?.state.length ?? -1) }

@c @implementation
public func pinion_state_bytes(_ state: OpaquePointer!) -> Int64 { Int64(stateBox(state)?.state.byteCount ?? 0) }

@c @implementation
public func pinion_state_moved_bytes(_ state: OpaquePointer!) -> Int64 { Int64(stateBox(state)?.state.movedBytes ?? 0) }

@c @implementation
public func pinion_state_reset(_ state: OpaquePointer!) -> pinion_status {
  status { () throws(PinionError) in try object(try required(state, "state"), StateBox.self).state.reset() }
}

@c @implementation
public func pinion_state_truncate(_ state: OpaquePointer!, _ length: Int64) -> pinion_status {
  status { () throws(PinionError) in try object(try required(state, "state"), StateBox.self).state.truncate(to: try length.converted()) }
}

@c @implementation
public func pinion_state_fork(_ state: OpaquePointer!, _ fork: UnsafeMutablePointer<OpaquePointer?>!) -> pinion_status {
  status { () throws(PinionError) in
    let fork = try required(fork, "fork")
    fork.pointee = nil
    let box: StateBox = object(try required(state, "state"))
    fork.pointee = handle(StateBox(try box.state.fork(), session: box.session))
  }
}

@c @implementation
public func pinion_state_get(
  _ state: OpaquePointer!, _ inputName: UnsafePointer<CChar>!, _ value: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let value = try required(value, "value")
    value.pointee = nil
    let box: StateBox = object(try required(state, "state"))
    value.pointee = handle(try ValueBox(.tensor(try box.state.value(try text(inputName, "input_name")))))
  }
}

@c @implementation
public func pinion_state_set(_ state: OpaquePointer!, _ inputName: UnsafePointer<CChar>!, _ value: OpaquePointer!) -> pinion_status {
  status { () throws(PinionError) in
    let box: StateBox = object(try required(state, "state"))
    let name = try text(inputName, "input_name")
    guard let given = valueBox(value) else { throw .invalidArgument("value is NULL") }
    try box.state.set(name, to: try given.current().asTensor())
  }
}
