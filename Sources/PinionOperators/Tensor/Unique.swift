import Glibc
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The different elements, or slices along an axis, in order or as they come, with where each first occurs, which of them
/// each element of the input is, and how often it occurs.
package struct Unique: EagerExecutable {
  package static let schema = Schema(
    "Unique", since: 28, inputs: ["X: T"], outputs: ["Y: T", "indices?: int64", "inverse_indices?: int64", "counts?: int64"],
    types: ["T": [.numbers, .complex, .bool, .string]])
  let axis: Int64?
  let isSorted: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.optionalInt("axis")
    isSorted = try attributes.bool("sorted", default: true)
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let data = context[0]
    let items = axis.map { data.position($0).flatMap { data.extent($0) } } ?? data.count(context.symbols)
    return [
      Fact(data.element, axis.map { data.dims(with: nil, at: data.position($0)) } ?? [nil]), Fact(.int64, [nil]), Fact(.int64, [items]),
      Fact(.int64, [nil]),
    ]
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    guard let tensor = try inputs.first??.asTensor() else { throw .invalidModel("input 'X' is missing") }
    let items: Items
    if let axis {
      let position = try tensor.shape.normalized(axis: axis)
      _ = try tensor.shape.slices(along: position)
      items = Items(tensor.shape, axis: position)
    } else {
      items = Items(.vector(tensor.count), axis: 0)
    }
    var poll = Poll(context.control)
    let groups = try Groups.of(tensor, items, context, &poll)
    // Groups are in the order of their elements; as they come means in that of their first items.
    let order: RunTable<Int> = try context.table(repeating: 0, count: groups.count)
    for index in 0..<groups.count { order[index] = index }
    if !isSorted {
      let room: RunTable<Int> = try context.table(repeating: 0, count: groups.count)
      try mergeSort(order.elements, room.elements, &poll) { (a, b, _) throws(PinionError) in groups.first[a] < groups.first[b] }
    }
    let rank: RunTable<Int64> = try context.table(repeating: 0, count: groups.count)
    for place in 0..<groups.count {
      try poll.count()
      rank[order[place]] = Int64(place)
    }

    var dims = items.shape.dims
    dims[items.axis] = groups.count
    let output = try context.allocate(tensor.element, dims)
    let run = items.inner &* tensor.element.byteWidth
    var target = output.data
    for outer in 0..<items.outer {
      for place in 0..<groups.count {
        try copyLongRun(target, tensor.data + (outer &* items.count &+ groups.first[order[place]]) &* run, run, &poll)
        target += run
      }
    }
    func integers(_ count: Int, _ number: (Int) -> Int64) throws(PinionError) -> Value {
      let tensor = try context.allocate(.int64, [count])
      let elements = try tensor.mutableElements(as: Int64.self)
      for index in 0..<count {
        try poll.count()
        elements[index] = number(index)
      }
      return .tensor(tensor)
    }
    return [
      .tensor(output.keepingAlive([tensor.owner])),
      try integers(groups.count) { Int64(groups.first[order[$0]]) },
      try integers(items.count) { rank[groups.group[$0]] },
      try integers(groups.count) { Int64(groups.size[order[$0]]) },
    ]
  }

  /// Slices along an axis.
  private struct Items {
    let shape: Shape
    let axis: Int
    let outer: Int
    let inner: Int
    var count: Int { shape[axis] }

    init(_ shape: Shape, axis: Int) {
      self.shape = shape
      self.axis = axis
      outer = shape.count == 0 ? 0 : shape.count(0..<axis)
      inner = shape.count(axis &+ 1..<shape.rank)
    }
  }

  /// Items that are alike, in the order of their elements.
  private struct Groups: ~Copyable {
    /// For each group its first item and its size.
    var first: RunTable<Int>
    var size: RunTable<Int>
    /// For each item its group.
    let group: RunTable<Int>
    var count: Int { first.count }

    private init(_ first: consuming RunTable<Int>, _ size: consuming RunTable<Int>, _ group: consuming RunTable<Int>) {
      self.first = first
      self.size = size
      self.group = group
    }

    static func of(_ tensor: Tensor, _ items: Items, _ context: EagerContext, _ poll: inout Poll) throws(PinionError) -> Groups {
      var groups = Groups(try context.table(), try context.table(), try context.table(repeating: 0, count: items.count))
      if tensor.element == .string {
        let strings = try tensor.unsafeElements(as: StringElement.self)
        try groups.gather(items, context, &poll) { (a, b, poll) throws(PinionError) in
          let x = strings[a], y = strings[b]
          let common = min(x.count, y.count)
          try poll.count(common / 8)
          guard common > 0, let left = x.start, let right = y.start else { return x.count &- y.count }
          let order = Int(memcmp(left, right, common))
          return order == 0 ? x.count &- y.count : order
        }
      } else {
        let keys = try sortKeys(tensor, context)
        if items.outer == 1, items.inner == 1 {
          try groups.gather(keys, context)
        } else {
          let base = keys.base
          try groups.gather(items, context, &poll) { (a, b, _) throws(PinionError) in base[a] < base[b] ? -1 : base[a] > base[b] ? 1 : 0 }
          withExtendedLifetime(keys.owner) {}
        }
      }
      return groups
    }

    private mutating func add(_ item: Int, isLikeLast: Bool) throws(PinionError) {
      if isLikeLast {
        size[size.count &- 1] &+= 1
      } else {
        try first.append(item)
        try size.append(1)
      }
      group[item] = first.count &- 1
    }

    /// - Parameter keys: of items that are one element each.
    private mutating func gather(_ keys: borrowing RunTable<Int64>, _ context: EagerContext) throws(PinionError) {
      let entries: RunTable<Candidate> = try context.table(capacity: keys.count)
      let room: RunTable<Candidate> = try context.table(capacity: keys.count)
      let tables: RunTable<Int> = try context.table(capacity: radixTableCount)
      try inPieces(of: Poll.interval, keys.count, context.control) { range in
        for index in range { entries.base[index] = Candidate(key: keys[index], index: index) }
      }
      let sorted = try radixSort(entries.base, room.base, tables.base, count: keys.count, context.control)
      var poll = Poll(context.control)
      for place in 0..<keys.count {
        try poll.count()
        try add(sorted[place].index, isLikeLast: place > 0 && sorted[place].key == sorted[place &- 1].key)
      }
    }

    /// - Parameter compare: below zero where the element at the first position comes before that at the second, zero for like ones.
    private mutating func gather(
      _ items: Items, _ context: EagerContext, _ poll: inout Poll, _ compare: (Int, Int, inout Poll) throws(PinionError) -> Int
    ) throws(PinionError) {
      func compareItems(_ a: Int, _ b: Int, _ poll: inout Poll) throws(PinionError) -> Int {
        for outer in 0..<items.outer {
          for inner in 0..<items.inner {
            let x = (outer &* items.count &+ a) &* items.inner &+ inner
            let y = (outer &* items.count &+ b) &* items.inner &+ inner
            try poll.count()
            let result = try compare(x, y, &poll)
            if result != 0 { return result }
          }
        }
        return 0
      }
      let order: RunTable<Int> = try context.table(repeating: 0, count: items.count)
      let room: RunTable<Int> = try context.table(repeating: 0, count: items.count)
      for index in 0..<items.count { order[index] = index }
      try mergeSort(order.elements, room.elements, &poll) { (a, b, poll) throws(PinionError) in try compareItems(a, b, &poll) < 0 }
      for place in 0..<items.count {
        let item = order[place]
        let isLikeLast = place == 0 ? false : try compareItems(order[place &- 1], item, &poll) == 0
        try add(item, isLikeLast: isLikeLast)
      }
    }
  }
}

/// com.microsoft's Unique: the different elements of a vector as they come, and for each element of the vector which of them it is.
package struct MicrosoftUnique: EagerExecutable {
  package static let schema = Schema(
    "Unique", domain: "com.microsoft", since: 1, inputs: ["x: T"], outputs: ["y: T", "idx: int64", "counts: int64"],
    types: ["T": [.numbers, .string]])
  private let unique: Unique

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    var inner = AttributeReader(["sorted": .int(0)])
    unique = try Unique(&inner)
  }

  package func facts(_ context: FactContext) -> [Fact] {
    [Fact(context[0].element, [nil]), Fact(.int64, [context[0].extent(0)]), Fact(.int64, [nil])]
  }

  package func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    if let tensor = try inputs.first??.asTensor(), tensor.shape.rank != 1 {
      throw .invalidShape("input 'x' is \(tensor.type), expected a vector")
    }
    let found = try unique.execute(inputs, context)
    return [found[0], found[2], found[3]]
  }
}
