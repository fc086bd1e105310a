import Pinion
import RunModelInputs

/// Prints values so that a person sees what they are.
struct OutputPrinter {
  /// How many elements of a tensor are shown.
  let elementLimit: Int

  func print(_ name: String, _ value: Value) throws(PinionError) { try print(name, value, indent: "") }

  private func print(_ name: String, _ value: Value, indent: String) throws(PinionError) {
    let head = "\(indent)\(escaped(name))  "
    switch value {
    case .tensor(let tensor):
      Swift.print(head + "\(tensor.type)" + (try summary(tensor)))
      if let elements = elements(tensor) { Swift.print("\(indent)  \(elements)") }
    case .sequence(let values, let element):
      Swift.print(head + "sequence of \(values.count), \(element)")
      for (index, value) in values.prefix(elementLimit).enumerated() { try print("[\(index)]", value, indent: indent + "  ") }
      if values.count > elementLimit { Swift.print("\(indent)  … \(values.count - elementLimit) more") }
    case .none(let type): Swift.print(head + "nothing, optional(\(type))")
    case .map(let keys, let values):
      Swift.print(head + "map of \(keys.count), \(value.type)")
      for index in 0..<min(keys.count, values.count, elementLimit) {
        Swift.print("\(indent)  \(keys.text(at: index)): \(values.text(at: index))")
      }
      if keys.count > elementLimit { Swift.print("\(indent)  … \(keys.count - elementLimit) more") }
    }
  }

  /// The first elements, row-major.
  private func elements(_ tensor: Tensor) -> String? {
    let shown = min(tensor.count, elementLimit)
    guard shown > 0 else { return nil }
    let texts = (0..<shown).map { tensor.text(at: $0) }.joined(separator: " ")
    return texts + (shown < tensor.count ? " … \(tensor.count - shown) more" : "")
  }

  private func summary(_ tensor: Tensor) throws(PinionError) -> String {
    switch tensor.element {
    case .bool:
      return "  \(tensor.bytes.count { $0 != 0 }) true"
    case .string, .complex64, .complex128: return ""
    default:
      let statistics = Statistics(try tensor.numbers())
      guard let range = statistics.range else { return statistics.undefined > 0 ? "  all NaN" : "  empty" }
      let texts = [range.low, statistics.mean, range.high].map { shortText($0, digits: 6) }
      return "  min \(texts[0])  mean \(texts[1])  max \(texts[2])" + (statistics.undefined > 0 ? "  \(statistics.undefined) NaN" : "")
    }
  }
}

/// Smallest, largest and mean of the numbers that are not NaN.
struct Statistics {
  private(set) var range: (low: Double, high: Double)?
  private(set) var mean = 0.0
  private(set) var undefined = 0

  init(_ numbers: some Sequence<Double>) {
    var count = 0.0
    for number in numbers {
      guard !number.isNaN else {
        undefined += 1
        continue
      }
      count += 1
      mean += (number - mean) / count
      range = (min(range?.low ?? number, number), max(range?.high ?? number, number))
    }
    // With infinities among them the running mean becomes NaN; their sign is what counts.
    if mean.isNaN, let range, range.low.isInfinite != range.high.isInfinite { mean = range.low.isInfinite ? range.low : range.high }
  }
}
