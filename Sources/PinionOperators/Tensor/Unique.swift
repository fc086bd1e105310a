import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// The different elements, or slices along an axis, in order or as they come, with where each first occurs, which of them
/// each element of the input is, and how often it occurs.
public struct Unique: EagerExecutable {
  public static let schema = Schema(
    "Unique", since: 28, inputs: ["X: T"], outputs: ["Y: T", "indices?: int64", "inverse_indices?: int64", "counts?: int64"],
    types: ["T": [.numbers, .complex, .bool, .string]])
  let axis: Int64?
  let isSorted: Bool

  public init(_ attributes: inout AttributeReader) throws(PinionError) {
    axis = try attributes.optionalInt("axis")
    isSorted = try attributes.bool("sorted", default: true)
  }

  public func facts(_ context: FactContext) -> [Fact] {
    let data = context[0]
    let items = axis.map { data.position($0).flatMap { data.extent($0) } } ?? data.count(context.symbols)
    return [
      Fact(data.element, axis.map { data.dims(with: nil, at: data.position($0)) } ?? [nil]), Fact(.int64, [nil]), Fact(.int64, [items]),
      Fact(.int64, [nil]),
    ]
  }

  public func execute(_ inputs: [Value?], _ context: EagerContext) throws(PinionError) -> [Value] {
    guard let tensor = try inputs.first??.asTensor() else { throw .invalidModel("input 'X' is missing") }
    let items: Items
    if let axis {
      let position = try tensor.shape.normalized(axis: axis)
      _ = try tensor.shape.slices(along: position)
      items = Items(tensor.shape, axis: position)
    } else {
      items = Items(.vector(tensor.count), axis: 0)
    }
    // Order, groups and their ranks are tables of the items.
    let tables = try items.count.multiplied(by: 8 &* MemoryLayout<Int>.stride)
    try context.control.takeBytes(tables)
    defer { context.control.giveBytes(tables) }
    let groups: Groups
    if tensor.element == .string {
      let strings = try tensor.elements(as: StringElement.self)
      groups = Groups(items) { strings[$0].bytes.lexicographicallyPrecedes(strings[$1].bytes) }
    } else {
      let keys = try sortKeys(tensor)
      groups =
        items.outer == 1 && items.inner == 1 ? try Groups(keys, context.control) : Groups(items) { keys[$0] < keys[$1] }
    }
    let order = isSorted ? Array(groups.first.indices) : groups.first.indices.sorted { groups.first[$0] < groups.first[$1] }
    var rank = [Int64](repeating: 0, count: order.count)
    for (place, group) in order.enumerated() { rank[group] = Int64(place) }

    var dims = items.shape.dims
    dims[items.axis] = order.count
    let output = try context.allocate(tensor.element, dims)
    let run = items.inner &* tensor.element.byteWidth
    var target = output.data
    for outer in 0..<items.outer {
      for group in order {
        copyRun(target, tensor.data + (outer &* items.count &+ groups.first[group]) &* run, run)
        target += run
      }
    }
    return [
      .tensor(output.keepingAlive([tensor.owner])),
      .tensor(try Tensor(vector: order.map { Int64(groups.first[$0]) })),
      .tensor(try Tensor(vector: groups.group.map { rank[$0] })),
      .tensor(try Tensor(vector: order.map { Int64(groups.size[$0]) })),
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
  private struct Groups {
    /// For each group its first item and its size.
    var first: [Int] = []
    var size: [Int] = []
    /// For each item its group.
    var group: [Int]

    /// - Parameter keys: of items that are one element each.
    init(_ keys: [Int64], _ control: RunControl) throws(PinionError) {
      group = [Int](repeating: 0, count: keys.count)
      let width = MemoryLayout<Candidate>.stride
      let memory = try Allocator.system.buffer(
        bytes: keys.count.multiplied(by: 2 &* width).adding(radixTableCount &* MemoryLayout<Int>.stride))
      let entries = memory.pointer.bindMemory(to: Candidate.self, capacity: 2 &* keys.count)
      for (index, key) in keys.enumerated() { entries[index] = Candidate(key: key, index: index) }
      let tables = UnsafeMutableRawPointer(entries + 2 &* keys.count).bindMemory(to: Int.self, capacity: radixTableCount)
      let sorted = try radixSort(entries, entries + keys.count, tables, count: keys.count, control)
      for place in keys.indices {
        let item = sorted[place].index
        if place > 0, sorted[place].key == sorted[place &- 1].key {
          size[size.count &- 1] &+= 1
        } else {
          first.append(item)
          size.append(1)
        }
        group[item] = first.count &- 1
      }
      withExtendedLifetime(memory) {}
    }

    init(_ items: Items, precedes: (Int, Int) -> Bool) {
      /// Below zero where item a comes before item b, zero where they are alike.
      func compare(_ a: Int, _ b: Int) -> Int {
        for outer in 0..<items.outer {
          for inner in 0..<items.inner {
            let x = (outer &* items.count &+ a) &* items.inner &+ inner
            let y = (outer &* items.count &+ b) &* items.inner &+ inner
            if precedes(x, y) { return -1 }
            if precedes(y, x) { return 1 }
          }
        }
        return 0
      }
      let order = (0..<items.count).sorted { a, b in
        let result = compare(a, b)
        return result < 0 || (result == 0 && a < b)
      }
      group = [Int](repeating: 0, count: items.count)
      for item in order {
        if let last = first.last, compare(last, item) == 0 {
          size[size.count - 1] += 1
        } else {
          first.append(item)
          size.append(1)
        }
        group[item] = first.count - 1
      }
    }
  }
}
