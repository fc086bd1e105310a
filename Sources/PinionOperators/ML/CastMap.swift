import Glibc
import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor


/// The values of a dictionary with int64 keys as a tensor: in the order of the keys, or each at the position that its key is.
public struct CastMap: EagerExecutable {
  public static let schema = Schema("CastMap", domain: "ai.onnx.ml", since: 1, inputs: ["X"], outputs: ["Y: float32|int64|string"])

  enum Form: String, CaseIterable {
    case dense = "DENSE"
    case sparse = "SPARSE"
  }

  enum Target: String, CaseIterable {
    case float = "TO_FLOAT"
    case string = "TO_STRING"
    case int64 = "TO_INT64"
  }

  let form: Form
  let target: Target
  let extent: Int

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    form = try attributes.choice("map_form", default: .dense)
    target = try attributes.choice("cast_to", default: .float)
    extent = try attributes.int("max_map", default: 1, in: 0...Int64(Int32.max))
  }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let input = try required(inputs, 0, "X")
    guard case .map(let keyTensor, let values) = input, keyTensor.count == values.count else {
      throw .invalidShape("input 'X' is \(input.type), expected a map")
    }
    let keys = try keyTensor.elements(as: Int64.self)
    // The place of each key, in the order of the keys.
    let order = keys.indices.sorted { keys[$0] < keys[$1] }
    var places = Array(order.indices)
    if form == .sparse {
      places = []
      for index in order {
        guard keys[index] >= 0, keys[index] < Int64(extent) else {
          throw .invalidValue("key \(keys[index]) is out of range for 'max_map' \(extent)")
        }
        places.append(Int(keys[index]))
      }
    }
    let shape = try Shape([1, form == .sparse ? extent : order.count])
    let texts = values.element == .string ? try values.strings() : nil
    let numbers = values.element == .float32 ? Array(try values.elements(as: Float.self)) : nil
    guard texts != nil || numbers != nil else { throw .unsupported("a map with values of type \(values.element)") }
    func number(_ index: Int) -> Float { numbers.map { $0[index] } ?? strtof(texts?[index] ?? "", nil) }
    func tensor<T: Element>(_ absent: T, _ convert: (Int) -> T) throws(PinionError) -> [Value] {
      let output = try context.allocate(TensorType(T.elementType, shape))
      let elements = try output.mutableElements(as: T.self)
      elements.initialize(repeating: absent)
      for (place, index) in zip(places, order) { elements[place] = convert(index) }
      return [.tensor(output)]
    }
    switch target {
    case .float: return try tensor(0 as Float, number)
    case .int64:
      return try tensor(0 as Int64) { index -> Int64 in
        if let texts { return Int64(strtoll(texts[index], nil, 10)) }
        return Int64(exactly: number(index).rounded(.towardZero)) ?? 0
      }
    case .string:
      guard shape.count <= 1 << 20 else { throw .unsupported("a map of \(shape.count) strings") }
      var strings = [String](repeating: texts == nil ? "0.0" : "", count: shape.count)
      for (place, index) in zip(places, order) { strings[place] = texts?[index] ?? "\(number(index))" }
      return [.tensor(try Tensor(strings: strings, shape))]
    }
  }
}
