import CPinion
import Pinion

/// What a run would do, with its outputs' types as C strings.
final class PlanBox: @unchecked Sendable {
  let session: SessionBox
  let summary: PlanSummary
  let outputs: [InfoBox]

  init(_ session: SessionBox, _ summary: PlanSummary) {
    self.session = session
    self.summary = summary
    outputs = zip(session.session.model.outputs, summary.outputs).map { InfoBox(name: $0.name, type: $1 ?? $0.type, isOptional: false) }
  }
}

private func planBox(_ plan: OpaquePointer?) -> PlanBox? { plan.map { object($0, PlanBox.self) } }

@c @implementation
public func pinion_session_plan(
  _ session: OpaquePointer!, _ inputCount: Int, _ inputs: UnsafePointer<pinion_input_shape>!, _ plan: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let plan = try required(plan, "plan")
    plan.pointee = nil
    let box: SessionBox = object(try required(session, "session"))
    guard inputCount >= 0, inputCount == 0 || inputs != nil else { throw .invalidArgument("inputs is NULL") }
    var given = [PlanInput?](repeating: nil, count: box.inputs.count)
    for position in 0..<inputCount {
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
    plan.pointee = handle(PlanBox(box, try box.session.plan(given)))
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
