import CPinion
import Pinion

/// A run whose inputs, outputs and their types are settled, so that only addresses remain to be given.
final class CallBox: @unchecked Sendable {
  let session: SessionBox
  /// Types in the order in which the caller gives addresses, and the session's position of each.
  let inputs: [(type: TensorType, index: Int)]
  let outputs: [(type: TensorType, index: Int)]
  let outputInfos: [InfoBox]
  /// For each of the session's inputs the caller's position; nil unless the call gives all inputs of the model's own and nothing else.
  private let inputPositions: [Int]?
  private let outputPositions: [Int]?
  /// Stands for the address of a tensor without elements.
  private let nothing: Buffer

  init(
    _ session: SessionBox, inputs: [(type: TensorType, index: Int)], outputs: [(type: TensorType, index: Int)], outputInfos: [InfoBox]
  ) throws(PinionError) {
    self.session = session
    self.inputs = inputs
    self.outputs = outputs
    self.outputInfos = outputInfos
    inputPositions = CallBox.positions(inputs.map(\.index), of: session.session.model.graph.inputs.count)
    outputPositions = CallBox.positions(outputs.map(\.index), of: session.outputs.count)
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
    for position in outputs.indices { try check(results?[position], outputs[position].type, "outputs", position) }
    if session.byteBudget == nil, let inputPositions, let outputPositions {
      let isDone = try session.session.runInPlace(
        inputs: inputs.count, outputs: outputs.count,
        input: { tensor(inputs[inputPositions[$0]].type, given?[inputPositions[$0]]) },
        output: { tensor(outputs[outputPositions[$0]].type, results?[outputPositions[$0]]) }, limits: limits)
      if isDone { return }
    }
    var values = [Value?](repeating: nil, count: session.inputs.count)
    for (position, input) in inputs.enumerated() { values[input.index] = .tensor(tensor(input.type, given?[position])) }
    let memory = outputs.indices.map { Optional(tensor(outputs[$0].type, results?[$0])) }
    var general = limits ?? RunLimits()
    if general.bytes == nil { general.bytes = session.byteBudget }
    _ = try session.logging(values) { () throws(PinionError) in
      try session.session.run(values, wanted: outputs.map(\.index), memory: memory, limits: general)
    }
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
  }
}

private func callBox(_ call: OpaquePointer?) -> CallBox? { call.map { object($0, CallBox.self) } }

/// - Throws: `.unsupported` where elements do not lie as kernels hold them.
private func plainType(_ type: TensorType, _ what: String) throws(PinionError) -> TensorType {
  guard type.element != .string, type.element.bitWidth >= 8 else {
    throw .unsupported("\(what) is \(type); a prepared call takes numbers of at least a byte")
  }
  return type
}

@c @implementation
public func pinion_call_create(
  _ session: OpaquePointer!, _ inputCount: Int, _ inputs: UnsafePointer<pinion_input_shape>!, _ outputCount: Int,
  _ outputNames: UnsafePointer<UnsafePointer<CChar>?>!, _ call: UnsafeMutablePointer<OpaquePointer?>!
) -> pinion_status {
  status { () throws(PinionError) in
    let call = try required(call, "call")
    call.pointee = nil
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
      planned[index] = .type(try plainType(type, name))
      given.append((type, index))
    }
    for (index, info) in box.inputs.enumerated() where planned[index] == nil && !info.isOptional {
      throw .invalidArgument("input '\(String(cString: info.name.pointer))' is missing")
    }
    let summary = try box.session.plan(planned)
    var results: [(type: TensorType, index: Int)] = []
    var infos: [InfoBox] = []
    for position in 0..<outputCount {
      let index = outputNames == nil ? position : try box.outputIndex(outputNames[position], position)
      let declared = box.session.model.outputs[index]
      let name = "output '\(declared.name)'"
      let known = index < summary.outputs.count ? summary.outputs[index] : nil
      switch known ?? declared.type {
      case .tensor?, nil: break
      case let type?: throw .unsupported("\(name) is \(type); a prepared call takes tensors")
      }
      guard case .tensor(let element, let dims?)? = known else { throw .unsupported("the shape of \(name) depends on data") }
      var extents: [Int] = []
      for dimension in dims {
        guard case .known(let extent) = dimension else { throw .unsupported("the shape of \(name) depends on data") }
        extents.append(extent)
      }
      results.append((try plainType(TensorType(element, try Shape(extents)), name), index))
      infos.append(InfoBox(name: declared.name, type: known, isOptional: false))
    }
    call.pointee = handle(try CallBox(box, inputs: given, outputs: results, outputInfos: infos))
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
