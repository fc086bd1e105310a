import PinionBase
import PinionGraph
import PinionTensor

/// The table of a run that says how far each sequence of a value reaches: see `SequenceTable`.
final class SequenceLengths {
  let tensor: Tensor
  /// The rows in use before the run.
  let used: [Int]
  /// The value's type before the run, once a node has asked for room.
  var typeBefore: TensorType?

  init(_ used: [Int], capacity: Int, _ allocator: Allocator, _ control: RunControl) throws(PinionError) {
    self.used = used
    tensor = try control.tensor(TensorType(.int64, try Shape([try SequenceTable.count(batch: used.count)])), allocator: allocator)
    numbers[0] = capacity
    for (entry, rows) in used.enumerated() {
      numbers[SequenceTable.used(entry)] = rows
      numbers[SequenceTable.start(entry)] = -1
      numbers[SequenceTable.end(entry)] = -1
    }
  }

  private var numbers: UnsafeMutablePointer<Int> { tensor.data.assumingMemoryBound(to: Int.self) }

  var capacity: Int {
    get { numbers[0] }
    set { numbers[0] = newValue }
  }

  /// The rows that the run has written of a sequence, or was about to write.
  func written(_ entry: Int) -> Range<Int>? {
    let start = numbers[SequenceTable.start(entry)], end = numbers[SequenceTable.end(entry)]
    return start >= 0 && end >= start ? start..<end : nil
  }
}
