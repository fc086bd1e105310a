import Pinion
import PinionBase
import PinionTensor

extension GraphMaker {
  /// Runs at extents that grow by little, jump, shrink and come again, with values among small integers that decide branches.
  func sequence() -> [Feeds] {
    var result: [Feeds] = [feeds]
    var extents = ["N": 5, "M": 9]
    var seen: [[String: Int]] = [extents]
    // A second set of values for what may decide shapes and branches.
    var others: Feeds = [:]
    for (name, value) in feeds.sorted(by: { $0.key < $1.key }) {
      guard let tensor = value.tensor, tensor.element == .bool || tensor.element == .int64 || tensor.element == .int32, tensor.count <= 8,
        let other = try? random.tensor(tensor.element, tensor.shape.dims, .plain)
      else { continue }
      others[name] = .tensor(other)
    }
    func add(_ next: [String: Int]) {
      extents = next
      var base = feeds
      if random.chance(0.25) { base.merge(others) { $1 } }
      for name in overridable where random.chance(0.1) {
        guard let tensor = environment[name]?.value.tensor, let new = try? random.tensor(tensor.element, tensor.shape.dims, .plain) else { continue }
        base[name] = .tensor(new)
      }
      for symbol in ["N", "M"] { base = resized(symbol, next[symbol] ?? 1, from: base) ?? base }
      result.append(base)
      seen.append(next)
    }
    let symbols = random.pick([["N"], ["N"], ["M"], ["N", "M"]])
    while result.count < 14 {
      var next = extents
      let symbol = random.pick(symbols)
      switch random.below(5) {
      case 0, 1:
        // A cache that grows.
        for _ in 0..<random.int(2...5) {
          next[symbol, default: 0] += 1
          add(next)
        }
      case 2:
        next[symbol] = random.pick([0, 1, 1, 2, 3, 12, 17, 33])
        add(next)
      case 3:
        for _ in 0..<random.int(1...3) where next[symbol, default: 0] > 0 {
          next[symbol, default: 0] -= 1
          add(next)
        }
      default:
        for back in random.shuffled(seen).prefix(random.int(1...3)) { add(back) }
      }
    }
    return result
  }

  /// Runs on a state: what is not carried, with other values and sometimes other extents.
  func steps() -> [Feeds] {
    for pair in spec.carried { spec.initial[pair.input] = feeds[pair.input] }
    let free = feeds.filter { spec.initial[$0.key] == nil }
    let symbols = random.pick([[], ["N"], ["N"], ["N", "M"]])
    var result: [Feeds] = []
    for step in 0..<random.int(3...8) {
      var base = free
      for (name, value) in free.sorted(by: { $0.key < $1.key }) where step > 0 && random.chance(0.7) {
        guard let tensor = value.tensor, tensor.element != .string, let other = try? random.tensor(tensor.element, tensor.shape.dims, .plain) else { continue }
        base[name] = .tensor(other)
      }
      for symbol in symbols where random.chance(0.6) { base = resized(symbol, random.pick([1, 1, 1, 2, 5, 0, 7, 19]), from: base) ?? base }
      result.append(base)
    }
    return result
  }
}
