import PinionGraph
import PinionTensor

/// An input of a model and the output that is this input in the next run.
public struct StatePair: Sendable, Hashable {
  public let input: String
  public let output: String

  public init(input: String, output: String) {
    self.input = input
    self.output = output
  }

  /// The positions among the session's inputs and outputs.
  struct Place: Hashable {
    let input: Int
    let output: Int
  }
}

extension Model {
  /// Inputs and outputs that carry a value from run to run, as far as their names and types tell: caches (`past_key_values.0.key` with
  /// `present.0.key`) and the states of recurrent networks (`h` with `hn`, `state` with `stateN`, `c_in` with `c_out`).
  public var recognisedPairs: [StatePair] {
    let outputs = self.outputs
    var taken: Set<String> = []
    var pairs: [StatePair] = []
    for input in inputs + overridableInputs {
      let names = StateNames.outputs(for: input.name)
      let found = names.lazy.compactMap { name in outputs.first { $0.name.lowercased() == name && !taken.contains($0.name) } }
        .first { input.type.canCarry($0.type) }
      guard let found else { continue }
      taken.insert(found.name)
      pairs.append(StatePair(input: input.name, output: found.name))
    }
    return pairs
  }
}

/// What exporters call the outputs that are inputs of the next run.
enum StateNames {
  private static let pasts = ["past_key_values", "past_key_value", "past_kv", "past"]
  private static let presents = ["present", "present_key_values", "present_key_value", "present_kv", "new_past", "new_past_key_values"]

  /// Whether an input is called as those are to which each run adds.
  static func meanCache(_ input: String) -> Bool { input.lowercased().contains("past") || input.lowercased().contains("cache") }

  /// Names of outputs, in lower case, best first.
  static func outputs(for input: String) -> [String] {
    let name = input.lowercased()
    var result: [String] = []
    if let past = pasts.first(where: name.hasPrefix) {
      let rest = name.dropFirst(past.count)
      // Some exporters say of a decoder's own cache that it is, and only in the input's name.
      for rest in [String(rest), rest.replacingFirst(".self", with: ""), rest.replacingFirst(".decoder", with: "")] {
        for present in presents where !result.contains(present + rest) { result.append(present + rest) }
      }
      return result
    }
    for (end, next) in [("_in", "_out"), (".in", ".out"), ("in", "out"), ("_prev", "_next"), ("_old", "_new"), ("0", "n")]
    where name.hasSuffix(end) && name.count > end.count {
      result.append(name.dropLast(end.count) + next)
    }
    for (start, next) in [("prev_", "next_"), ("prev_", "new_"), ("old_", "new_"), ("in_", "out_"), ("input_", "output_"), ("initial_", "final_")]
    where name.hasPrefix(start) && name.count > start.count {
      result.append(next + name.dropFirst(start.count))
    }
    return result + ["n", "_n", ".n", "_out", ".out", "out", "_new", "_next"].map { name + $0 }
      + ["new_", "next_", "out_", "output_"].map { $0 + name }
  }
}

extension Substring {
  fileprivate func replacingFirst(_ part: String, with other: String) -> String {
    for start in indices where self[start...].hasPrefix(part) {
      return self[..<start] + other + self[index(start, offsetBy: part.count)...]
    }
    return String(self)
  }
}

extension ValueType? {
  /// Whether a tensor of the other type can be this input in some run: of the same elements and as many axes, as far as both tell.
  func mayBecome(_ next: ValueType?) -> Bool {
    guard case .tensor(let element, let dims)? = self, let next else { return true }
    guard case .tensor(let nextElement, let nextDims) = next, nextElement == element else { return false }
    guard let dims, let nextDims else { return true }
    return dims.count == nextDims.count
  }

  /// Whether a tensor of this type may be followed by one of the other, as far as both tell.
  fileprivate func canCarry(_ next: ValueType?) -> Bool {
    guard case .tensor(let element, let dims)? = self, element != .string else { return false }
    guard let next else { return true }
    guard case .tensor(let nextElement, let nextDims) = next, nextElement == element else { return false }
    guard let dims, let nextDims else { return true }
    guard dims.count == nextDims.count else { return false }
    return zip(dims, nextDims).allSatisfy { if case (.known(let a), .known(let b)) = ($0, $1) { a == b } else { true } }
  }
}
