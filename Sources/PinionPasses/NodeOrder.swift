import PinionGraph

extension [Node] {
  /// Keeps the nodes at these places, in this order. They are moved, not copied: a copy counts references of six members.
  mutating func bring(_ order: [Int]) {
    var places = [Int](indices), holders = places
    withUnsafeMutableBufferPointer { nodes in
      for (place, node) in order.enumerated() {
        let from = places[node], other = holders[place]
        nodes.swapAt(place, from)
        (holders[from], places[other]) = (other, from)
        (holders[place], places[node]) = (node, place)
      }
    }
    removeLast(count - order.count)
  }
}
