import PinionBase
import PinionTensor

/// How the extents of a program's inputs have changed from run to run, to know what the next runs will want.
struct Growth {
  /// What the last plan's extents had more than those of the run before it.
  private var step: [Int] = []
  private var count = 0
  private static let limit = 8

  /// Takes note of a plan that had to be made.
  /// - Parameter earlier: the types of the run before.
  /// - Returns: how many plans are worth making ahead: more each time that the last ones were wanted, none where the step is another one.
  mutating func next(_ types: Signature, after earlier: Signature, limit: Int) -> (step: [Int], count: Int) {
    let now = types.growth(since: earlier) ?? []
    count = now.isEmpty || now != step ? 0 : min(max(count &* 2, 2), Growth.limit, limit)
    step = now
    return (step, count)
  }
}

extension Program {
  /// Makes the plans for the runs to come where each run has had the same step more than the one before, as a decoder's have.
  ///
  /// A plan takes a few hundred microseconds when weights of some hundred megabytes have passed through the caches since the last one was made,
  /// and a third of that while all that it reads is still in them. Nothing depends on it: what cannot be planned is left to the run that
  /// wants it, and a run that has a limit of its own pays for nobody else.
  /// - Parameter segment: the plan for `inputs`.
  func planAhead(of inputs: [Value?], _ segment: Segment, _ growth: (step: [Int], count: Int), control: RunControl, profile: Profile?) {
    guard growth.count > 0, control.limits.deadline == nil, control.limits.bytes == nil, !segment.record.resolved.reachedMost,
      account.bytes <= account.limit
    else { return }
    var basis = segment
    for times in 1...growth.count {
      guard let next = grown(inputs, by: growth.step, times: times) else { return }
      if plans.withLock({ $0.holds(next) }) { continue }
      let knowledge = initialKnowledge(next.map { Program.knowledge(of: $0) })
      let planner = Planner(program: self, control: control, profile: profile)
      guard let ahead = try? planner.segment(nodes: allNodes, knowledge: knowledge, basis: basis, given: entryValues), account.bytes <= account.limit else {
        return
      }
      basis = plans.withLock { $0.insert(ahead, for: next, deciding: [], control) }
    }
  }

  /// Inputs, of which only the types are there, with so many times a step more.
  private func grown(_ inputs: [Value?], by step: [Int], times: Int) -> [Value?]? {
    var result: [Value?] = []
    var place = 0
    for input in inputs {
      guard case .tensor(let tensor) = input else {
        result.append(input)
        place += 1
        continue
      }
      place += 2
      let rank = tensor.shape.rank
      guard place + rank <= step.count else { return nil }
      var dims = tensor.shape.dims
      for axis in 0..<rank where step[place + axis] != 0 {
        guard let more = try? step[place + axis].multiplied(by: times), let extent = try? dims[axis].adding(more) else { return nil }
        dims[axis] = extent
      }
      place += rank
      guard let shape = try? Shape(dims), let value = try? Value.unseen(TensorType(tensor.element, shape)) else { return nil }
      result.append(value)
    }
    return result
  }
}

extension Signature {
  /// How much each number is above that of a signature of as many tensors of the same element types and ranks; nil where none is, one is below,
  /// or something else differs.
  fileprivate func growth(since earlier: Signature) -> [Int]? {
    guard numbers.count == earlier.numbers.count else { return nil }
    var step = [Int](repeating: 0, count: numbers.count)
    var hasGrown = false
    var place = 0
    while place < numbers.count {
      guard numbers[place] == earlier.numbers[place] else { return nil }
      // Negative for what is no tensor.
      guard numbers[place] >= 0 else {
        place += 1
        continue
      }
      place += 1
      guard place < numbers.count, numbers[place] == earlier.numbers[place] else { return nil }
      let rank = numbers[place]
      place += 1
      guard rank >= 0, rank <= numbers.count - place else { return nil }
      for axis in place..<place + rank {
        guard numbers[axis] >= earlier.numbers[axis] else { return nil }
        step[axis] = numbers[axis] - earlier.numbers[axis]
        if step[axis] > 0 { hasGrown = true }
      }
      place += rank
    }
    return hasGrown ? step : nil
  }
}
