import Glibc
import PinionBackend
import PinionBase
import PinionCPU
import PinionGraph
import PinionTensor

/// Attention without softmax: each head carries a matrix along the sequence, which keys and values update and queries read.
package struct LinearAttention: CPUExecutable {
  enum Rule: String, CaseIterable, Sendable {
    case linear, gated, delta
    case gatedDelta = "gated_delta"
    var hasDecay: Bool { self == .gated || self == .gatedDelta }
    var hasRate: Bool { self == .delta || self == .gatedDelta }
  }

  package static let schema = Schema(
    "LinearAttention", since: 27, inputs: ["query: T", "key: T", "value: T", "past_state?: S", "decay?: T", "beta?: T"],
    outputs: ["output: T", "present_state: S"], types: ["T": [.float32, .float16, .bfloat16], "S": [.float32, .float16, .bfloat16]], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  let heads: Int
  let kvHeads: Int
  let scale: Float
  let rule: Rule

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    heads = try attributes.int("q_num_heads", in: 1...Int64(1 << 46))
    kvHeads = try attributes.int("kv_num_heads", in: 1...Int64(1 << 46))
    guard heads % kvHeads == 0 else { throw .invalidModel("q_num_heads \(heads) is no multiple of kv_num_heads \(kvHeads)") }
    scale = try attributes.float("scale", default: 0)
    rule = try attributes.choice("update_rule", default: .gatedDelta)
    attributes.ignore("chunk_size")
  }

  private struct Form: Sendable {
    let batch: Int
    let steps: Int
    let keySize: Int
    let valueSize: Int
    /// Numbers of decay for each step and head: 0, 1 or one for each row of the state.
    let decays: Int
    /// Heads that have a rate of their own; 1 if one serves all, 0 for none.
    let rates: Int
  }

  private func form(_ context: InferenceContext) throws(PinionError) -> Form {
    let q = try context.type(0, rank: 3), k = try context.type(1, rank: 3), v = try context.type(2, rank: 3)
    let batch = q.dims[0], steps = q.dims[1]
    guard q.dims[2] % heads == 0, k.dims[2] % kvHeads == 0, v.dims[2] % kvHeads == 0, q.dims[2] / heads == k.dims[2] / kvHeads,
      k.dims[0] == batch, v.dims[0] == batch, k.dims[1] == steps, v.dims[1] == steps
    else { throw .invalidShape("query \(q), key \(k) and value \(v) do not fit \(heads) and \(kvHeads) heads") }
    let keySize = q.dims[2] / heads, valueSize = v.dims[2] / kvHeads
    if let past = context.optionalType(3), past.dims != [batch, kvHeads, keySize, valueSize] {
      throw .invalidShape("past_state is \(past), expected shape [\(batch),\(kvHeads),\(keySize),\(valueSize)]")
    }
    guard !rule.hasDecay || context.has(4), !rule.hasRate || context.has(5) else {
      throw .invalidModel("update rule '\(rule.rawValue)' lacks its decay or beta")
    }
    var decays = 0, rates = 0
    if rule.hasDecay {
      let decay = try context.type(4, rank: 3)
      decays = decay.dims[2] == kvHeads ? 1 : keySize
      guard decay.dims == [batch, steps, kvHeads &* decays] else {
        throw .invalidShape("decay is \(decay), expected [\(batch),\(steps),\(kvHeads)] or [\(batch),\(steps),\(kvHeads &* keySize)]")
      }
    }
    if rule.hasRate {
      let beta = try context.type(5, rank: 3)
      rates = beta.dims[2] == 1 ? 1 : kvHeads
      guard beta.dims == [batch, steps, rates] else {
        throw .invalidShape("beta is \(beta), expected [\(batch),\(steps),\(kvHeads)] or [\(batch),\(steps),1]")
      }
    }
    return Form(batch: batch, steps: steps, keySize: keySize, valueSize: valueSize, decays: decays, rates: rates)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let form = try form(context)
    let state = try Shape([form.batch, kvHeads, form.keySize, form.valueSize])
    let element = try context.type(0).element
    return [
      TensorType(element, try Shape([form.batch, form.steps, try heads.multiplied(by: form.valueSize)])),
      TensorType(context.optionalType(3)?.element ?? element, state),
    ]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let q = context[0], k = context[1], v = context[2], symbols = context.symbols
    let size = symbols.quotient(v.extent(2), by: kvHeads)
    let state = Fact(
      context.has(3) ? context[3].element : q.element, [q.extent(0), kvHeads, symbols.quotient(k.extent(2), by: kvHeads), size])
    return [Fact(q.element, [q.extent(0), q.extent(1), symbols.product(of: [heads, size])]), state]
  }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    try context.inference.requireSameElementType([0, 1, 2, 3, 4, 5])
    guard try context.type(0).element == .float32 else { throw context.unsupportedTypes() }
    let form = try form(context.inference), walk = Walk(
      form: form, heads: heads, kvHeads: kvHeads,
      scale: scale == 0 ? 1 / Float(max(form.keySize, 1)).squareRoot() : scale, hasPast: context.has(3))
    // The state of a head lies in the output, or in the lane's memory where the output is not named.
    let isStored = context.wants(output: 1)
    let size = form.keySize &* form.valueSize
    let lane = try (isStored ? form.valueSize : size.adding(form.valueSize)).multiplied(by: 4)
    let kvHeads = kvHeads
    // Without elements there may be any number of heads.
    return .parallel(tasks: form.valueSize == 0 ? 0 : form.batch &* kvHeads, laneScratchBytes: lane) { (frame, task) throws(PinionError) in
      let scratch = frame.laneScratch.assumingMemoryBound(to: Float.self)
      let state = isStored ? frame.output(1, as: Float.self) + task &* size : scratch + form.valueSize
      try walk.run(frame, batch: task / kvHeads, head: task % kvHeads, state: state, change: scratch)
    }
  }

  private struct Walk: Sendable {
    let form: Form
    let heads: Int
    let kvHeads: Int
    let scale: Float
    let hasPast: Bool

    /// - Parameter change: room for one row of the state.
    func run(
      _ frame: KernelFrame, batch: Int, head: Int, state: UnsafeMutablePointer<Float>, change: UnsafeMutablePointer<Float>
    ) throws(PinionError) {
      let rows = form.keySize, columns = form.valueSize, group = heads / kvHeads
      var poll = Poll(frame.control)
      let work = columns / 4 &+ 1
      for row in 0..<rows {
        try poll.count(work)
        if hasPast {
          let past = frame.input(3, as: Float.self) + ((batch &* kvHeads &+ head) &* rows &+ row) &* columns
          (state + row &* columns).update(from: past, count: columns)
        } else {
          (state + row &* columns).update(repeating: 0, count: columns)
        }
      }
      for step in 0..<form.steps {
        try poll.count(16)
        let position = batch &* form.steps &+ step
        let key = frame.input(1, as: Float.self) + (position &* kvHeads &+ head) &* rows
        let value = frame.input(2, as: Float.self) + (position &* kvHeads &+ head) &* columns
        if form.decays > 0 {
          let decay = frame.input(4, as: Float.self) + (position &* kvHeads &+ head) &* form.decays
          for row in 0..<rows {
            try poll.count(work)
            let factor = expf(decay[form.decays == 1 ? 0 : row])
            for column in 0..<columns { state[row &* columns &+ column] *= factor }
          }
        }
        if form.rates > 0 {
          let rate = frame.input(5, as: Float.self)[form.rates == 1 ? position : position &* kvHeads &+ head]
          for column in 0..<columns { change[column] = 0 }
          for row in 0..<rows {
            try poll.count(work)
            for column in 0..<columns { change[column] += state[row &* columns &+ column] * key[row] }
          }
          for column in 0..<columns { change[column] = rate * (value[column] - change[column]) }
        } else {
          change.update(from: value, count: columns)
        }
        for row in 0..<rows {
          try poll.count(work)
          for column in 0..<columns { state[row &* columns &+ column] += key[row] * change[column] }
        }
        for member in 0..<group {
          let queryHead = position &* heads &+ head &* group &+ member
          let query = frame.input(0, as: Float.self) + queryHead &* rows
          let result = frame.output(0, as: Float.self) + queryHead &* columns
          for column in 0..<columns { result[column] = 0 }
          for row in 0..<rows {
            try poll.count(work)
            let weight = scale * query[row]
            for column in 0..<columns { result[column] += weight * state[row &* columns &+ column] }
          }
        }
      }
    }
  }
}
