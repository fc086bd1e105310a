import PinionBase
import PinionTensor

extension Schema {
  /// Checks the element types of a node's inputs: that each operand admits its own, and that the operands of one variable agree.
  ///
  /// Runs for every node of every plan, so that nothing is allocated unless an input is refused.
  public func check(inputs types: [TensorType?]) throws(PinionError) {
    var found = FoundTypes()
    let inputs = inputs
    for index in types.indices {
      guard let type = types[index], !admits(type.element, input: index, of: inputs, &found) else { continue }
      throw refusal(of: type, input: index) { types[$0]?.element }
    }
  }

  /// The same for values at hand. Sequences, optionals and maps pass: what they hold is for the operator to judge.
  public func check(values: [Value?]) throws(PinionError) {
    var found = FoundTypes()
    let inputs = inputs
    for index in values.indices {
      guard case .tensor(let tensor)? = values[index], !admits(tensor.element, input: index, of: inputs, &found) else { continue }
      throw refusal(of: tensor.type, input: index) { if case .tensor(let other)? = values[$0] { other.element } else { nil } }
    }
  }

  /// The element type of an output as far as it follows from the declaration alone: that of an input under the same variable, or the only one
  /// that the output admits.
  /// - Parameter inputs: nil for one that is absent or not known.
  public func element(ofOutput index: Int, inputs elements: [ElementType?]) -> ElementType? {
    guard let output = operand(index, of: outputs) else { return nil }
    guard let variable = output.variable else { return output.isConstrained ? output.types.only : nil }
    for (slot, element) in elements.enumerated() {
      guard let input = operand(slot, of: inputs), input.variable == variable else { continue }
      if let element { return element }
      // Where types mix, the output is like the first.
      if mixes(variable) { break }
    }
    return output.types.only
  }

  /// Whether a tensor with this element type may be the input at `index`, as far as that input alone says.
  public func admits(_ element: ElementType, input index: Int) -> Bool { operand(index, of: inputs)?.types.contains(element) ?? false }

  /// The operand at `index`, also past the start of a variadic one.
  public func operand(_ index: Int, of operands: [Operand]) -> Operand? {
    if index < operands.count { return operands[index] }
    guard let last = operands.last, last.isVariadic else { return nil }
    return last
  }

  private func mixes(_ variable: Int) -> Bool { mixing & 1 << UInt32(truncatingIfNeeded: variable) != 0 }

  /// The element type by which operands of a variable are compared.
  func compared(_ element: ElementType, _ variable: Int) -> ElementType {
    mixes(variable) && (element == .float16 || element == .bfloat16) ? .float32 : element
  }

  @inline(__always) private func admits(_ element: ElementType, input index: Int, of inputs: [Operand], _ found: inout FoundTypes) -> Bool {
    // Captured values of subgraphs stand behind the operands.
    let place = index < inputs.count ? index : inputs.count - 1
    guard place >= 0, place == index || inputs[place].isVariadic else { return true }
    guard inputs[place].types.contains(element) else { return false }
    guard let variable = inputs[place].variable else { return true }
    return found.agrees(variable, compared(element, variable))
  }

  private func refusal(of type: TensorType, input index: Int, _ element: (Int) -> ElementType?) -> PinionError {
    guard let input = operand(index, of: inputs) else { return .internal("input \(index) has no operand") }
    guard input.types.contains(type.element) else {
      return .invalidShape("input '\(input.name)' is \(type), expected \(input.types)")
    }
    for other in 0..<index {
      guard let operand = operand(other, of: inputs), operand.variable == input.variable, let first = element(other) else { continue }
      return .invalidShape("input '\(input.name)' is \(type), expected \(first) like input '\(operand.name)'")
    }
    return .internal("input '\(input.name)' was refused and has no other of its type")
  }
}

/// The element type under which each variable of a schema was met first, by the raw value.
private struct FoundTypes {
  private var first = SIMD16<UInt8>()

  /// False where the variable has another type already. A schema has at most 16 variables, as its tests check.
  mutating func agrees(_ variable: Int, _ element: ElementType) -> Bool {
    guard variable < 16 else { return true }
    let code = UInt8(truncatingIfNeeded: element.rawValue)
    if first[variable] == 0 { first[variable] = code }
    return first[variable] == code
  }
}
