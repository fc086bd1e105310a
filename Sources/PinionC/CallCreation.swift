import CPinion
import Pinion

/// - Throws: `.unsupported` where elements do not lie as kernels hold them.
private func plainType(_ type: TensorType, _ what: String, takesStrings: Bool) throws(PinionError) -> TensorType {
  if type.element == .string && takesStrings { return type }
  guard type.element != .string, type.element.bitWidth >= 8 else {
    throw .unsupported("\(what) is \(type); a prepared call takes numbers of at least a byte\(takesStrings ? " and strings" : "")")
  }
  return type
}

/// What the caller says of the inputs, for a plan, and in its own order.
private func describedInputs(
  _ box: SessionBox, _ count: Int, _ inputs: UnsafePointer<pinion_input_shape>?, takesStrings: Bool
) throws(PinionError) -> (planned: [PlanInput?], given: [(type: TensorType, index: Int)]) {
  var planned = [PlanInput?](repeating: nil, count: box.inputs.count)
  var given: [(type: TensorType, index: Int)] = []
  guard count >= 0, count == 0 || inputs != nil else { throw .invalidArgument("inputs is NULL") }
  if let inputs {
    for position in 0..<count {
      let input = inputs[position]
      let index = try box.inputIndex(input.name, position)
      let name = "input '\(String(cString: box.inputs[index].name.pointer))'"
      guard planned[index] == nil else { throw .invalidArgument("\(name) is given twice") }
      let type: TensorType
      if let value = valueBox(input.value) {
        type = try value.value.asTensor().type
      } else {
        var element = input.element_type
        if element == PINION_UNDEFINED, case .tensor(let declared, _)? = box.inputs[index].type { element = declared.cType }
        type = try tensorType(element, input.rank, input.dims)
      }
      planned[index] = .type(try plainType(type, name, takesStrings: takesStrings))
      given.append((type, index))
    }
  }
  for (index, info) in box.inputs.enumerated() where planned[index] == nil && !info.isOptional {
    throw .invalidArgument("input '\(String(cString: info.name.pointer))' is missing")
  }
  return (planned, given)
}

/// The session's positions of the outputs that the caller names.
private func chosenOutputs(
  _ box: SessionBox, _ count: Int, _ names: UnsafePointer<UnsafePointer<CChar>?>?
) throws(PinionError) -> [Int] {
  guard count >= 0, names != nil || count <= box.outputs.count else {
    throw .invalidArgument("\(count) outputs, the model has \(box.outputs.count)")
  }
  var chosen: [Int] = []
  for position in 0..<count { chosen.append(try names.map { (names) throws(PinionError) in try box.outputIndex(names[position], position) } ?? position) }
  return chosen
}

@c @implementation
public func pinion_call_create_for_values(
  _ session: OpaquePointer!, _ inputCount: Int, _ inputs: UnsafePointer<pinion_input_shape>!, _ outputCount: Int,
  _ outputNames: UnsafePointer<UnsafePointer<CChar>?>!, _ call: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let call = try required(call, "call")
    call.pointee = nil
    let box: SessionBox = object(try required(session, "session"))
    let (planned, given) = try describedInputs(box, inputCount, inputs, takesStrings: false)
    try box.session.check(planned)
    let chosen = try chosenOutputs(box, outputCount, outputNames)
    let infos = chosen.map { InfoBox(name: box.session.model.outputs[$0].name, type: box.session.model.outputs[$0].type, isOptional: false) }
    call.pointee = handle(try CallBox(box, inputs: given, wanted: chosen, outputInfos: infos))
  }
}

@c @implementation
public func pinion_call_create(
  _ session: OpaquePointer!, _ inputCount: Int, _ inputs: UnsafePointer<pinion_input_shape>!, _ outputCount: Int,
  _ outputNames: UnsafePointer<UnsafePointer<CChar>?>!, _ call: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status { create(session, inputCount, inputs, outputCount, outputNames, call) { (false, false) } }

@c @implementation
public func pinion_call_create_with_tables(
  _ session: OpaquePointer!, _ inputCount: Int, _ inputs: UnsafePointer<pinion_input_shape>!, _ outputCount: Int,
  _ outputNames: UnsafePointer<UnsafePointer<CChar>?>!, _ call: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status { create(session, inputCount, inputs, outputCount, outputNames, call) { (true, false) } }

private let defaultCallOptions = pinion_call_options(struct_size: MemoryLayout<pinion_call_options>.size, tables: 0, strings: 0)

@c @implementation
public func pinion_call_create_with_options(
  _ session: OpaquePointer!, _ callOptions: UnsafePointer<pinion_call_options>!, _ inputCount: Int, _ inputs: UnsafePointer<pinion_input_shape>!,
  _ outputCount: Int, _ outputNames: UnsafePointer<UnsafePointer<CChar>?>!, _ call: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  create(session, inputCount, inputs, outputCount, outputNames, call) { () throws(PinionError) in
    let given = try options(callOptions, default: defaultCallOptions) { $0.struct_size }
    guard (0...1).contains(given.tables), (0...1).contains(given.strings) else {
      throw .invalidArgument("tables is \(given.tables) and strings \(given.strings), expected 0 or 1")
    }
    return (given.tables == 1, given.strings == 1)
  }
}

private func create(
  _ session: OpaquePointer!, _ inputCount: Int, _ inputs: UnsafePointer<pinion_input_shape>!, _ outputCount: Int,
  _ outputNames: UnsafePointer<UnsafePointer<CChar>?>!, _ call: UnsafeMutablePointer<OpaquePointer?>!,
  _ options: () throws(PinionError) -> (takesTables: Bool, takesStrings: Bool)
) -> pinion_status {
  status { () throws(PinionError) in
    let call = try required(call, "call")
    call.pointee = nil
    let (takesTables, takesStrings) = try options()
    let box: SessionBox = object(try required(session, "session"))
    let (planned, given) = try describedInputs(box, inputCount, inputs, takesStrings: takesStrings)
    let chosen = try chosenOutputs(box, outputCount, outputNames)
    let tableKeys = chosen.map { takesTables ? box.session.tableKeys(ofOutput: $0) : nil }
    let summary = try box.session.plan(
      planned, tables: zip(chosen, tableKeys).compactMap { $1 == nil ? nil : $0 }, limits: try limits(nil, box))
    var results: [(type: TensorType, index: Int)] = []
    var infos: [InfoBox] = []
    var keys: [ValueBox?] = []
    for (index, labels) in zip(chosen, tableKeys) {
      let declared = box.session.model.outputs[index]
      let name = "output '\(declared.name)'"
      let known = index < summary.outputs.count ? summary.outputs[index] : nil
      switch known ?? declared.type {
      case .tensor?, nil: break
      case _? where labels != nil: break
      case let type?: throw .unsupported("\(name) is \(type); a prepared call takes tensors")
      }
      guard case .tensor(let element, let dims?)? = known else { throw .unsupported("the shape of \(name) depends on data") }
      var extents: [Int] = []
      for dimension in dims {
        guard case .known(let extent) = dimension else { throw .unsupported("the shape of \(name) depends on data") }
        extents.append(extent)
      }
      guard labels == nil || (1...2).contains(extents.count) && extents.last == labels?.count && element == .float32 else {
        throw .unsupported("\(name) is made of \(element)\(extents) and \(labels?.count ?? 0) labels")
      }
      results.append((try plainType(TensorType(element, try Shape(extents)), name, takesStrings: takesStrings), index))
      keys.append(try labels.map { (labels) throws(PinionError) in try ValueBox(.tensor(labels)) })
      infos.append(InfoBox(name: declared.name, type: known, isOptional: false))
    }
    call.pointee = handle(
      try CallBox(
        box, inputs: given, outputs: results, outputInfos: infos,
        hasOwnStrings: results.map { $0.type.element == .string && box.session.givesOwnText(output: $0.index) }, keys: keys))
  }
}
