import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// A sequence of the given values, all of one kind.
package struct SequenceConstruct: EagerExecutable, ValueTyping {
  package static let schema = Schema("SequenceConstruct", since: 11, inputs: ["inputs...: T"], outputs: ["output_sequence"], types: ["T": .all])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    guard var element = inputs.first ?? nil else { return [nil] }
    for input in inputs.dropFirst() {
      guard let common = input?.common(with: element) else { return [nil] }
      element = common
    }
    return [.sequence(element)]
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let first = try required(inputs, 0, "inputs").typeAsElement()
    var elements: [Value] = []
    for (index, input) in inputs.enumerated() {
      guard let input else { throw .invalidModel("input \(index) is missing") }
      guard try input.typeAsElement().hasKind(of: first) else {
        throw .invalidShape("input \(index) is \(input.type), expected \(first) like input 0")
      }
      elements.append(try input.kept(context))
    }
    return [.sequence(elements, element: first)]
  }
}

/// A sequence of tensors without elements.
package struct SequenceEmpty: ValueTyping {
  package static let schema = Schema("SequenceEmpty", since: 11, inputs: [], outputs: ["output"])
  let element: ElementType

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    element = try attributes.elementType("dtype", default: .float32)
  }

  package func outputTypes(inputs: [ValueType?]) -> [ValueType?] { [.sequence(.tensor(element, dims: nil))] }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    [.sequence([], element: .tensor(element, dims: nil))]
  }
}

/// The element of a sequence at a position, which counts from the end where it is negative.
package struct SequenceAt: EagerExecutable, ValueTyping {
  package static let schema = Schema("SequenceAt", since: 11, inputs: ["input_sequence", "position: indices"], outputs: ["tensor: all"])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func outputTypes(inputs: [ValueType?]) -> [ValueType?] { [inputs.first??.elementOfSequence] }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let (elements, _) = try sequence(try required(inputs, 0, "input_sequence"), "input_sequence")
    guard let position = try position(inputs, 1, count: elements.count, length: elements.count) else {
      throw .invalidModel("input 'position' is missing")
    }
    return [elements[position]]
  }
}

/// The sequence with one more element at a position, at the end where none is given.
package struct SequenceInsert: ValueTyping {
  package static let schema = Schema(
    "SequenceInsert", since: 11, inputs: ["input_sequence", "tensor: all", "position?: indices"], outputs: ["output_sequence"])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    guard inputs.count > 1, let element = inputs[0]?.elementOfSequence, let inserted = inputs[1] else { return [nil] }
    return [element.common(with: inserted).map(ValueType.sequence)]
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    var (elements, type) = try sequence(try required(inputs, 0, "input_sequence"), "input_sequence")
    let element = try required(inputs, 1, "tensor")
    guard try element.typeAsElement().hasKind(of: type) else {
      throw .invalidShape("input 'tensor' is \(element.type), the sequence holds \(type)")
    }
    let position = try position(inputs, 2, count: elements.count + 1, length: elements.count) ?? elements.count
    elements.insert(try element.kept(context), at: position)
    return [.sequence(elements, element: type)]
  }
}

/// The sequence without the element at a position, without the last where none is given.
package struct SequenceErase: EagerExecutable, ValueTyping {
  package static let schema = Schema("SequenceErase", since: 11, inputs: ["input_sequence", "position?: indices"], outputs: ["output_sequence"])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func outputTypes(inputs: [ValueType?]) -> [ValueType?] { [inputs.first ?? nil] }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    var (elements, type) = try sequence(try required(inputs, 0, "input_sequence"), "input_sequence")
    guard !elements.isEmpty else { throw .invalidValue("the sequence is empty") }
    elements.remove(at: try position(inputs, 1, count: elements.count, length: elements.count) ?? elements.count - 1)
    return [.sequence(elements, element: type)]
  }
}

/// The number of a sequence's elements.
package struct SequenceLength: EagerExecutable {
  package static let schema = Schema("SequenceLength", since: 11, inputs: ["input_sequence"], outputs: ["length: int64"])
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func facts(_ context: FactContext) -> [Fact] { [Fact(.int64, [])] }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let (elements, _) = try sequence(try required(inputs, 0, "input_sequence"), "input_sequence")
    return [.tensor(try Tensor(scalar: Int64(elements.count)))]
  }
}
