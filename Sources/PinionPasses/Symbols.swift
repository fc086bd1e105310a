import PinionGraph
import PinionTensor

/// Numbers for extents that are not known but are the same wherever they occur: those that a model names, and those that follow from
/// them in the same way. They lie far below zero, where no extent, axis or index lies.
final class Symbols {
  private enum Key: Hashable {
    case name(String)
    /// An extent under a sliding window: the extent, then the window's numbers.
    case window([Int])
  }

  private static let first = Int.min + (1 << 32)
  private static let last = first + (1 << 32)
  private var numbers: [Key: Int] = [:]

  static func isSymbol(_ extent: Int) -> Bool { extent >= first && extent < last }
  static func isSymbol(_ value: Int64) -> Bool { isSymbol(Int(value)) }

  private func number(_ key: Key) -> Int {
    let next = Symbols.first &+ numbers.count
    return numbers[key] ?? {
      numbers[key] = next
      return next
    }()
  }

  /// The extent that a declaration gives; nil where it says nothing.
  func extent(_ dimension: Dimension) -> Int? {
    switch dimension {
    case .known(let extent): extent >= 0 ? extent : nil
    case .symbol(let name): name.isEmpty ? nil : number(.name(name))
    case .unknown: nil
    }
  }

  /// How many places a window takes over `extent` elements.
  /// - Parameters:
  ///   - reach: the elements from a window's first to its last one, both counted.
  ///   - padding: elements added on both sides together.
  func windows(over extent: Int?, reach: Int, stride: Int, padding: Int) -> Int? {
    guard let extent, reach > 0, stride > 0, padding >= 0, max(reach, stride, padding) < 1 << 32 else { return nil }
    if stride == 1, padding == reach - 1 { return extent }
    guard Symbols.isSymbol(extent) else {
      let room = extent &+ padding &- reach
      return room < 0 ? nil : room / stride &+ 1
    }
    return number(.window([extent, reach, stride, padding]))
  }
}
