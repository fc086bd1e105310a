import Pinion
import RunModelInputs

struct Tolerance {
  var rtol: Double
  var atol: Double

  /// By how much an element is beyond the tolerance, infinite for a NaN or an infinity on one side alone; nil for one that is right.
  func excess(_ got: Double, _ expected: Double) -> Double? {
    if got == expected || (got.isNaN && expected.isNaN) { return nil }
    let error = abs(got - expected), allowed = atol + rtol * abs(expected)
    // An expected infinity would allow everything.
    guard error.isFinite, expected.isFinite else { return .infinity }
    return error <= allowed ? nil : error - allowed
  }
}

/// How far a value is from the expected one.
struct Comparison {
  private(set) var isRight = true
  /// One line for a person: type and worst error, or what is wrong.
  private(set) var text = ""
  /// The largest errors of numbers, and the number of elements that are not as expected; of a sequence or map those of all its parts.
  private(set) var worst: Double?
  private(set) var relative: Double?
  private(set) var wrong = 0

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
      wrong += part.wrong
      if let error = part.worst { worst = max(worst ?? 0, error) }
      if let error = part.relative { relative = max(relative ?? 0, error) }
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
      let differing = a.indices.filter { a[$0] != b[$0] }
      wrong = differing.count
      guard let first = differing.first else {
        text = "\(got.type), equal"
        return
      }
      return fail(
        "\(got.type)  \(wrong) of \(a.count) differ; at \(first) \(got.text(at: first)), expected \(expected.text(at: first))")
    }
    compare(try got.numbers(), try expected.numbers(), got.type, tolerance)
  }

  private mutating func compare(_ got: [Double], _ expected: [Double], _ type: TensorType, _ tolerance: Tolerance) {
    var worst = 0.0, relative = 0.0
    defer { (self.worst, self.relative) = (worst, relative) }
    // The largest error may well be within the tolerance of a large element, so that the worst is the one furthest beyond its own.
    var furthest = (index: 0, excess: -1.0)
    for index in got.indices {
      let a = got[index], b = expected[index]
      if let excess = tolerance.excess(a, b) {
        wrong += 1
        if excess > furthest.excess { furthest = (index, excess) }
      }
      guard a != b, !(a.isNaN && b.isNaN) else { continue }
      // A NaN or an infinity on one side alone is the worst that can be.
      let error = (a - b).isFinite ? abs(a - b) : .infinity
      worst = max(worst, error)
      if b != 0 { relative = max(relative, error / abs(b)) }
    }
    guard worst > 0 else {
      text = "\(type)  equal"
      return
    }
    text = "\(type)  worst error \(shortText(worst, digits: 3)), relative \(shortText(relative, digits: 3))"
    guard wrong > 0 else { return }
    isRight = false
    text += "; \(wrong) of \(got.count) beyond the tolerance, the worst at \(furthest.index): "
      + "\(shortText(got[furthest.index], digits: 9)), expected \(shortText(expected[furthest.index], digits: 9))"
  }
}
