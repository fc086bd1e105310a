import Glibc
import PinionBase
import PinionGraph

/// What the classical models of ai.onnx.ml do with a row of scores at the end.
enum PostTransform: String, CaseIterable {
  case none = "NONE"
  case softmax = "SOFTMAX"
  case logistic = "LOGISTIC"
  case softmaxZero = "SOFTMAX_ZERO"
  case probit = "PROBIT"

  /// Transforms `count` scores in place.
  func apply(_ scores: UnsafeMutablePointer<Double>, _ count: Int) {
    switch self {
    case .none: break
    case .logistic: for index in 0..<count { scores[index] = PostTransform.logistic(scores[index]) }
    case .probit: for index in 0..<count { scores[index] = PostTransform.probit(scores[index]) }
    case .softmax: softmax(scores, count, keepsZeros: false)
    case .softmaxZero: softmax(scores, count, keepsZeros: true)
    }
  }

  /// - Parameter keepsZeros: whether scores of (nearly) 0 stay out of the sum.
  private func softmax(_ scores: UnsafeMutablePointer<Double>, _ count: Int, keepsZeros: Bool) {
    var largest = -Double.infinity
    for index in 0..<count { largest = max(largest, scores[index]) }
    var sum = 0.0
    for index in 0..<count {
      if keepsZeros, abs(scores[index]) <= 1e-7 {
        scores[index] *= exp(-largest)
      } else {
        scores[index] = exp(scores[index] - largest)
        sum += scores[index]
      }
    }
    guard sum > 0 else { return }
    for index in 0..<count { scores[index] /= sum }
  }

  static func logistic(_ x: Double) -> Double {
    // Written so that exp never overflows.
    let e = exp(-abs(x))
    return x >= 0 ? 1 / (1 + e) : e / (1 + e)
  }

  /// The quantile function of the normal distribution, by Winitzki's approximation of the inverse error function that other
  /// implementations of ai.onnx.ml use too (relative error below 0.002).
  static func probit(_ p: Double) -> Double {
    let x = 2 * p - 1
    let a = 0.147
    let logarithm = log((1 - x) * (1 + x))
    let half = 2 / (Double.pi * a) + logarithm / 2
    return 2.0.squareRoot() * (x < 0 ? -1 : 1) * (-half + (half * half - logarithm / a).squareRoot()).squareRoot()
  }
}
