import CPinion
import Pinion

/// A run whose inputs, outputs and their types are settled, so that only addresses remain to be given.
final class CallBox: @unchecked Sendable {
  let session: SessionBox
  /// Types in the order in which the caller gives addresses, and the session's position of each.
  let inputs: [(type: TensorType, index: Int)]
  let outputs: [(type: TensorType, index: Int)]
  /// The session's position of each output.
  let wanted: [Int]
  /// Whether outputs have no types before a run, which gives them as values.
  let givesOnlyValues: Bool
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
    wanted = outputs.map(\.index)
    givesOnlyValues = false
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

  /// A call whose outputs have types only after a run.
  init(_ session: SessionBox, inputs: [(type: TensorType, index: Int)], wanted: [Int], outputInfos: [InfoBox]) throws(PinionError) {
    self.session = session
    self.inputs = inputs
    self.wanted = wanted
    self.outputInfos = outputInfos
    givesOnlyValues = true
    outputs = []
    hasOwnStrings = []
    keys = []
    texts = []
    tables = []
    tableProgram = nil
    inputPositions = nil
    outputPositions = nil
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
    guard !givesOnlyValues else { throw .invalidArgument("the call was made for values; pinion_call_run_values() runs it") }
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
    // What text points into must be given to somebody, so that it is not written to the caller's memory directly.
    let memory = outputs.indices.map { outputs[$0].type.element == .string ? nil : tensor(outputs[$0].type, results?[$0]) }
    let made = try runAnyway(given, memory: memory, limits)
    if !texts.isEmpty { try giveStrings(made, results) }
  }

  /// The run of any graph, whatever it gives.
  private func runAnyway(
    _ given: UnsafePointer<UnsafeMutableRawPointer?>?, memory: [Tensor?], _ limits: RunLimits?
  ) throws(PinionError) -> [Value] {
    var values = [Value?](repeating: nil, count: session.inputs.count)
    for (position, input) in inputs.enumerated() { values[input.index] = .tensor(tensor(input.type, given?[position])) }
    var general = limits ?? RunLimits()
    if general.bytes == nil { general.bytes = session.byteBudget }
    return try session.logging(values) { () throws(PinionError) in
      try session.session.run(values, wanted: wanted, memory: memory, tables: tables, limits: general)
    }
  }

  func runValues(
    _ given: UnsafePointer<UnsafeMutableRawPointer?>?, _ results: UnsafeMutablePointer<OpaquePointer?>?,
    _ views: UnsafeMutablePointer<pinion_tensor_view>?, _ limits: RunLimits?
  ) throws(PinionError) {
    for position in wanted.indices { results?[position] = nil }
    if let views { for position in wanted.indices { try clear(views + position, "views[\(position)].") } }
    for position in inputs.indices { try check(given?[position], inputs[position].type, "inputs", position) }
    guard tables.isEmpty else { throw .invalidArgument("the call was made for tables; pinion_call_run() runs it") }
    var boxes: [ValueBox] = []
    boxes.reserveCapacity(wanted.count)
    for value in try runAnyway(given, memory: [], limits) { boxes.append(try ValueBox(value)) }
    for (position, box) in boxes.enumerated() {
      if let views { box.describe(in: views + position) }
      results?[position] = handle(box)
    }
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

@c @implementation
public func pinion_call_retain(_ call: OpaquePointer!) -> OpaquePointer! { retain(call, CallBox.self) }

@c @implementation
public func pinion_call_release(_ call: OpaquePointer!) { release(call, CallBox.self) }

@c @implementation
public func pinion_call_output_count(_ call: OpaquePointer!) -> Int { callBox(call)?.wanted.count ?? 0 }

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
    try box.session.runtime.logging("running") { () throws(PinionError) in
      guard inputs != nil || box.inputs.isEmpty else { throw .invalidArgument("inputs is NULL") }
      guard outputs != nil || box.outputs.isEmpty else { throw .invalidArgument("outputs is NULL") }
      try box.run(inputs, outputs, options == nil ? nil : try limits(options, box.session))
    }
  }
}

@c @implementation
public func pinion_call_run_values(
  _ call: OpaquePointer!, _ options: UnsafePointer<pinion_run_options>!, _ inputs: UnsafePointer<UnsafeMutableRawPointer?>!,
  _ outputs: UnsafeMutablePointer<OpaquePointer?>!, _ views: UnsafeMutablePointer<pinion_tensor_view>!
) -> pinion_status {
  status { () throws(PinionError) in
    let box: CallBox = object(try required(call, "call"))
    try box.session.runtime.logging("running") { () throws(PinionError) in
      guard inputs != nil || box.inputs.isEmpty else { throw .invalidArgument("inputs is NULL") }
      guard outputs != nil || box.wanted.isEmpty else { throw .invalidArgument("outputs is NULL") }
      try box.runValues(inputs, outputs, views, options == nil ? nil : try limits(options, box.session))
    }
  }
}
