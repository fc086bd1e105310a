import PinionBase
import PinionGraph
import PinionTensor

/// Sizes computed from sizes: at once where they are known, by nodes where a run decides them.
extension Lowering {
  func plus(_ extent: Extent, _ number: Int64) throws(PinionError) -> Extent {
    switch extent {
    case .known(let value): .known(try value.adding(number))
    case .value: number == 0 ? extent : .value(try add(try extentTerm(extent), try scalar(number, .int64)).id)
    }
  }

  func plus(_ a: Extent, _ b: Extent) throws(PinionError) -> Extent {
    if let known = a.known { return try plus(b, known) }
    if let known = b.known { return try plus(a, known) }
    return .value(try add(try extentTerm(a), try extentTerm(b)).id)
  }

  func times(_ extent: Extent, _ number: Int64) throws(PinionError) -> Extent {
    switch extent {
    case .known(let value): .known(try value.multiplied(by: number))
    case .value: number == 1 ? extent : .value(try mul(try extentTerm(extent), try scalar(number, .int64)).id)
    }
  }

  /// The quotient of sizes that are not negative, rounded down.
  func over(_ extent: Extent, _ divisor: Int64) throws(PinionError) -> Extent {
    switch extent {
    case .known(let value): .known(value / divisor)
    case .value: .value(try div(try extentTerm(extent), try scalar(divisor, .int64)).id)
    }
  }

  /// How much the first size is larger than the second, 0 where it is smaller.
  func excess(_ a: Extent, _ b: Extent) throws(PinionError) -> Extent {
    if case .known(let x) = a, case .known(let y) = b { return .known(max(try x.subtracting(y), 0)) }
    let gap = try sub(try extentTerm(a), try extentTerm(b))
    return .value(try binary("Max", gap, try scalar(Int64(0), .int64)).id)
  }
}
