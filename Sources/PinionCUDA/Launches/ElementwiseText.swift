import PinionBase

/// How a flat kernel finds an operand of the output's element i.
enum OperandPlace: String, Sendable {
  /// At i.
  case whole
  /// At i modulo the row's length, which is a multiple of 4.
  case row
  /// At 0.
  case scalar
}

/// How a chain's operands lie to its output.
enum ChainLayout: Sendable {
  /// Four elements at once.
  case flat([OperandPlace])
  /// One by one, by extents and steps.
  case strided
}

extension ElementwiseChain {
  /// The text of a kernel, and its name, which no other chain or layout has.
  func text(_ layout: ChainLayout) -> (text: String, kernel: String) {
    let body: String
    switch layout {
    case .flat(let places): body = function + flat(places)
    case .strided: body = function + strided
    }
    var digest = SHA256()
    digest.add(Array(body.utf8))
    let name = "chain_" + digest.hexadecimal().prefix(16)
    let text = body.split(separator: "@", omittingEmptySubsequences: false).joined(separator: name)
    return ("#include \"elementwise.cuh\"\n\n" + text, name)
  }

  /// The chain for one element. `@` stands for the kernel's name.
  private var function: String {
    var parameters = inputs.indices.map { "const \(kinds[$0].rawValue) v\($0)" }
    parameters += outputs.enumerated().map { "\($1.element.text)::Stored &y\($0)" }
    var lines = ["DEVICE void @_element(\(parameters.joined(separator: ", "))) {"]
    lines += steps.map { "  " + $0 }
    lines += outputs.enumerated().map { "  y\($0) = \($1.element.text)::store(v\($1.value));" }
    return lines.joined(separator: "\n") + "\n}\n\n"
  }

  private var operands: [String] {
    inputs.enumerated().map { "const \($1.text)::Stored *__restrict__ x\($0)" }
      + outputs.enumerated().map { "\($1.element.text)::Stored *__restrict__ y\($0)" }
  }

  private func call(_ inputText: (Int) -> String, _ outputText: (Int) -> String) -> String {
    let values = inputs.indices.map { "\(inputs[$0].text)::load(\(inputText($0)))" } + outputs.indices.map(outputText)
    return "@_element(\(values.joined(separator: ", ")));"
  }

  private func flat(_ places: [OperandPlace]) -> String {
    var lines = ["KERNEL(256) @(\(operands.joined(separator: ", ")), int count, int row) {"]
    lines.append("  const int first = blockIdx.x * blockDim.x + threadIdx.x, step = gridDim.x * blockDim.x, fours = count / 4;")
    lines.append("  for (int i = first; i < fours; i += step) {")
    if places.contains(.row) { lines.append("    const int place = i % (row / 4);") }
    for (index, input) in inputs.enumerated() where places[index] != .scalar {
      let type = "Four<\(input.text)::Stored>"
      lines.append("    const \(type) a\(index) = ((const \(type) *)x\(index))[\(places[index] == .row ? "place" : "i")];")
    }
    for (index, output) in outputs.enumerated() { lines.append("    Four<\(output.element.text)::Stored> r\(index);") }
    lines.append("#pragma unroll")
    lines.append("    for (int k = 0; k < 4; k++)")
    lines.append("      " + call({ places[$0] == .scalar ? "x\($0)[0]" : "a\($0).element[k]" }, { "r\($0).element[k]" }))
    for (index, output) in outputs.enumerated() { lines.append("    ((Four<\(output.element.text)::Stored> *)y\(index))[i] = r\(index);") }
    lines.append("  }")
    lines.append("  for (int i = fours * 4 + first; i < count; i += step)")
    lines.append(
      "    "
        + call(
          { index in
            switch places[index] {
            case .whole: "x\(index)[i]"
            case .row: "x\(index)[i % row]"
            case .scalar: "x\(index)[0]"
            }
          }, { "y\($0)[i]" }))
    return lines.joined(separator: "\n") + "\n}\n"
  }

  private var strided: String {
    let axes = "Axes<\(max(inputs.count, 1))>"
    return """
      KERNEL(256) @(\(operands.joined(separator: ", ")), int count, \(axes) axes) {
        for (int i = blockIdx.x * blockDim.x + threadIdx.x; i < count; i += gridDim.x * blockDim.x) {
          i32 offset[\(max(inputs.count, 1))];
          \(axes)::locate(axes, (u32)i, offset);
          \(call({ "x\($0)[offset[\($0)]]" }, { "y\($0)[i]" }))
        }
      }

      """
  }
}

extension KernelCall {
  /// A chain over operands of `shapes`, each broadcast to `output`. Addresses are multiples of their elements' size; where all are multiples of
  /// four elements', the kernel may move as many at once.
  package static func elementwise(
    _ chain: ElementwiseChain, shapes: [[Int]], output: [Int], x: [DeviceAddress], y: [DeviceAddress]
  ) throws(PinionError) -> KernelCall {
    guard shapes.count == chain.inputs.count, x.count == shapes.count, y.count == chain.outputs.count, !x.isEmpty, !y.isEmpty else {
      throw .internal("a chain of \(chain.inputs.count) inputs and \(chain.outputs.count) outputs, given \(x.count) and \(y.count)")
    }
    let count = try kernelCount(try output.checkedProduct(), "an elementwise kernel")
    guard count > 0 else { throw .internal("an elementwise kernel of nothing") }
    var steps: [[Int]] = []
    for shape in shapes { steps.append(try MergedAxes.broadcast(shape, to: output)) }
    let axes = try MergedAxes(extents: output, steps: steps)
    var arguments = LaunchArguments()
    for address in x + y { arguments.add(address) }
    arguments.add(count)
    let layout: ChainLayout
    let elements = chain.inputs + chain.outputs.map(\.element)
    let isWhole = zip(x + y, elements).allSatisfy { $0.bits % UInt64(4 * $1.byteCount) == 0 }
    if isWhole, let (places, row) = flatPlaces(axes) {
      layout = .flat(places)
      arguments.add(try row.converted(to: Int32.self))
    } else {
      layout = .strided
      arguments.add(structure: try axes.structure())
    }
    let (text, kernel) = chain.text(layout)
    let perThread = if case .flat = layout { 4 } else { 1 }
    return KernelCall(KernelProgram(name: "chain.cu", text: text), kernel, try loopShape(Int(count) / perThread), arguments)
  }

  /// y = x as another type: numbers towards zero and with their low bits, bool as 0 and 1.
  package static func cast(
    _ from: KernelElement, to: KernelElement, x: DeviceAddress, y: DeviceAddress, count: Int
  ) throws(PinionError) -> KernelCall {
    var chain = ElementwiseChain(inputs: [from])
    let value = ValueKind(from) == ValueKind(to) ? 0 : try chain.addConversion(0, to: to)
    try chain.addOutput(value, as: to)
    return try elementwise(chain, shapes: [[count]], output: [count], x: [x], y: [y])
  }

  /// The operands' places and the row's length, where the flat kernel can find them.
  static func flatPlaces(_ axes: MergedAxes) -> (places: [OperandPlace], row: Int)? {
    let extents = axes.extents
    guard extents.count <= 2, !axes.steps.isEmpty else { return nil }
    let row = extents[extents.count - 1]
    var places: [OperandPlace] = []
    for step in axes.steps {
      if step.allSatisfy({ $0 == 0 }) { places.append(.scalar) }
      else if step == [1] || step == [row, 1] { places.append(.whole) }
      else if step == [0, 1], row % 4 == 0 { places.append(.row) }
      else { return nil }
    }
    return (places, row)
  }
}
