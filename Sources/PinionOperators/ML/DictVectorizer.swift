import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor

/// The values that a dictionary has for the words of a vocabulary, in the vocabulary's order; 0 or "" for words it lacks.
public struct DictVectorizer: EagerExecutable {
  public static let schema = Schema(
    "DictVectorizer", domain: "ai.onnx.ml", since: 1, inputs: ["X"], outputs: ["Y: U"], types: ["U": [.float32, .float64, .int64, .string]])
  let vocabulary: Tensor

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    vocabulary = try ClassLabels(&attributes, ints: "int64_vocabulary", strings: "string_vocabulary").tensor
  }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let input = try required(inputs, 0, "X")
    guard case .map(let keys, let values) = input, keys.element == vocabulary.element, keys.count == values.count else {
      throw .invalidShape("input 'X' is \(input.type), expected a map from \(vocabulary.element)")
    }
    let read = try LabelKey.reader(keys.element)
    var places: [LabelKey: Int] = [:]
    for index in 0..<keys.count { places[read(UnsafeRawPointer(keys.data), index)] = index }
    let width = values.element.byteWidth
    let output = try context.allocate(values.element, [1, vocabulary.count])
    // All bits zero are the number 0 and the empty string.
    output.data.initializeMemory(as: UInt8.self, repeating: 0, count: output.byteCount)
    for index in 0..<vocabulary.count {
      guard let place = places[read(UnsafeRawPointer(vocabulary.data), index)] else { continue }
      (output.data + index &* width).copyMemory(from: values.data + place &* width, byteCount: width)
    }
    return [.tensor(output.keepingAlive([values.owner]))]
  }
}
