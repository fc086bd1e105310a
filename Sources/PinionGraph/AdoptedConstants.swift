import PinionBase
import PinionTensor

extension Graph {
  /// Makes every constant here and in subgraphs one that owns its forms.
  /// - Parameters:
  ///   - allocator: gives memory for the forms of those that did not before.
  ///   - isNew: nobody else has any of the constants.
  public mutating func adoptConstants(allocator: Allocator, isNew: Bool = false) {
    for (value, tensor) in constants {
      if let constant = tensor.constant {
        if isNew { constant.use(allocator) }
      } else {
        constants[value] = Constant.adopt(tensor, allocator: allocator)
      }
    }
    for index in nodes.indices {
      for number in nodes[index].subgraphs.indices { nodes[index].subgraphs[number].adoptConstants(allocator: allocator, isNew: isNew) }
    }
  }
}
