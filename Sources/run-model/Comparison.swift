import Pinion
import RunModelInputs

struct Tolerance {
  var rtol: Double
  var atol: Double

  func allows(_ got: Double, _ expected: Double) -> Bool {
    if got == expected || (got.isNaN && expected.isNaN) { return true }
    // An expected infinity would allow everything.
    return expected.isFinite && abs(got - expected) <= atol + rtol * abs(expected)
  }
}

/// How far a value is from the expected one.
struct Comparison {
  private(set) var isRight = true
  /// One line for a person: type and worst error, or what is wrong.
  private(set) var text = ""

  init(_ got: Value, _ expected: Value, _ tolerance: Tolerance) throws(PinionError) {
    switch (got, expected) {
    case (.tensor(let a), .tensor(let b)): try compare(a, b, tolerance)
    case (.sequence(let a, _), .sequence(let b, _)):
      guard a.count == b.count else {
        fail("a sequence of \(a.count), expected \(b.count)")
        return
      }
      try compare(Array(zip(a, b)), tolerance, empty: "an empty sequence")
    case (.map(let keys, let values), .map(let expectedKeys, let expectedValues)):
      try compare([(.tensor(keys), .tensor(expectedKeys)), (.tensor(values), .tensor(expectedValues))], tolerance, empty: "")
    case (.none, .none): text = "nothing, as expected"
    default: fail("\(got.type), expected \(expected.type)")
    }
  }

  private mutating func fail(_ reason: String) {
    isRight = false
    text = reason
  }

  private mutating func compare(_ pairs: [(Value, Value)], _ tolerance: Tolerance, empty: String) throws(PinionError) {
    text = empty
    for (index, pair) in pairs.enumerated() {
      let part = try Comparison(pair.0, pair.1, tolerance)
      text = "[\(index)] \(part.text)"
      guard part.isRight else {
        isRight = false
        return
      }
    }
  }

  private mutating func compare(_ got: Tensor, _ expected: Tensor, _ tolerance: Tolerance) throws(PinionError) {
    guard got.type == expected.type else { return fail("\(got.type), expected \(expected.type)") }
    guard got.element != .string else {
      let a = try got.strings(), b = try expected.strings()
      let wrong = a.indices.filter { a[$0] != b[$0] }
      guard let first = wrong.first else {
        text = "\(got.type), equal"
        return
      }
      return fail(
        "\(got.type)  \(wrong.count) of \(a.count) differ; at \(first) \(got.text(at: first)), expected \(expected.text(at: first))")
    }
    compare(try got.numbers(), try expected.numbers(), got.type, tolerance)
  }

  private mutating func compare(_ got: [Double], _ expected: [Double], _ type: TensorType, _ tolerance: Tolerance) {
    var wrong = 0
    var worst = (index: 0, error: 0.0), relative = 0.0
    for index in got.indices {
      let a = got[index], b = expected[index]
      let isWrong = !tolerance.allows(a, b)
      if isWrong { wrong += 1 }
      guard a != b, !(a.isNaN && b.isNaN) else { continue }
      // A NaN or an infinity on one side alone is the worst that can be.
      let error = (a - b).isFinite ? abs(a - b) : .infinity
      if error > worst.error { worst = (index, error) }
      if b != 0 { relative = max(relative, error / abs(b)) }
    }
    guard worst.error > 0 else {
      text = "\(type)  equal"
      return
    }
    text = "\(type)  worst error \(shortText(worst.error, digits: 3)), relative \(shortText(relative, digits: 3))"
    guard wrong > 0 else { return }
    isRight = false
    text += "; \(wrong) of \(got.count) beyond the tolerance, the worst at \(worst.index): "
      + "\(shortText(got[worst.index], digits: 9)), expected \(shortText(expected[worst.index], digits: 9))"
  }
}
