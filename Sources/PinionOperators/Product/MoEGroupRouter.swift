import Glibc
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// com.microsoft's router of DeepSeek: of the groups of experts those with the best sums, of these groups the best experts, each by sigmoid
/// and bias. It gives the logarithm of what was chosen and a low number for all others, or sigmoids with and without bias as they are.
package struct MoEGroupRouter: CPUExecutable {
  package static let schema = Schema(
    "MoEGroupRouter", domain: "com.microsoft", since: 1, inputs: ["logits: T", "expert_bias: float32"],
    outputs: ["router_probs?: T", "selection_scores?: float32", "router_weights?: float32"], types: ["T": [.float32, .float16, .bfloat16]])
  package static var computesHalfInFloat32: Bool { true }
  let top: Int
  let groups: Int
  let topGroups: Int
  let perGroup: Int
  let sentinel: Float

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    top = try attributes.int("top_k", in: 1...(1 << 20))
    groups = try attributes.int("n_group", default: 1, in: 1...(1 << 20))
    topGroups = try attributes.int("topk_group", default: 1, in: 1...(1 << 20))
    perGroup = try attributes.int("group_topk", default: 2, in: 1...(1 << 20))
    sentinel = try attributes.float("router_sentinel", default: -10_000)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let logits = try context.type(0, rankAtLeast: 1)
    let experts = logits.dims[logits.rank - 1]
    try context.check(1, dims: [experts])
    guard experts > 0, experts % groups == 0, topGroups <= groups, top <= topGroups &* (experts / groups) else {
      throw .invalidShape("\(top) of \(experts) experts in \(topGroups) of \(groups) groups cannot be chosen")
    }
    let shape = try Shape([logits.count / experts, experts])
    return [TensorType(logits.element, shape), TensorType(.float32, shape), TensorType(.float32, shape)]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let logits = context[0]
    let experts = logits.position(-1).flatMap { logits.extent($0) } ?? context[1].extent(0)
    let tokens = logits.dims.flatMap { context.symbols.product(of: Array($0.dropLast())) }
    return [Fact(logits.element, [tokens, experts]), Fact(.float32, [tokens, experts]), Fact(.float32, [tokens, experts])]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    guard type.element == .float32 else { throw context.unsupportedTypes() }
    let experts = type.dims[type.rank - 1], keepsScores = context.wants(output: 1), keepsSigmoids = context.wants(output: 2)
    let choice = Choice(experts: experts, top: top, groups: groups, topGroups: topGroups, perGroup: min(perGroup, experts / groups))
    let (groups, sentinel) = (groups, sentinel)
    // Sigmoids, scores, and of each group its sum.
    let lane = try (2 &* experts &+ groups).multiplied(by: 4)
    return .ranges(type.count / experts, grain: max(1, (1 << 13) / experts), laneScratchBytes: lane) { (frame, range) throws(PinionError) in
      let sigmoids = frame.laneScratch.assumingMemoryBound(to: Float.self), scores = sigmoids + experts, sums = scores + experts
      var poll = Poll(frame.control)
      for row in range {
        try poll.count(4 &* experts)
        let logits = frame.input(0, as: Float.self) + row &* experts, bias = frame.input(1, as: Float.self)
        for expert in 0..<experts {
          sigmoids[expert] = 1 / (1 + expf(-logits[expert]))
          scores[expert] = sigmoids[expert] + bias[expert]
        }
        if keepsScores { (frame.output(1, as: Float.self) + row &* experts).update(from: scores, count: experts) }
        if keepsSigmoids { (frame.output(2, as: Float.self) + row &* experts).update(from: sigmoids, count: experts) }
        let y = frame.output(0, as: Float.self) + row &* experts
        y.update(repeating: sentinel, count: experts)
        try choice.choose(scores, sums, &poll) { expert in y[expert] = logf(max(sigmoids[expert], 1e-20)) }
      }
    }
  }

  private struct Choice: Sendable {
    let experts: Int
    let top: Int
    let groups: Int
    let topGroups: Int
    let perGroup: Int

    /// Takes scores away as it goes. Of equal ones the first counts.
    func choose(
      _ scores: UnsafeMutablePointer<Float>, _ sums: UnsafeMutablePointer<Float>, _ poll: inout Poll, _ take: (Int) -> Void
    ) throws(PinionError) {
      let size = experts / groups
      for group in 0..<groups {
        var last = Float.infinity, lastPlace = -1, sum: Float = 0
        for _ in 0..<perGroup {
          try poll.count(size)
          let place = next(scores + group &* size, size, behind: last, lastPlace)
          guard place >= 0 else { break }
          (last, lastPlace) = (scores[group &* size &+ place], place)
          sum += last
        }
        sums[group] = sum
      }
      // What is in no chosen group counts as the least.
      var chosen = 0, last = Float.infinity, lastPlace = -1
      var bound: (sum: Float, place: Int) = (-.infinity, groups)
      while chosen < topGroups {
        try poll.count(groups)
        let place = next(sums, groups, behind: last, lastPlace)
        guard place >= 0 else { break }
        (last, lastPlace) = (sums[place], place)
        bound = (last, place)
        chosen &+= 1
      }
      for group in 0..<groups where chosen == topGroups && (sums[group] < bound.sum || (sums[group] == bound.sum && group > bound.place)) {
        (scores + group &* size).update(repeating: -.infinity, count: size)
      }
      (last, lastPlace) = (.infinity, -1)
      for _ in 0..<top {
        try poll.count(experts)
        let place = next(scores, experts, behind: last, lastPlace)
        guard place >= 0 else { return }
        (last, lastPlace) = (scores[place], place)
        take(place)
      }
    }

    /// The largest number behind another one in the order of size and, where they are equal, of place; -1 where there is none.
    private func next(_ numbers: UnsafePointer<Float>, _ count: Int, behind last: Float, _ lastPlace: Int) -> Int {
      var found = -1
      for index in 0..<count {
        let number = numbers[index]
        guard number < last || (number == last && index > lastPlace) else { continue }
        if found < 0 || number > numbers[found] { found = index }
      }
      return found
    }
  }
}
