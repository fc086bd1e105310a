import Glibc
import PinionBackend
import PinionBase
import PinionGraph
import PinionTensor


/// The values of a dictionary with int64 keys as a tensor: in the order of the keys, or each at the position that its key is.
package struct CastMap: EagerExecutable, ValueTyping {
  package static let schema = Schema("CastMap", domain: "ai.onnx.ml", since: 1, inputs: ["X"], outputs: ["Y: float32|int64|string"])

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

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    form = try attributes.choice("map_form", default: .dense)
    target = try attributes.choice("cast_to", default: .float)
    extent = try attributes.int("max_map", default: 1, in: 0...Int64(Int32.max))
  }

  package func outputTypes(inputs: [ValueType?]) -> [ValueType?] {
    let element: ElementType =
      switch target {
      case .float: .float32
      case .int64: .int64
      case .string: .string
      }
    return [.tensor(element, dims: [.known(1), form == .sparse ? .known(extent) : .unknown])]
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    let input = try required(inputs, 0, "X")
    guard case .map(let keyTensor, let values) = input, keyTensor.count == values.count else {
      throw .invalidShape("input 'X' is \(input.type), expected a map")
    }
    let keys = try keyTensor.unsafeElements(as: Int64.self)
    // The keys' places in their order; in the dense form they follow each other.
    var poll = Poll(context.control)
    let order: RunTable<Int> = try context.table(repeating: 0, count: keys.count)
    let room: RunTable<Int> = try context.table(repeating: 0, count: keys.count)
    for index in keys.indices { order[index] = index }
    try mergeSort(order.elements, room.elements, &poll) { (a, b, _) throws(PinionError) in keys[a] < keys[b] }
    if form == .sparse {
      for key in keys where key < 0 || key >= Int64(extent) {
        throw .invalidValue("key \(key) is out of range for 'max_map' \(extent)")
      }
    }
    let shape = try Shape([1, form == .sparse ? extent : keys.count])
    let texts = values.element == .string ? try values.unsafeElements(as: StringElement.self) : nil
    let numbers = values.element == .float32 ? try values.unsafeElements(as: Float.self) : nil
    guard texts != nil || numbers != nil else { throw .unsupported("a map with values of type \(values.element)") }
    func number(_ index: Int) -> Float { numbers.map { $0[index] } ?? strtof(texts?[index].string ?? "", nil) }
    func tensor<T: Element>(_ absent: T, _ convert: (Int) -> T) throws(PinionError) -> [Value] {
      let output = try context.allocate(TensorType(T.elementType, shape))
      let elements = try output.mutableElements(as: T.self)
      try inPieces(of: Poll.interval, shape.count, context.control) { range in
        for index in range { elements[index] = absent }
      }
      for place in 0..<order.count {
        try poll.count(16)
        elements[form == .sparse ? Int(keys[order[place]]) : place] = convert(order[place])
      }
      return [.tensor(output)]
    }
    switch target {
    case .float: return try tensor(0 as Float, number)
    case .int64:
      return try tensor(0 as Int64) { index -> Int64 in
        if let texts { return Int64(strtoll(texts[index].string, nil, 10)) }
        return Int64(exactly: number(index).rounded(.towardZero)) ?? 0
      }
    case .string:
      var strings = try context.strings(count: shape.count)
      var next = 0
      for place in 0..<shape.count {
        // Of equal keys the last counts.
        var index: Int?
        while next < order.count, form == .dense ? next == place : keys[order[next]] == Int64(place) {
          index = order[next]
          next &+= 1
        }
        if let index {
          if let texts { try strings.append(texts[index].bytes) } else { try strings.append("\(number(index))") }
        } else {
          try strings.append(texts == nil ? "0.0" : "")
        }
      }
      return [.tensor(try strings.tensor(shape))]
    }
  }
}
