import Glibc
import Pinion
import RunModelInputs

/// Prints the largest elements along the axis of the classes, as classifiers' outputs are read.
///
/// That axis is the last whose extent is not 1, so that float32[n,1000,1,1] has 1000 classes; of two or more axes the first is the batch.
struct TopK {
  let count: Int
  /// The names of the classes, by index.
  let labels: [String]
  /// Whether to show probabilities instead of the elements, which are then taken as logits.
  let isSoftmax: Bool

  /// Rows beyond this many are only counted.
  private static let rowLimit = 8

  /// - Throws: `.io`, or `.invalidValue` where the file is no text.
  static func labels(path: String) throws(PinionError) -> [String] {
    let file = try FileMapping(path: path)
    guard let text = file.all.text else { throw .invalidValue("'\(path)' is no UTF-8 text") }
    return Literal(lines: text).words
  }

  /// A note for outputs without elements to compare.
  func print(_ name: String, _ value: Value) throws(PinionError) {
    guard case .tensor(let tensor) = value, tensor.element.isFloatingPoint || tensor.element.isInteger, tensor.count > 0 else {
      return printNote("output '\(name)' is \(value.type), of which there is no top \(count)")
    }
    let dims = tensor.shape.dims
    // The axes behind the one of the classes have extent 1, so that a row lies in one piece.
    let extent = (dims.count > 1 ? dims.dropFirst() : dims[...]).last { $0 != 1 } ?? 1
    let numbers = try tensor.numbers()
    let rows = numbers.count / extent
    for row in 0..<min(rows, TopK.rowLimit) {
      Swift.print("\(escaped(name))  top \(min(count, extent)) of \(extent)" + (rows > 1 ? ", row \(row)" : ""))
      let values = numbers[row * extent..<(row + 1) * extent].map { $0.isNaN ? -.infinity : $0 }
      // The lower index comes first among equal values.
      let order = values.indices.sorted { values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1 }
      let largest = values[order[0]]
      let sum = isSoftmax ? values.reduce(0) { $0 + exp($1 - largest) } : 1
      for index in order.prefix(count) {
        let text = isSoftmax ? percentText(exp(values[index] - largest) / sum) : shortText(values[index], digits: 6)
        Swift.print("  \(padded(text, 12))  \(index < labels.count ? escaped(labels[index]) : "class \(index)")")
      }
    }
    if rows > TopK.rowLimit { Swift.print("  … \(rows - TopK.rowLimit) more rows") }
  }

  private func padded(_ text: String, _ width: Int) -> String {
    String(repeating: " ", count: max(0, width - text.count)) + text
  }
}
