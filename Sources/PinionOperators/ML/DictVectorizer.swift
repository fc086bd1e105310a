import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The values that a dictionary has for the words of a vocabulary, in the vocabulary's order; 0 or "" for words it lacks.
package struct DictVectorizer: EagerExecutable, ValueTyping {
  package static let schema = Schema(
    "DictVectorizer", domain: "ai.onnx.ml", since: 1, inputs: ["X"], outputs: ["Y: U"], types: ["U": [.float32, .float64, .int64, .string]])
  let vocabulary: Tensor
  /// For each word its positions in the vocabulary.
  private let places: [LabelKey: [Int]]

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    vocabulary = try ClassLabels(&attributes, ints: "int64_vocabulary", strings: "string_vocabulary").tensor
    let read = try LabelKey.reader(vocabulary.element)
    var places: [LabelKey: [Int]] = [:]
    var poll = Poll(attributes.control)
    for index in 0..<vocabulary.count {
      try poll.count(128)
      places[read(UnsafeRawPointer(vocabulary.data), index), default: []].append(index)
    }
    self.places = places
  }

  package func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    guard case .map(_, .tensor(let element, _))? = inputs.first else { return [nil] }
    return [.tensor(element, dims: [.known(1), .known(vocabulary.count)])]
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let input = try required(inputs, 0, "X")
    guard case .map(let keys, let values) = input, keys.element == vocabulary.element, keys.count == values.count else {
      throw .invalidShape("input 'X' is \(input.type), expected a map from \(vocabulary.element)")
    }
    let read = try LabelKey.reader(keys.element)
    let width = values.element.byteWidth
    let output = try context.allocate(values.element, [1, vocabulary.count])
    // All bits zero are the number 0 and the empty string.
    output.data.initializeMemory(as: UInt8.self, repeating: 0, count: output.byteCount)
    var poll = Poll(context.control)
    // Of equal keys the last counts.
    for index in 0..<keys.count {
      try poll.count(16)
      for place in places[read(UnsafeRawPointer(keys.data), index)] ?? [] {
        (output.data + place &* width).copyMemory(from: values.data + index &* width, byteCount: width)
      }
    }
    return [.tensor(output.keepingAlive([values.owner]))]
  }
}
