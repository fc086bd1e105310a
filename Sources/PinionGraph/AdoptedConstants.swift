import PinionBase
import PinionTensor

extension Graph {
  /// Makes every constant here and in subgraphs one that owns its forms.
  /// - Parameters:
  ///   - allocator: gives memory for the forms of those that did not before.
  ///   - isNew: nobody else has any of the constants.
  ///   - control: polled at each constant.
  /// - Throws: what the limits say.
  public mutating func adoptConstants(allocator: Allocator, isNew: Bool = false, control: RunControl = RunControl()) throws(PinionError) {
    var poll = Poll(control)
    try adoptConstants(allocator, isNew, &poll)
  }

  private mutating func adoptConstants(_ allocator: Allocator, _ isNew: Bool, _ poll: inout Poll) throws(PinionError) {
    var adopted: [(ValueID, Tensor)] = []
    for (value, tensor) in constants {
      try poll.count(128)
      if let constant = tensor.constant {
        if isNew { constant.use(allocator) }
      } else {
        adopted.append((value, Constant.adopt(tensor, allocator: allocator)))
      }
    }
    // Not in the loop over them, which would hold a copy of all.
    for (value, tensor) in adopted {
      try poll.count(32)
      constants[value] = tensor
    }
    for index in nodes.indices {
      try poll.count()
      for number in nodes[index].subgraphs.indices { try nodes[index].subgraphs[number].adoptConstants(allocator, isNew, &poll) }
    }
  }
}
