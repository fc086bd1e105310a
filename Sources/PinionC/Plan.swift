import CPinion
import Pinion

/// What a run would do, with its outputs' types as C strings.
final class PlanBox: @unchecked Sendable {
  let session: SessionBox
  let summary: PlanSummary
  let outputs: [InfoBox]

  /// - Throws: what the limits of the question say, since a model may have very many outputs.
  init(_ session: SessionBox, _ summary: PlanSummary, _ limits: RunLimits) throws(PinionError) {
    var poll = Poll(RunControl(limits))
    var outputs: [InfoBox] = []
    outputs.reserveCapacity(summary.outputs.count)
    for (output, type) in zip(session.session.model.outputs, summary.outputs) {
      try poll.count(256)
      outputs.append(InfoBox(name: output.name, type: type ?? output.type, isOptional: false))
    }
    self.session = session
    self.summary = summary
    self.outputs = outputs
  }
}

private func planBox(_ plan: OpaquePointer?) -> PlanBox? { plan.map { object($0, PlanBox.self) } }

@c @implementation
public func pinion_session_plan(
  _ session: OpaquePointer!, _ inputCount: Int, _ inputs: UnsafePointer<pinion_input_shape>!, _ plan: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  makePlan(session, nil, inputCount, inputs, plan)
}

@c @implementation
public func pinion_session_plan_with_options(
  _ session: OpaquePointer!, _ options: UnsafePointer<pinion_run_options>!, _ inputCount: Int, _ inputs: UnsafePointer<pinion_input_shape>!,
  _ plan: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  makePlan(session, options, inputCount, inputs, plan)
}

private func makePlan(
  _ session: OpaquePointer?, _ options: UnsafePointer<pinion_run_options>?, _ inputCount: Int, _ inputs: UnsafePointer<pinion_input_shape>?,
  _ plan: UnsafeMutablePointer<OpaquePointer?>?
) -> pinion_status {
  status { () throws(PinionError) in
    let plan = try required(plan, "plan")
    plan.pointee = nil
    let box: SessionBox = object(try required(session, "session"))
    let limits = try limits(options, box)
    plan.pointee = handle(try PlanBox(box, try box.session.plan(try planInputs(box, inputCount, inputs), limits: limits), limits))
  }
}

/// What is said of each of the session's inputs.
private func planInputs(
  _ box: SessionBox, _ count: Int, _ inputs: UnsafePointer<pinion_input_shape>?
) throws(PinionError) -> [PlanInput?] {
  var given = [PlanInput?](repeating: nil, count: box.inputs.count)
  guard count > 0 else {
    guard count == 0 else { throw .invalidArgument("input_count is negative") }
    return given
  }
  guard let inputs else { throw .invalidArgument("inputs is NULL") }
  for position in 0..<count {
    let input = inputs[position]
    let index = try box.inputIndex(input.name, position)
    if let value = valueBox(input.value) {
      given[index] = .value(try value.current())
    } else {
      var element = input.element_type
      if element == PINION_UNDEFINED, case .tensor(let declared, _)? = box.inputs[index].type { element = declared.cType }
      given[index] = .type(try tensorType(element, input.rank, input.dims))
    }
  }
  return given
}

@c @implementation
public func pinion_session_prepare(
  _ session: OpaquePointer!, _ options: UnsafePointer<pinion_run_options>!, _ inputCount: Int, _ inputs: UnsafePointer<pinion_input_shape>!,
  _ outputCount: Int, _ outputNames: UnsafePointer<UnsafePointer<CChar>?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let box: SessionBox = object(try required(session, "session"))
    try box.runtime.logging("preparing") { () throws(PinionError) in
      guard outputCount >= 0, outputNames != nil || outputCount <= box.outputs.count else {
        throw .invalidArgument("\(outputCount) outputs, the model has \(box.outputs.count)")
      }
      var wanted: [Int] = []
      for position in 0..<outputCount { wanted.append(outputNames == nil ? position : try box.outputIndex(outputNames[position], position)) }
      let limits = try limits(options, box)
      try box.session.prepare(try planInputs(box, inputCount, inputs), wanted: wanted, limits: limits)
    }
  }
}

@c @implementation
public func pinion_plan_retain(_ plan: OpaquePointer!) -> OpaquePointer! { retain(plan, PlanBox.self) }

@c @implementation
public func pinion_plan_release(_ plan: OpaquePointer!) { release(plan, PlanBox.self) }

@c @implementation
public func pinion_plan_output_count(_ plan: OpaquePointer!) -> Int { planBox(plan)?.outputs.count ?? 0 }

@c @implementation
public func pinion_plan_output(_ plan: OpaquePointer!, _ index: Int) -> OpaquePointer! {
  guard let box = planBox(plan), box.outputs.indices.contains(index) else { return nil }
  return borrowed(box.outputs[index])
}

@c @implementation
public func pinion_plan_is_complete(_ plan: OpaquePointer!) -> Bool { planBox(plan)?.summary.isComplete ?? false }

@c @implementation
public func pinion_plan_peak_bytes(_ plan: OpaquePointer!) -> Int64 { Int64(planBox(plan)?.summary.peakBytes ?? 0) }

@c @implementation
public func pinion_plan_flops(_ plan: OpaquePointer!) -> Int64 { Int64(planBox(plan)?.summary.operations ?? 0) }
