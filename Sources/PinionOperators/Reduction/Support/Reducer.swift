import Glibc

/// A way to make one number of many: `State` is what is known about those seen so far.
protocol Reducer: SendableMetatype {
  associatedtype Element: BitwiseCopyable
  associatedtype State: BitwiseCopyable
  static var empty: State { get }
  static func add(_ x: Element, to state: inout State)
  static func merge(_ other: State, into state: inout State)
  static func result(_ state: State, count: Int) -> Element
}

/// The arithmetic that a sum of elements is formed in: wide for floats, wrapping for integers.
protocol Summable: BitwiseCopyable, Comparable {
  associatedtype Sum: BitwiseCopyable
  static var lowest: Self { get }
  static var highest: Self { get }
  static var zeroSum: Sum { get }
  static var oneProduct: Sum { get }
  var isUnordered: Bool { get }
  var sum: Sum { get }
  var magnitudeSum: Sum { get }
  var real: Double { get }
  init(real: Double)
  init(sum: Sum)
  init(sum: Sum, dividedBy count: Int)
  static func plus(_ a: Sum, _ b: Sum) -> Sum
  static func times(_ a: Sum, _ b: Sum) -> Sum
  static func real(_ sum: Sum) -> Double
}

extension Summable where Self: BinaryFloatingPoint {
  static var lowest: Self { -.infinity }
  static var highest: Self { .infinity }
  static var zeroSum: Double { 0 }
  static var oneProduct: Double { 1 }
  @inline(__always) var isUnordered: Bool { self != self }
  @inline(__always) var sum: Double { Double(self) }
  @inline(__always) var magnitudeSum: Double { Double(magnitude) }
  @inline(__always) var real: Double { Double(self) }
  @inline(__always) init(real: Double) { self = Self(real) }
  @inline(__always) init(sum: Double) { self = Self(sum) }
  @inline(__always) init(sum: Double, dividedBy count: Int) { self = Self(sum / Double(count)) }
  @inline(__always) static func plus(_ a: Double, _ b: Double) -> Double { a + b }
  @inline(__always) static func times(_ a: Double, _ b: Double) -> Double { a * b }
  @inline(__always) static func real(_ sum: Double) -> Double { sum }
}

extension Summable where Self: FixedWidthInteger {
  static var lowest: Self { .min }
  static var highest: Self { .max }
  static var zeroSum: Self { 0 }
  static var oneProduct: Self { 1 }
  @inline(__always) var isUnordered: Bool { false }
  @inline(__always) var sum: Self { self }
  @inline(__always) var magnitudeSum: Self { self < 0 ? 0 &- self : self }
  @inline(__always) var real: Double { Double(self) }
  init(real: Double) { self = Self(exactly: real.rounded(.towardZero)) ?? (real > 0 ? .max : .min) }
  @inline(__always) init(sum: Self) { self = sum }
  init(sum: Self, dividedBy count: Int) { self = count == 0 ? 0 : Self(truncatingIfNeeded: sum / Self(clamping: count)) }
  @inline(__always) static func plus(_ a: Self, _ b: Self) -> Self { a &+ b }
  @inline(__always) static func times(_ a: Self, _ b: Self) -> Self { a &* b }
  @inline(__always) static func real(_ sum: Self) -> Double { Double(sum) }
}

extension Float: Summable {}
extension Double: Summable {}
extension Int8: Summable {}
extension UInt8: Summable {}
extension Int32: Summable {}
extension UInt32: Summable {}
extension Int64: Summable {}
extension UInt64: Summable {}

/// A reducer whose state is a sum.
protocol SumReducer: Reducer where Element: Summable, State == Element.Sum {}
extension SumReducer {
  static var empty: State { Element.zeroSum }
  @inline(__always) static func merge(_ other: State, into state: inout State) { state = Element.plus(state, other) }
}

enum SumOf<Element: Summable>: SumReducer {
  @inline(__always) static func add(_ x: Element, to state: inout Element.Sum) { state = Element.plus(state, x.sum) }
  static func result(_ state: Element.Sum, count: Int) -> Element { Element(sum: state) }
}

enum MeanOf<Element: Summable>: SumReducer {
  @inline(__always) static func add(_ x: Element, to state: inout Element.Sum) { state = Element.plus(state, x.sum) }
  static func result(_ state: Element.Sum, count: Int) -> Element { Element(sum: state, dividedBy: count) }
}

enum L1Of<Element: Summable>: SumReducer {
  @inline(__always) static func add(_ x: Element, to state: inout Element.Sum) { state = Element.plus(state, x.magnitudeSum) }
  static func result(_ state: Element.Sum, count: Int) -> Element { Element(sum: state) }
}

enum SumSquareOf<Element: Summable>: SumReducer {
  @inline(__always) static func add(_ x: Element, to state: inout Element.Sum) {
    state = Element.plus(state, Element.times(x.sum, x.sum))
  }
  static func result(_ state: Element.Sum, count: Int) -> Element { Element(sum: state) }
}

enum L2Of<Element: Summable>: SumReducer {
  @inline(__always) static func add(_ x: Element, to state: inout Element.Sum) {
    state = Element.plus(state, Element.times(x.sum, x.sum))
  }
  static func result(_ state: Element.Sum, count: Int) -> Element { Element(real: Element.real(state).squareRoot()) }
}

enum LogSumOf<Element: Summable>: SumReducer {
  @inline(__always) static func add(_ x: Element, to state: inout Element.Sum) { state = Element.plus(state, x.sum) }
  static func result(_ state: Element.Sum, count: Int) -> Element { Element(real: log(Element.real(state))) }
}

enum ProductOf<Element: Summable>: Reducer {
  static var empty: Element.Sum { Element.oneProduct }
  @inline(__always) static func add(_ x: Element, to state: inout Element.Sum) { state = Element.times(state, x.sum) }
  static func merge(_ other: Element.Sum, into state: inout Element.Sum) { state = Element.times(state, other) }
  static func result(_ state: Element.Sum, count: Int) -> Element { Element(sum: state) }
}

/// The largest element; NaN where there is one.
enum MaximumOf<Element: Summable>: Reducer {
  static var empty: Element { Element.lowest }
  @inline(__always) static func add(_ x: Element, to state: inout Element) { if x > state || x.isUnordered { state = x } }
  static func merge(_ other: Element, into state: inout Element) { add(other, to: &state) }
  static func result(_ state: Element, count: Int) -> Element { state }
}

enum MinimumOf<Element: Summable>: Reducer {
  static var empty: Element { Element.highest }
  @inline(__always) static func add(_ x: Element, to state: inout Element) { if x < state || x.isUnordered { state = x } }
  static func merge(_ other: Element, into state: inout Element) { add(other, to: &state) }
  static func result(_ state: Element, count: Int) -> Element { state }
}

/// Bytes of a bool tensor: true if any, or if all, are.
enum AnyOf: Reducer {
  static var empty: UInt8 { 0 }
  @inline(__always) static func add(_ x: UInt8, to state: inout UInt8) { if x != 0 { state = 1 } }
  static func merge(_ other: UInt8, into state: inout UInt8) { add(other, to: &state) }
  static func result(_ state: UInt8, count: Int) -> UInt8 { state }
}

enum AllOf: Reducer {
  static var empty: UInt8 { 1 }
  @inline(__always) static func add(_ x: UInt8, to state: inout UInt8) { if x == 0 { state = 0 } }
  static func merge(_ other: UInt8, into state: inout UInt8) { add(other, to: &state) }
  static func result(_ state: UInt8, count: Int) -> UInt8 { state }
}

/// log(sum(exp(x))), with the largest element taken out of the sum so that it does not overflow.
enum LogSumExpOf<Element: Summable>: Reducer {
  struct State {
    var largest: Double
    /// The sum of exp(x - largest).
    var sum: Double
  }
  static var empty: State { State(largest: -.infinity, sum: 0) }

  static func add(_ x: Element, to state: inout State) { merge(State(largest: x.real, sum: 1), into: &state) }

  static func merge(_ other: State, into state: inout State) {
    if other.largest == state.largest {
      state.sum += other.sum
    } else if other.largest < state.largest {
      state.sum += other.sum * exp(other.largest - state.largest)
    } else {
      // Also where one of the two is NaN, which the sum keeps.
      state.sum = state.sum * exp(state.largest - other.largest) + other.sum
      state.largest = other.largest
    }
  }

  static func result(_ state: State, count: Int) -> Element { Element(real: state.largest + log(state.sum)) }
}
