import CPinion
import Pinion

@c @implementation
public func pinion_session_run_views(
  _ session: OpaquePointer!, _ options: UnsafePointer<pinion_run_options>!, _ inputCount: Int, _ inputNames: UnsafePointer<UnsafePointer<CChar>?>!,
  _ inputs: UnsafePointer<pinion_tensor_view>!, _ outputCount: Int, _ outputNames: UnsafePointer<UnsafePointer<CChar>?>!,
  _ outputs: UnsafeMutablePointer<OpaquePointer?>!, _ views: UnsafeMutablePointer<pinion_tensor_view>!
) -> pinion_status {
  status { () throws(PinionError) in
    let box: SessionBox = object(try required(session, "session"))
    try box.runtime.logging("running") { () throws(PinionError) in
      try checkCounts(box, inputCount, inputNames == nil, inputs == nil, outputCount, outputNames == nil, outputs == nil)
      if let views {
        for position in 0..<outputCount { try clear(views + position, "views[\(position)].") }
      }
      let limits = try limits(options, box)
      var given = [Value?](repeating: nil, count: box.inputs.count)
      for position in 0..<inputCount {
        let index = inputNames == nil ? position : try box.inputIndex(inputNames[position], position)
        guard let value = try value(of: inputs[position], position) else { continue }
        guard given[index] == nil else {
          throw .invalidArgument("input '\(String(cString: box.inputs[index].name.pointer))' is given twice")
        }
        given[index] = value
      }
      try giveOutputs(box, Array(box.outputs.indices), outputCount, outputNames, outputs) { (wanted, memory) throws(PinionError) in
        try box.logging(given) { () throws(PinionError) in try box.session.run(given, wanted: wanted, memory: memory, limits: limits) }
      }
      if let views {
        for position in 0..<outputCount { valueBox(outputs[position])?.describe(in: views + position) }
      }
    }
  }
}

/// What a view of the caller's memory stands for; nil for an input that is left out.
private func value(of view: pinion_tensor_view, _ position: Int) throws(PinionError) -> Value? {
  guard view.struct_size >= MemoryLayout<pinion_tensor_view>.size else {
    throw .invalidArgument("inputs[\(position)].struct_size is \(view.struct_size), expected \(MemoryLayout<pinion_tensor_view>.size)")
  }
  if view.element_type == PINION_UNDEFINED { return try valueBox(OpaquePointer(view.data))?.current() }
  let type = try tensorType(view.element_type, view.rank, view.dims)
  guard type.element == .string else { return .tensor(try wrap(view.data, type, strides: nil, owner: nil)) }
  guard let text = view.data?.assumingMemoryBound(to: pinion_text.self).pointee else {
    throw .invalidArgument("inputs[\(position)].data is NULL, expected a pinion_text")
  }
  return .tensor(try textTensor(text.text, text.offsets, type, "inputs[\(position)].data->"))
}
