import CPinion
import Glibc
import Pinion

@c @implementation
public func pinion_cancel_token_create(_ token: UnsafeMutablePointer<OpaquePointer?>!) -> pinion_status {
  status { () throws(PinionError) in
    let token = try required(token, "token")
    token.pointee = handle(CancelToken())
  }
}

@c @implementation
public func pinion_cancel_token_retain(_ token: OpaquePointer!) -> OpaquePointer! { retain(token, CancelToken.self) }

@c @implementation
public func pinion_cancel_token_release(_ token: OpaquePointer!) { release(token, CancelToken.self) }

@c @implementation
public func pinion_cancel_token_set(_ token: OpaquePointer!) { if let token { object(token, CancelToken.self).cancel() } }

@c @implementation
public func pinion_cancel_token_reset(_ token: OpaquePointer!) { if let token { object(token, CancelToken.self).reset() } }

@c @implementation
public func pinion_cancel_token_is_set(_ token: OpaquePointer!) -> Bool {
  guard let token else { return false }
  return object(token, CancelToken.self).isCancelled
}

func sameText(_ a: UnsafePointer<CChar>, _ b: UnsafePointer<CChar>) -> Bool { strcmp(a, b) == 0 }

private nonisolated(unsafe) let defaultRunOptions = pinion_run_options(
  struct_size: MemoryLayout<pinion_run_options>.size, timeout_ns: 0, cancel_token: nil, byte_budget: 0, step_budget: 0,
  should_stop: nil, should_stop_context: nil)

func limits(_ given: UnsafePointer<pinion_run_options>?, _ box: SessionBox) throws(PinionError) -> RunLimits {
  var limits = RunLimits()
  limits.bytes = box.byteBudget
  guard given != nil else { return limits }
  let given = try options(given, default: defaultRunOptions) { $0.struct_size }
  guard given.timeout_ns >= 0, given.byte_budget >= 0, given.step_budget >= 0 else { throw .invalidArgument("a limit is negative") }
  if given.timeout_ns > 0 { limits.deadline = monotonicNanoseconds() &+ UInt64(given.timeout_ns) }
  if let token = given.cancel_token { limits.token = object(token, CancelToken.self) }
  if given.byte_budget > 0 { limits.bytes = Int(given.byte_budget) }
  if given.step_budget > 0 { limits.steps = Int(given.step_budget) }
  if let ask = given.should_stop { limits.question = StopQuestion(ask, context: given.should_stop_context) }
  return limits
}

/// The limits of loading a model or creating a session, from the call on.
func creationLimits(
  timeout: Int64, _ token: OpaquePointer?, _ ask: pinion_should_stop_fn?, _ context: UnsafeMutableRawPointer?
) throws(PinionError) -> RunLimits {
  guard timeout >= 0 else { throw .invalidArgument("timeout_ns is \(timeout)") }
  var limits = RunLimits()
  if timeout > 0 { limits.deadline = monotonicNanoseconds() &+ UInt64(timeout) }
  if let token { limits.token = object(token, CancelToken.self) }
  if let ask { limits.question = StopQuestion(ask, context: context) }
  return limits
}

@c @implementation
public func pinion_session_run(
  _ session: OpaquePointer!, _ options: UnsafePointer<pinion_run_options>!, _ inputCount: Int, _ inputNames: UnsafePointer<UnsafePointer<CChar>?>!,
  _ inputs: UnsafePointer<OpaquePointer?>!, _ outputCount: Int, _ outputNames: UnsafePointer<UnsafePointer<CChar>?>!,
  _ outputs: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let box: SessionBox = object(try required(session, "session"))
    try box.runtime.logging("running") { () throws(PinionError) in
      try checkCounts(box, inputCount, inputNames == nil, inputs == nil, outputCount, outputNames == nil, outputs == nil)
      let limits = try limits(options, box)
      guard try !runInPlace(box, inputCount, inputNames, inputs, outputCount, outputNames, outputs, options == nil ? nil : limits) else { return }

      let given = try givenInputs(box, Array(box.inputs.indices), inputCount, inputNames, inputs)
      try giveOutputs(box, Array(box.outputs.indices), outputCount, outputNames, outputs) { (wanted, memory) throws(PinionError) in
        try box.logging(given) { () throws(PinionError) in try box.session.run(given, wanted: wanted, memory: memory, limits: limits) }
      }
    }
  }
}

/// Refuses arrays that are missing or, without names, longer than the session's lists.
func checkCounts(
  _ box: SessionBox, _ inputCount: Int, _ hasNoInputNames: Bool, _ hasNoInputs: Bool, _ outputCount: Int, _ hasNoOutputNames: Bool,
  _ hasNoOutputs: Bool
) throws(PinionError) {
  guard inputCount >= 0, outputCount >= 0 else { throw .invalidArgument("a count is negative") }
  guard inputCount == 0 || !hasNoInputs else { throw .invalidArgument("inputs is NULL") }
  guard outputCount == 0 || !hasNoOutputs else { throw .invalidArgument("outputs is NULL") }
  guard !hasNoInputNames || inputCount <= box.inputs.count else {
    throw .invalidArgument("\(inputCount) inputs, the model has \(box.inputs.count)")
  }
  guard !hasNoOutputNames || outputCount <= box.outputs.count else {
    throw .invalidArgument("\(outputCount) outputs, the model has \(box.outputs.count)")
  }
}

/// The caller's values for the session's inputs.
/// - Parameter order: the inputs that are meant without names.
func givenInputs(
  _ box: SessionBox, _ order: [Int], _ count: Int, _ names: UnsafePointer<UnsafePointer<CChar>?>?, _ inputs: UnsafePointer<OpaquePointer?>?
) throws(PinionError) -> [Value?] {
  var given = [Value?](repeating: nil, count: box.inputs.count)
  for position in 0..<count {
    let index = if let names { try box.inputIndex(names[position], position) } else { order[position] }
    guard let value = valueBox(inputs?[position]) else { continue }
    guard given[index] == nil else {
      throw .invalidArgument("input '\(String(cString: box.inputs[index].name.pointer))' is given twice")
    }
    given[index] = try value.current()
  }
  return given
}

/// Writes a run's results to where the caller wants them.
/// - Parameter order: the outputs that are meant without names.
func giveOutputs(
  _ box: SessionBox, _ order: [Int], _ count: Int, _ names: UnsafePointer<UnsafePointer<CChar>?>?, _ given: UnsafeMutablePointer<OpaquePointer?>?,
  _ run: (_ wanted: [Int], _ memory: [Tensor?]) throws(PinionError) -> [Value]
) throws(PinionError) {
  var wanted: [Int] = []
  var memory: [Tensor?] = []
  for position in 0..<count {
    if let names { wanted.append(try box.outputIndex(names[position], position)) } else { wanted.append(order[position]) }
    guard let existing = valueBox(given?[position]) else {
      memory.append(nil)
      continue
    }
    guard let tensor = existing.tensor, tensor.element != .string else {
      throw .invalidArgument("outputs[\(position)] is not NULL and no tensor of numbers")
    }
    guard !existing.isCopyOfLent else {
      throw .invalidArgument(
        "outputs[\(position)] wraps memory that no result can be written to: it has to be contiguous, aligned to its elements, and of elements of at least a byte")
    }
    memory.append(tensor)
  }
  let results = try run(wanted, memory)
  guard let outputs = given else { return }
  var boxes: [ValueBox?] = []
  for position in 0..<count {
    if let existing = valueBox(outputs[position]) {
      if case .tensor(let tensor) = results[position] { existing.refresh(from: tensor) }
      boxes.append(nil)
    } else {
      boxes.append(try ValueBox(results[position]))
    }
  }
  for position in 0..<count {
    if let box = boxes[position] { outputs[position] = handle(box) }
  }
}

/// The run where every input and output is a tensor at hand, in the session's order.
private func runInPlace(
  _ box: SessionBox, _ inputCount: Int, _ inputNames: UnsafePointer<UnsafePointer<CChar>?>?, _ inputs: UnsafePointer<OpaquePointer?>?,
  _ outputCount: Int, _ outputNames: UnsafePointer<UnsafePointer<CChar>?>?, _ outputs: UnsafeMutablePointer<OpaquePointer?>?, _ limits: RunLimits?
) throws(PinionError) -> Bool {
  guard box.byteBudget == nil, let outputs, outputCount == box.outputs.count else { return false }
  for position in 0..<outputCount {
    guard let value = valueBox(outputs[position]), value.packed == nil, !value.isCopyOfLent else { return false }
    if let outputNames { guard let name = outputNames[position], sameText(name, box.outputs[position].name.pointer) else { return false } }
  }
  for position in 0..<inputCount {
    guard position < box.inputs.count, let inputs, let value = valueBox(inputs[position]), value.packed == nil else { return false }
    if let inputNames { guard let name = inputNames[position], sameText(name, box.inputs[position].name.pointer) else { return false } }
  }
  return try box.session.runInPlace(
    inputs: inputCount, outputs: outputCount, input: { valueBox(inputs?[$0])?.tensor }, output: { valueBox(outputs[$0])?.tensor }, limits: limits)
}
