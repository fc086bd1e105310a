import PinionBackend
import PinionBase
import PinionTensor

/// A body whose values keep their types from iteration to iteration, run from and into memory of the loop's own: an iteration reads what
/// the last one wrote, and writes to other memory.
///
/// The body's inputs are those that the loop makes, the carried values, then slices; its outputs are those that the loop alone reads, the
/// carried values, then rows.
final class SteadyBody {
  private let body: any PreparedSubgraph
  private let context: EagerContext
  private var reads: [UnsafeMutableRawPointer]
  private var writes: [UnsafeMutableRawPointer]
  private let firstCarried: Int
  private let carriedCount: Int
  /// The outputs of the last iteration, without rows.
  private(set) var results: [Tensor]
  /// Memory for those of the next one; empty until there is some.
  private var next: [Tensor] = []
  /// Whether `results` is memory that may be written again.
  private var isOwn = false
  /// What `reads` points to, without carried values behind the first iteration.
  private var inputs: [Tensor]

  /// - Parameters:
  ///   - inputs: all that the next iteration reads, which stays as it is but for carried values and for what is moved.
  ///   - carried: where the carried values are in `inputs`.
  ///   - results: the outputs of the last iteration without rows, of the same types as those to come.
  ///   - rows: memory for the rows of the next iteration.
  /// - Returns: nil where the body is to be run otherwise.
  init?(
    _ subgraph: Int, inputs: [Tensor], carried: Range<Int>, results: [Tensor], rows: [Tensor], _ context: EagerContext
  ) throws(PinionError) {
    let types = results.map(\.type) + rows.map(\.type)
    guard let body = try context.subgraphs?.prepared(subgraph: subgraph, inputs: inputs, outputs: types) else { return nil }
    (self.body, self.context, self.results, self.inputs) = (body, context, results, inputs)
    (firstCarried, carriedCount) = (carried.lowerBound, carried.count)
    reads = inputs.map(\.data)
    writes = (results + rows).map(\.data)
  }

  /// The carried values as the last iteration left them.
  var carried: ArraySlice<Tensor> { results.suffix(carriedCount) }

  /// Has the next iteration read an input elsewhere.
  func move(input index: Int, to elements: UnsafeMutableRawPointer) { reads[index] = elements }

  /// Has the next iteration write a row elsewhere.
  func move(row index: Int, to elements: UnsafeMutableRawPointer) { writes[results.count &+ index] = elements }

  /// Runs an iteration.
  /// - Returns: false, with the results of the last iteration untouched, where the body is to be run otherwise from now on.
  func run() throws(PinionError) -> Bool {
    if next.isEmpty { for result in results { next.append(try context.allocate(result.type)) } }
    for index in next.indices { writes[index] = next[index].data }
    guard try body.run(inputs: reads, outputs: writes) else { return false }
    let own = results.count &- carriedCount
    for index in 0..<carriedCount { reads[firstCarried &+ index] = writes[own &+ index] }
    swap(&results, &next)
    if !isOwn {
      // What there was at first is not the loop's to write to.
      isOwn = true
      next = []
      inputs.removeSubrange(firstCarried..<firstCarried &+ carriedCount)
    }
    return true
  }
}

extension Value {
  /// A tensor whose elements a kernel may write in place of the run's own; nil for text and what is no tensor.
  var plainTensor: Tensor? {
    guard case .tensor(let tensor) = self, tensor.element != .string else { return nil }
    return tensor
  }
}

extension [Value] {
  /// All of them as tensors whose elements a kernel may write; nil where one is no such tensor.
  var plainTensors: [Tensor]? {
    var tensors: [Tensor] = []
    for value in self {
      guard let tensor = value.plainTensor else { return nil }
      tensors.append(tensor)
    }
    return tensors
  }
}
