import PinionBase
import PinionGraph
import PinionTensor

/// Memory of a graph's held inputs, which outlasts runs. One run has it at a time.
package protocol HeldMemory: AnyObject {
  /// A held input where it lies.
  func current(_ index: Int) throws(PinionError) -> Tensor
  /// Makes room for rows that the run is about to append to a held input; asked before the steps that do it.
  /// - Parameters:
  ///   - index: the place in `Graph.held`.
  ///   - type: what the input is in this run.
  ///   - rows: how many rows the input gets more.
  ///   - written: how many rows are written, some of which may be the input's own where it has a table of sequences.
  /// - Returns: the input where it lies now, its capacity being up to date.
  func reserve(_ index: Int, _ type: TensorType, rows: Int, written: Int, control: RunControl) throws(PinionError) -> Tensor
}

extension Graph {
  /// The nodes that append to inputs, with the slot and the input's place in `held`.
  func appending() -> [(node: Int, slot: Int, held: Int)] {
    guard !held.isEmpty else { return [] }
    let places = Dictionary(held.enumerated().map { ($1.capacity, $0) }, uniquingKeysWith: { first, _ in first })
    var result: [(node: Int, slot: Int, held: Int)] = []
    for (index, node) in nodes.enumerated() {
      guard let op = node.op.stateAppending else { continue }
      for append in op.appends where append.capacity < node.inputs.count {
        if let capacity = node.inputs[append.capacity], let place = places[capacity] { result.append((index, append.past, place)) }
      }
    }
    return result
  }
}
