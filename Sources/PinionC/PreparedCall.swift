import CPinion
import Pinion

/// A run whose inputs, outputs and their types are settled, so that only addresses remain to be given.
final class CallBox: @unchecked Sendable {
  let session: SessionBox
  /// Types in the order in which the caller gives addresses, and the session's position of each.
  let inputs: [(type: TensorType, index: Int)]
  let outputs: [(type: TensorType, index: Int)]
  let outputInfos: [InfoBox]
  /// Whether all strings of an output lie in the model.
  let hasOwnStrings: [Bool]
  /// For each output the keys of its maps, where it takes a row of values for each; nil for a tensor.
  let keys: [ValueBox?]
  /// The positions of text among the outputs.
  private let texts: [Int]
  /// The positions of these among the outputs, and the program that gives them so where it runs in place.
  private let tables: [Int]
  private let tableProgram: Program?
  /// For each of the session's inputs the caller's position; nil unless the call gives all inputs of the model's own and nothing else.
  private let inputPositions: [Int]?
  private let outputPositions: [Int]?
  /// Stands for the address of a tensor without elements.
  private let nothing: Buffer

  init(
    _ session: SessionBox, inputs: [(type: TensorType, index: Int)], outputs: [(type: TensorType, index: Int)], outputInfos: [InfoBox],
    hasOwnStrings: [Bool], keys: [ValueBox?]
  ) throws(PinionError) {
    self.session = session
    self.inputs = inputs
    self.outputs = outputs
    self.outputInfos = outputInfos
    self.hasOwnStrings = hasOwnStrings
    self.keys = keys
    texts = outputs.indices.filter { outputs[$0].type.element == .string }
    tables = keys.indices.filter { keys[$0] != nil }
    tableProgram = tables.isEmpty ? nil : try session.session.tableProgram(outputs: outputs.map(\.index), tables: tables)
    inputPositions = CallBox.positions(inputs.map(\.index), of: session.session.model.graph.inputs.count)
    // A program of the call's own has the call's outputs.
    outputPositions = tables.isEmpty ? CallBox.positions(outputs.map(\.index), of: session.outputs.count) : Array(outputs.indices)
    nothing = try Allocator.system.buffer(bytes: Buffer.alignment)
  }

  private static func positions(_ indices: [Int], of count: Int) -> [Int]? {
    guard indices.count == count, Set(indices) == Set(0..<count) else { return nil }
    var positions = [Int](repeating: 0, count: count)
    for (position, index) in indices.enumerated() { positions[index] = position }
    return positions
  }

  private func tensor(_ type: TensorType, _ address: UnsafeMutableRawPointer?) -> Tensor {
    Tensor(type, data: address ?? nothing.pointer, owner: nil)
  }

  func run(
    _ given: UnsafePointer<UnsafeMutableRawPointer?>?, _ results: UnsafePointer<UnsafeMutableRawPointer?>?, _ limits: RunLimits?
  ) throws(PinionError) {
    for position in inputs.indices { try check(given?[position], inputs[position].type, "inputs", position) }
    for position in outputs.indices { try checkOutput(results?[position], outputs[position].type, position) }
    if session.byteBudget == nil, let inputPositions, let outputPositions {
      let isDone = try session.session.runInPlace(
        inputs: inputs.count, outputs: outputs.count,
        input: { tensor(inputs[inputPositions[$0]].type, given?[inputPositions[$0]]) },
        output: { place(outputPositions[$0], results) }, limits: limits, program: tableProgram, takesText: !texts.isEmpty)
      if isDone {
        if !texts.isEmpty { try giveStrings(nil, results) }
        return
      }
    }
    var values = [Value?](repeating: nil, count: session.inputs.count)
    for (position, input) in inputs.enumerated() { values[input.index] = .tensor(tensor(input.type, given?[position])) }
    // What text points into must be given to somebody, so that it is not written to the caller's memory directly.
    let memory = outputs.indices.map { outputs[$0].type.element == .string ? nil : tensor(outputs[$0].type, results?[$0]) }
    var general = limits ?? RunLimits()
    if general.bytes == nil { general.bytes = session.byteBudget }
    let made = try session.logging(values) { () throws(PinionError) in
      try session.session.run(values, wanted: outputs.map(\.index), memory: memory, tables: tables, limits: general)
    }
    if !texts.isEmpty { try giveStrings(made, results) }
  }

  /// Where an output's elements go.
  private func place(_ position: Int, _ results: UnsafePointer<UnsafeMutableRawPointer?>?) -> Tensor {
    let type = outputs[position].type
    guard type.element == .string else { return tensor(type, results?[position]) }
    return tensor(type, results?[position].map { UnsafeMutableRawPointer($0.assumingMemoryBound(to: pinion_string_output.self).pointee.strings) } ?? nil)
  }

  /// Shows the caller where the strings of a run's outputs lie.
  /// - Parameter values: the outputs; nil where the run has written to the caller's memory.
  private func giveStrings(_ values: [Value]?, _ results: UnsafePointer<UnsafeMutableRawPointer?>?) throws(PinionError) {
    var owners: [(output: UnsafeMutablePointer<pinion_string_output>, value: ValueBox)] = []
    for position in texts {
      guard let given = results?[position]?.assumingMemoryBound(to: pinion_string_output.self) else { continue }
      let type = outputs[position].type
      let made = try values?[position].asTensor()
      if let made {
        guard made.type == type else {
          let name = session.session.model.outputs[outputs[position].index].name
          throw .invalidShape("output '\(name)' is \(made.type), the call was prepared for \(type)")
        }
        if let strings = given.pointee.strings { UnsafeMutableRawPointer(strings).copyMemory(from: made.data, byteCount: made.byteCount) }
      }
      let isCopied = try copyStrings(given, count: type.count)
      if let made, !isCopied { owners.append((given, try ValueBox(.tensor(made)))) }
    }
    for (output, value) in owners { output.pointee.owner = handle(value) }
  }

  /// Copies strings to the text that the caller gives for them, if they fit in there.
  private func copyStrings(_ output: UnsafeMutablePointer<pinion_string_output>, count: Int) throws(PinionError) -> Bool {
    guard let text = output.pointee.text else { return false }
    guard count > 0, let strings = output.pointee.strings else { return true }
    var size = count
    for index in 0..<count { size = try size.adding(strings[index].length) }
    output.pointee.text_size = size
    guard output.pointee.text_capacity < 0 || size <= output.pointee.text_capacity else { return false }
    var next = text
    for index in 0..<count {
      let length = strings[index].length
      if let data = strings[index].data { next.update(from: data, count: length) }
      strings[index].data = UnsafePointer(next)
      next[length] = 0
      next += length &+ 1
    }
    return true
  }

  private func check(
    _ address: UnsafeMutableRawPointer?, _ type: TensorType, _ name: StaticString, _ position: Int
  ) throws(PinionError) {
    guard let address else {
      guard type.count == 0 else { throw .invalidArgument("\(name)[\(position)] is NULL") }
      return
    }
    let alignment = min(type.element.byteWidth, 8)
    guard UInt(bitPattern: address) % UInt(alignment) == 0 else {
      throw .invalidArgument("\(name)[\(position)] is not aligned to its elements, \(type.element) of \(type.element.byteWidth) bytes")
    }
    guard type.element == .string else { return }
    let strings = UnsafePointer(address.assumingMemoryBound(to: pinion_string_view.self))
    for index in 0..<type.count {
      let string = strings[index]
      guard string.length >= 0, string.data != nil || string.length == 0 else {
        throw .invalidArgument("\(name)[\(position)][\(index)] has \(UInt(bitPattern: string.length)) bytes at \(string.data == nil ? "NULL" : "its address")")
      }
    }
  }

  private func checkOutput(_ address: UnsafeMutableRawPointer?, _ type: TensorType, _ position: Int) throws(PinionError) {
    guard type.element == .string else { return try check(address, type, "outputs", position) }
    guard let address, UInt(bitPattern: address) % UInt(MemoryLayout<pinion_string_output>.alignment) == 0 else {
      throw .invalidArgument("outputs[\(position)] is \(address == nil ? "NULL" : "not aligned"), expected a pinion_string_output")
    }
    let output = address.assumingMemoryBound(to: pinion_string_output.self)
    output.pointee.owner = nil
    output.pointee.text_size = 0
    guard let strings = output.pointee.strings else {
      guard type.count == 0 else { throw .invalidArgument("outputs[\(position)]->strings is NULL") }
      return
    }
    guard UInt(bitPattern: strings) % UInt(MemoryLayout<pinion_string_view>.alignment) == 0 else {
      throw .invalidArgument("outputs[\(position)]->strings is not aligned")
    }
  }
}


private func callBox(_ call: OpaquePointer?) -> CallBox? { call.map { object($0, CallBox.self) } }

/// - Throws: `.unsupported` where elements do not lie as kernels hold them.
private func plainType(_ type: TensorType, _ what: String, takesStrings: Bool) throws(PinionError) -> TensorType {
  if type.element == .string && takesStrings { return type }
  guard type.element != .string, type.element.bitWidth >= 8 else {
    throw .unsupported("\(what) is \(type); a prepared call takes numbers of at least a byte\(takesStrings ? " and strings" : "")")
  }
  return type
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
    guard inputCount >= 0, inputCount == 0 || inputs != nil else { throw .invalidArgument("inputs is NULL") }
    guard outputCount >= 0, outputNames != nil || outputCount <= box.outputs.count else {
      throw .invalidArgument("\(outputCount) outputs, the model has \(box.outputs.count)")
    }
    var planned = [PlanInput?](repeating: nil, count: box.inputs.count)
    var given: [(type: TensorType, index: Int)] = []
    for position in 0..<inputCount {
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
    for (index, info) in box.inputs.enumerated() where planned[index] == nil && !info.isOptional {
      throw .invalidArgument("input '\(String(cString: info.name.pointer))' is missing")
    }
    var chosen: [Int] = []
    for position in 0..<outputCount { chosen.append(outputNames == nil ? position : try box.outputIndex(outputNames[position], position)) }
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

@c @implementation
public func pinion_call_retain(_ call: OpaquePointer!) -> OpaquePointer! { retain(call, CallBox.self) }

@c @implementation
public func pinion_call_release(_ call: OpaquePointer!) { release(call, CallBox.self) }

@c @implementation
public func pinion_call_output_count(_ call: OpaquePointer!) -> Int { callBox(call)?.outputs.count ?? 0 }

@c @implementation
public func pinion_call_output(_ call: OpaquePointer!, _ index: Int) -> OpaquePointer! {
  guard let box = callBox(call), box.outputInfos.indices.contains(index) else { return nil }
  return borrowed(box.outputInfos[index])
}

@c @implementation
public func pinion_call_output_keys(_ call: OpaquePointer!, _ index: Int) -> OpaquePointer! {
  guard let box = callBox(call), box.keys.indices.contains(index) else { return nil }
  return borrowed(box.keys[index])
}

@c @implementation
public func pinion_call_output_has_own_strings(_ call: OpaquePointer!, _ index: Int) -> Bool {
  guard let box = callBox(call), box.hasOwnStrings.indices.contains(index) else { return false }
  return box.hasOwnStrings[index]
}

@c @implementation
public func pinion_call_run(
  _ call: OpaquePointer!, _ options: UnsafePointer<pinion_run_options>!, _ inputs: UnsafePointer<UnsafeMutableRawPointer?>!,
  _ outputs: UnsafePointer<UnsafeMutableRawPointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let box: CallBox = object(try required(call, "call"))
    guard inputs != nil || box.inputs.isEmpty else { throw .invalidArgument("inputs is NULL") }
    guard outputs != nil || box.outputs.isEmpty else { throw .invalidArgument("outputs is NULL") }
    try box.run(inputs, outputs, options == nil ? nil : try limits(options, box.session))
  }
}
