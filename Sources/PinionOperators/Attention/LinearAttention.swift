import CKernels
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
  /// com.microsoft's form has fewer heads of queries and of keys than of values as well, each of which serves neighbouring ones.
  private let sharesKeys: Bool

  package init(_ attributes: inout AttributeReader) throws(PinionError) { try self.init(&attributes, sharesKeys: false) }

  fileprivate init(_ attributes: inout AttributeReader, sharesKeys: Bool) throws(PinionError) {
    self.sharesKeys = sharesKeys
    heads = try attributes.int("q_num_heads", in: 1...Int64(1 << 46))
    kvHeads = try attributes.int("kv_num_heads", in: 1...Int64(1 << 46))
    guard heads % kvHeads == 0 || (sharesKeys && kvHeads % heads == 0) else { throw .invalidModel("q_num_heads \(heads) is no multiple of kv_num_heads \(kvHeads)") }
    scale = try attributes.float("scale", default: 0)
    rule = try attributes.choice("update_rule", default: .gatedDelta)
    attributes.ignore("chunk_size")
  }

  private struct Form: Sendable {
    let batch: Int
    let steps: Int
    let keyHeads: Int
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
    let keySize = q.dims[2] / heads, keyHeads = sharesKeys && keySize > 0 ? k.dims[2] / keySize : kvHeads
    guard q.dims[2] % heads == 0, keyHeads > 0, kvHeads % keyHeads == 0, k.dims[2] == keyHeads &* keySize, v.dims[2] % kvHeads == 0,
      k.dims[0] == batch, v.dims[0] == batch, k.dims[1] == steps, v.dims[1] == steps
    else { throw .invalidShape("query \(q), key \(k) and value \(v) do not fit \(heads) and \(kvHeads) heads") }
    let valueSize = v.dims[2] / kvHeads
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
    return Form(batch: batch, steps: steps, keyHeads: keyHeads, keySize: keySize, valueSize: valueSize, decays: decays, rates: rates)
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let form = try form(context)
    let state = try Shape([form.batch, kvHeads, form.keySize, form.valueSize])
    let element = try context.type(0).element
    return [
      TensorType(element, try Shape([form.batch, form.steps, try max(heads, kvHeads).multiplied(by: form.valueSize)])),
      TensorType(context.optionalType(3)?.element ?? element, state),
    ]
  }

  package func facts(_ context: FactContext) -> [Fact] {
    let q = context[0], k = context[1], v = context[2], symbols = context.symbols
    let size = symbols.quotient(v.extent(2), by: kvHeads)
    let state = Fact(
      context.has(3) ? context[3].element : q.element,
      [q.extent(0), kvHeads, sharesKeys ? symbols.quotient(q.extent(2), by: heads) : symbols.quotient(k.extent(2), by: kvHeads), size])
    return [Fact(q.element, [q.extent(0), q.extent(1), symbols.product(of: [max(heads, kvHeads), size])]), state]
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
      let rows = form.keySize, columns = form.valueSize, outputs = max(heads, kvHeads), group = outputs / kvHeads
      let keyHead = head / (kvHeads / form.keyHeads)
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
        let key = frame.input(1, as: Float.self) + (position &* form.keyHeads &+ keyHead) &* rows
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
          let place = head &* group &+ member
          let query = frame.input(0, as: Float.self) + (position &* heads &+ place / (outputs / heads)) &* rows
          let result = frame.output(0, as: Float.self) + (position &* outputs &+ place) &* columns
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

/// com.microsoft's LinearAttention, in which heads of queries and keys may each serve several heads of values.
package struct MicrosoftLinearAttention: CPUExecutable {
  package static let schema = Schema(
    "LinearAttention", domain: "com.microsoft", since: 1, inputs: ["query: T", "key: T", "value: T", "past_state?: S", "decay?: T", "beta?: T"],
    outputs: ["output: T", "present_state: S"], types: ["T": [.float32, .float16, .bfloat16], "S": [.float32, .float16, .bfloat16]], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  private let attention: LinearAttention

  package init(_ attributes: inout AttributeReader) throws(PinionError) {
    attention = try LinearAttention(&attributes, sharesKeys: true)
    let window = try attributes.int("state_window", default: 0)
    guard window == 0 else { throw .unsupported("LinearAttention that keeps \(window) states") }
  }

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] { try attention.infer(context) }
  package func facts(_ context: FactContext) -> [Fact] { attention.facts(context) }
  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel { try attention.makeKernel(context) }
}

/// com.microsoft's LinearAttentionGate: the decay `factor * softplus(a + bias)`, with a factor and a bias for each head, and the rate sigmoid(b).
package struct LinearAttentionGate: CPUExecutable {
  package static let schema = Schema(
    "LinearAttentionGate", domain: "com.microsoft", since: 1, inputs: ["a: T", "dt_bias: float32", "decay_scale: float32", "b?: T"],
    outputs: ["decay: T", "beta?: T"], types: ["T": [.float32, .float16, .bfloat16]], mixing: ["T"])
  package static var computesHalfInFloat32: Bool { true }
  package init(_ attributes: inout AttributeReader) throws(PinionError) {}

  package func infer(_ context: InferenceContext) throws(PinionError) -> [TensorType] {
    let a = try context.type(0, rankAtLeast: 1)
    for index in [1, 2] { try context.check(index, dims: [a.dims[a.rank - 1]]) }
    try context.check(3, dims: a.dims)
    guard context.outputCount < 2 || context.has(3) else { throw .invalidModel("output 'beta' without input 'b'") }
    return [a, a]
  }

  package func facts(_ context: FactContext) -> [Fact] { [context.like(0), context.like(0)] }

  package func makeKernel(_ context: KernelContext) throws(PinionError) -> Kernel {
    let type = try context.type(0)
    guard type.element == .float32 else { throw context.unsupportedTypes() }
    let heads = type.dims[type.rank - 1], wantsRate = context.wants(output: 1)
    let softplus = try Float.function(PK_UNARY_SOFTPLUS), sigmoid = try Float.function(PK_UNARY_SIGMOID)
    return .ranges(heads == 0 ? 0 : type.count / heads, grain: max(1, elementwiseGrain / max(heads, 1))) { frame, range in
      let biases = frame.input(1, as: Float.self), factors = frame.input(2, as: Float.self)
      for row in range {
        let a = frame.input(0, as: Float.self) + row &* heads, decay = frame.output(0, as: Float.self) + row &* heads
        for head in 0..<heads { decay[head] = a[head] + biases[head] }
        softplus(decay, decay, heads, nil)
        for head in 0..<heads { decay[head] *= factors[head] }
        if wantsRate { sigmoid(frame.input(3, as: Float.self) + row &* heads, frame.output(1, as: Float.self) + row &* heads, heads, nil) }
      }
    }
  }
}
