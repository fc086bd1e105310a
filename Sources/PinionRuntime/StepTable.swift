import PinionBackend

/// One stage of one node, ready to run.
struct Step: Sendable {
  let stage: Kernel.Stage
  let node: Int
  /// Index of the node's first operand in the workspace's table.
  let operands: Int
  let inputCount: Int
  let scratchOffset: Int
  let laneScratchOffset: Int
  let laneScratchBytes: Int
}

/// Steps at fixed addresses: walking them copies none and so counts no references. Not written to once it is made.
///
/// Tables share steps: one that is made from another has memory of its own only for those that are not the first table's.
final class StepTable: @unchecked Sendable {
  typealias Change = (index: Int, step: Step)

  /// Where each step lies.
  let steps: UnsafeMutablePointer<UnsafePointer<Step>>
  let count: Int
  private let base: StepBlock
  private let own: StepBlock?
  /// How many stages have work for several threads.
  private let parallelCount: Int

  /// The steps of another table but for some.
  /// - Parameter changes: in order, none twice.
  convenience init(_ other: StepTable, replacing changes: [Change]) {
    guard changes.count > other.count / 2 else {
      self.init(other, replacingFew: changes)
      return
    }
    // Little would be left of the first table.
    var steps: [Step] = []
    steps.reserveCapacity(other.count)
    var next = 0
    for change in changes {
      while next < change.index {
        steps.append(other[next])
        next += 1
      }
      steps.append(change.step)
      next += 1
    }
    for index in next..<max(other.count, next) { steps.append(other[index]) }
    self.init(steps)
  }

  init(_ steps: [Step]) {
    let block = StepBlock(steps, at: [])
    count = steps.count
    self.steps = .allocate(capacity: max(count, 1))
    for index in steps.indices { (self.steps + index).initialize(to: UnsafePointer(block.first + index)) }
    base = block
    own = nil
    parallelCount = steps.count { $0.stage.tasks > 1 }
  }

  private init(_ other: StepTable, replacingFew changes: [Change]) {
    count = other.count
    steps = .allocate(capacity: max(count, 1))
    var parallelCount = other.parallelCount
    var own: [Step] = [], indices: [Int] = []
    let before = other.own?.indices ?? []
    own.reserveCapacity(before.count + changes.count)
    indices.reserveCapacity(before.count + changes.count)
    var next = 0
    for change in changes {
      while next < before.count, before[next] < change.index {
        indices.append(before[next])
        own.append(other[before[next]])
        next += 1
      }
      if next < before.count, before[next] == change.index { next += 1 }
      indices.append(change.index)
      own.append(change.step)
      parallelCount += (change.step.stage.tasks > 1 ? 1 : 0) - (other[change.index].stage.tasks > 1 ? 1 : 0)
    }
    for index in before[next...] {
      indices.append(index)
      own.append(other[index])
    }
    self.parallelCount = parallelCount
    let steps = steps
    steps.initialize(from: other.steps, count: count)
    let block = StepBlock(own, at: indices)
    for (place, index) in indices.enumerated() { steps[index] = UnsafePointer(block.first + place) }
    guard own.count > count / 2 else {
      base = other.base
      self.own = block
      return
    }
    // Little is left of the first table.
    defer { withExtendedLifetime(block) {} }
    let whole = StepBlock((0..<other.count).map { steps[$0].pointee }, at: [])
    for index in 0..<other.count { steps[index] = UnsafePointer(whole.first + index) }
    base = whole
    self.own = nil
  }

  deinit { steps.deallocate() }

  subscript(index: Int) -> Step { steps[index].pointee }

  var isParallel: Bool { parallelCount > 0 }
}

/// Memory of steps.
private final class StepBlock {
  let first: UnsafeMutablePointer<Step>
  private let count: Int
  /// For each step its index in the table, where it stands in the place of another.
  let indices: [Int]

  init(_ steps: [Step], at indices: [Int]) {
    count = steps.count
    self.indices = indices
    first = .allocate(capacity: max(count, 1))
    first.initialize(from: steps, count: count)
  }

  deinit {
    first.deinitialize(count: count)
    first.deallocate()
  }
}
