import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Adds an axis with a 1 at the position of each element's category and 0 elsewhere.
package struct OneHotEncoder: CPUExecutable {
  package static let schema = Schema(
    "OneHotEncoder", domain: "ai.onnx.ml", since: 1, inputs: ["X: U"], outputs: ["Y: float32"], types: ["U": [.indices, .float32, .float64, .string]])
  let categories: Tensor
  /// Whether an element of no category gives zeros and is no error.
  let allowsOthers: Bool
  private let places: [LabelKey: Int]
  /// The places of the whole numbers from the least category on, -1 for none; nil where that would be a long table.
  private let nearPlaces: (least: Int64, table: [Int32])?

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    allowsOthers = try attributes.bool("zeros", default: true)
    let integers = try attributes.optionalInts("cats_int64s") ?? []
    let strings = try attributes.optionalStrings("cats_strings") ?? []
    guard integers.isEmpty != strings.isEmpty else { throw .invalidModel("expected either 'cats_int64s' or 'cats_strings'") }
    categories = strings.isEmpty ? try Tensor(vector: integers) : try Tensor(strings: strings, .vector(strings.count))
    let read = try LabelKey.reader(categories.element)
    var places: [LabelKey: Int] = [:]
    var poll = Poll(attributes.control)
    for index in 0..<categories.count {
      try poll.count(64)
      places[read(UnsafeRawPointer(categories.data), index)] = index
    }
    self.places = places
    if let least = integers.min(), let greatest = integers.max(), case let (span, overflow) = greatest.subtractingReportingOverflow(least),
      !overflow, span < 1 << 12, integers.count < 1 << 20
    {
      var table = [Int32](repeating: -1, count: Int(span) &+ 1)
      for (index, value) in integers.enumerated() { table[Int(value &- least)] = Int32(truncatingIfNeeded: index) }
      nearPlaces = (least, table)
    } else {
      nearPlaces = nil
    }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let type = try context.type(0)
    guard (type.element == .string) == (categories.element == .string) else {
      throw .invalidShape("input 'X' is \(type), the categories are \(categories.element)")
    }
    return [TensorType(.float32, try Shape(type.dims + [categories.count]))]
  }

  package func facts(_ context: FactContext) -> [Fact] { [Fact(.float32, context[0].dims.map { $0 + [categories.count] })] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    let read = try LabelKey.reader(type.element)
    let count = categories.count, isInt64 = type.element == .int64
    return .ranges(type.count, grain: max(1, elementwiseGrain / max(count, 1))) { [self] (frame, range) throws(PinionError) in
      let y = frame.output(0, as: Float.self)
      (y + range.lowerBound &* count).update(repeating: 0, count: range.count &* count)
      if isInt64, let (least, table) = nearPlaces {
        let x = frame.input(0, as: Int64.self)
        for index in range {
          let (offset, overflow) = x[index].subtractingReportingOverflow(least)
          let place = !overflow && offset >= 0 && offset < table.count ? table[Int(offset)] : -1
          if place >= 0 {
            y[index &* count &+ Int(place)] = 1
          } else if !allowsOthers {
            throw .invalidValue("element \(index) has no category")
          }
        }
        return
      }
      for index in range {
        var key = read(frame.rawInput(0), index)
        // Floating-point elements are truncated, as the categories are whole numbers.
        if case .number(let number) = key, let integer = Int64(exactly: number.rounded(.towardZero)) { key = .integer(integer) }
        if let place = places[key] {
          y[index &* count &+ place] = 1
        } else if !allowsOthers {
          throw .invalidValue("element \(index) has no category")
        }
      }
    }
  }
}
